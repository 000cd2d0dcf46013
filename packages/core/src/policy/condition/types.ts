import type { FactParameter, ValueType } from "../../facts/schema.ts";
import { bool, dyn, int, list, string } from "../../facts/schema.ts";
import type { FieldType } from "../actions.ts";
import { standardActions } from "../actions.ts";
import { matchesGlob } from "../glob.ts";

/** A value's static type, or one of the two variables that are more than a value: they know which fields they have. */
export type Type = ValueType | { readonly kind: "payload" } | { readonly kind: "agent_ctx" };

export const nullType: ValueType = { kind: "null" };
export const uintType: ValueType = { kind: "uint" };
export const doubleType: ValueType = { kind: "double" };

/** The keys of the agent context that Canopy knows; a host may add any other. */
export const agentContextKeys: Readonly<Record<string, ValueType>> = {
  agent_id: string,
  id: string,
  public_key: string,
  name: string,
  created_at: string,
  env: string,
  role: string,
  cwd: string,
  home: string,
  safe_paths: list(string),
  safe_hosts: list(string),
};

/** What the payload of the actions that a rule is about is known to hold. */
export interface PayloadShape {
  /** The standard action types among them; where there is none, any field may be read. */
  readonly standard: readonly string[];
  /** The type of `field`, or the standard action types that lack it. */
  readonly field: (field: string) => ValueType | { readonly lacking: readonly string[] };
  readonly names: readonly string[];
}

/** The payload of every action type that one of `patterns` (names and globs) matches. */
export function payloadShape(patterns: readonly string[]): PayloadShape {
  const standard = Object.keys(standardActions).filter((name) => patterns.some((pattern) => matchesGlob(pattern, name)));
  const others = patterns.some((pattern) => !standard.includes(pattern));
  return {
    standard,
    names: [...new Set(standard.flatMap((name) => Object.keys(standardActions[name] ?? {})))],
    field(field) {
      const types = standard.map((name) => fieldOf(name, field));
      const lacking = standard.filter((name) => fieldOf(name, field) === undefined);
      if (lacking.length > 0) return { lacking };
      const [first] = types;
      // A glob matches other people's action types too, and what these hold is known only at run time.
      return first === undefined || others || types.some((type) => type !== first) ? dyn : fieldTypes[first];
    },
  };
}

function fieldOf(name: string, field: string): FieldType | undefined {
  const schema = standardActions[name] ?? {};
  return Object.hasOwn(schema, field) ? schema[field]?.type : undefined;
}

const fieldTypes: Readonly<Record<FieldType, ValueType>> = { string, "string-map": { kind: "map", of: string }, any: dyn };

/** A type in the words of a message. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case "list":
      return "a list";
    case "map":
    case "payload":
    case "agent_ctx":
      return "an object";
    case "record":
      return `what \`${type.record.name}\` describes`;
    case "bool":
      return "a boolean";
    case "string":
      return "text";
    case "null":
      return "null";
    case "dyn":
      return "a value";
    case "int":
    case "uint":
    case "double":
      return "a number";
    default:
      return "a value";
  }
}

export function isNumeric(type: Type): boolean {
  return type.kind === "int" || type.kind === "uint" || type.kind === "double";
}

/** Whether values of the two types can be compared for equality at all: what cannot be is refused at load, not answered with false. */
export function comparable(a: Type, b: Type): boolean {
  if (a.kind === "payload" || b.kind === "payload" || a.kind === "agent_ctx" || b.kind === "agent_ctx") return false;
  if (a.kind === "record" || b.kind === "record") return false;
  if (a.kind === "dyn" || b.kind === "dyn" || a.kind === "null" || b.kind === "null") return true;
  if (isNumeric(a) && isNumeric(b)) return true;
  if (a.kind === "list" && b.kind === "list") return comparable(a.of, b.of);
  if (a.kind === "map" && b.kind === "map") return comparable(a.of, b.of);
  return a.kind === b.kind;
}

/** Whether a value of `type` may be handed to `parameter`. */
export function accepts(parameter: FactParameter, type: Type): boolean {
  return parameter.types.some((wanted) => assignable(type, wanted));
}

function assignable(type: Type, wanted: ValueType): boolean {
  if (type.kind === "record") return false;
  if (type.kind === "dyn" || wanted.kind === "dyn") return true;
  if (type.kind === "payload" || type.kind === "agent_ctx") return wanted.kind === "map";
  if (isNumeric(type) && isNumeric(wanted)) return true;
  if (type.kind === "list" && wanted.kind === "list") return assignable(type.of, wanted.of);
  if (type.kind === "map" && wanted.kind === "map") return assignable(type.of, wanted.of);
  return type.kind === wanted.kind;
}

/** The one type of the values of both types; `dyn` where there is none narrower. */
export function joined(a: ValueType, b: ValueType): ValueType {
  if (a.kind === "record" && b.kind === "record") return a.record === b.record ? a : dyn;
  if (a.kind === "list" && b.kind === "list") return list(joined(a.of, b.of));
  if (a.kind === "map" && b.kind === "map") return { kind: "map", of: joined(a.of, b.of) };
  return a.kind === b.kind ? a : dyn;
}

export { bool, dyn, int, list, string };
