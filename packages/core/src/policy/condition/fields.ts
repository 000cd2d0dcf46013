import { Unknown, invalid, open } from "../../facts/unknown.ts";
import { isJsonObject, member } from "../../json.ts";
import { asValue, isObject, kindOf, listOf, worse } from "./values.ts";
import type { Run } from "./values.ts";

/** The words of a condition for what is read, and for what it is read from. */
export interface Place {
  readonly place: string;
  readonly text: string;
}

/** A variable; `level` is the nesting of a comprehension's. */
export function readVariable(name: string, level: number | undefined): Run {
  if (level !== undefined)
    return (scope) => scope.items[level] ?? (scope.items[level] === null ? null : invalid(`\`${name}\` has no value`));
  switch (name) {
    case "agent_ctx":
      return (scope) => scope.agentCtx;
    case "payload":
      return (scope) => scope.payload;
    case "action_type":
      return (scope) => scope.actionType;
    default:
      return () => invalid(`\`${name}\` is unknown`);
  }
}

/** A field of an object that came with the request. What the object inherits is no field of it. */
export function readMember(of: Run, name: string, { text, place }: Place): Run {
  const missing = invalid(`${place} is missing`);
  return (scope) => {
    const value = of(scope);
    if (value instanceof Unknown) return value;
    if (!isObject(value)) return invalid(`${text} is ${kindOf(value)}, not an object`);
    const found = member(value, name);
    return found === undefined ? missing : found;
  };
}

/** An item of a list or a field of an object, whichever the index asks for. */
export function readIndex(of: Run, at: Run, { text, place }: Place): Run {
  const missing = invalid(`${place} is missing`);
  return (scope) => {
    const value = of(scope);
    const index = at(scope);
    if (value instanceof Unknown) return index instanceof Unknown ? worse(value, index) : value;
    if (index instanceof Unknown) return index;
    if (typeof index === "string") {
      if (!isObject(value)) return invalid(`${text} is ${kindOf(value)}, not an object`);
      const found = member(value, index);
      return found === undefined ? missing : found;
    }
    const list = listOf(value, text);
    if (list instanceof Unknown) return list;
    if (list.open !== null) return open(list.open);
    const found = typeof index === "number" && Number.isSafeInteger(index) && index >= 0 ? list.items[index] : undefined;
    return found === undefined ? missing : asValue(found);
  };
}

/** What should hold a field. */
export interface Holder {
  readonly read: Run;
  readonly text: string;
  /** Where the holder is a field itself: of what, and which. */
  readonly inside: { readonly holder: Holder; readonly name: string } | null;
}

/** Presence. False also where what should hold the field is absent itself; a holder of another type makes it unknown. */
export function hasField(holder: Holder, name: string): Run {
  const outer = holder.inside === null ? null : hasField(holder.inside.holder, holder.inside.name);
  return (scope) => {
    const present = outer === null ? true : outer(scope);
    if (present !== true) return present;
    const value = holder.read(scope);
    if (value instanceof Unknown) return value;
    if (!isObject(value)) return invalid(`${holder.text} is ${kindOf(value)}, not an object`);
    return member(value, name) !== undefined;
  };
}

const missingCommand: Unknown = invalid("`payload.command` is missing");

/** The command of `execute_shell`. */
export const readCommand: Run = (scope) => {
  const found = isJsonObject(scope.payload) ? member(scope.payload, "command") : undefined;
  return found === undefined ? missingCommand : found;
};
