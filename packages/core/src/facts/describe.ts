import { isJsonObject } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { Effects } from "./effects.ts";
import type { FactContext, FactFunction, RecordType, ValueType } from "./schema.ts";
import { Unknown } from "./unknown.ts";

/**
 * What analysis understood, as JSON for people and programs. What could not be told is `{"open": why}` or `{"invalid": why}`; a list is
 * `{"items": […], "open": why}`, where `open` is null for a list that is closed. Methods, which need arguments, are left out.
 */
export function describeFact(fact: object | Unknown, record: RecordType): JsonValue {
  return fact instanceof Unknown ? describeUnknown(fact) : describeRecord(fact, record, 0);
}

/** The fact that conditions about a standard action type usually ask for; null where there is none, or the payload lacks the field. */
export function describeAction(functions: readonly FactFunction[], actionType: string, context: FactContext): JsonObject | null {
  const usual = usualFacts[actionType];
  const { payload } = context;
  if (usual === undefined || !isJsonObject(payload)) return null;
  const found = functions.find(({ name }) => name === usual.name);
  const args = usual.fields.flatMap((field) => (Object.hasOwn(payload, field) ? [payload[field] ?? null] : []));
  if (found === undefined || args.length === 0) return null;
  return { fact: found.name, ...asObject(describeFact(found.analyse(args, context), found.result)) };
}

const usualFacts: Readonly<Record<string, { readonly name: string; readonly fields: readonly string[] }>> = {
  execute_shell: { name: "shell", fields: ["command"] },
  read_file: { name: "path", fields: ["path"] },
  modify_file: { name: "path", fields: ["path"] },
  delete_file: { name: "path", fields: ["path"] },
  call_external_api: { name: "url", fields: ["url"] },
  execute_query: { name: "sql", fields: ["query", "dialect"] },
};

/** Records hold records; none of ours this deep. */
const deepest = 8;

function describeRecord(fact: object, record: RecordType, depth: number): JsonValue {
  const shown: Record<string, JsonValue> = {};
  for (const [name, member] of Object.entries(record.members)) {
    if (member.kind === "field") shown[name] = describeValue((fact as Readonly<Record<string, unknown>>)[name], member.type, depth + 1);
  }
  return shown;
}

function describeValue(value: unknown, type: ValueType, depth: number): JsonValue {
  if (value instanceof Unknown) return describeUnknown(value);
  if (depth > deepest) return null;
  if (value instanceof Effects) {
    const of: ValueType = type.kind === "list" ? type.of : type;
    return { items: value.items.map((item: unknown) => describeValue(item, of, depth)), open: value.open };
  }
  if (Array.isArray(value)) {
    const of: ValueType = type.kind === "list" ? type.of : type;
    return value.map((item: unknown) => describeValue(item, of, depth));
  }
  if (type.kind === "record" && typeof value === "object" && value !== null) return describeRecord(value, type.record, depth);
  if (typeof value === "string" || typeof value === "boolean") return value;
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function describeUnknown({ kind, why }: Unknown): JsonObject {
  return { [kind]: why };
}

function asObject(value: JsonValue): JsonObject {
  return isJsonObject(value) ? value : { value };
}
