import { Effects } from "../../facts/effects.ts";
import type { FactContext } from "../../facts/schema.ts";
import { Unknown, invalid, open } from "../../facts/unknown.ts";
import type { JsonObject, JsonValue } from "../../json.ts";
import { Double, Uint, compareNumbers, isNumber } from "./numbers.ts";
import type { CelNumber } from "./numbers.ts";
import { payloadProblems } from "../actions.ts";
import type { PayloadTexts } from "./payload-texts.ts";

/** What an expression is worth: JSON, a CEL number, a fact, a list that may be open, or an Unknown. */
export type Value = JsonValue | CelNumber | Unknown | Effects<unknown> | readonly unknown[] | object;

/** Answers one expression for one request. Total: what cannot be answered is an Unknown. */
export type Run = (scope: Scope) => Value;

/** One request while it is judged, and what was already found out about it. Made anew for each, so that nothing leaks from one to the next. */
export interface Scope {
  readonly actionType: string;
  readonly agentCtx: JsonValue;
  readonly payload: JsonValue;
  readonly context: FactContext;
  /** What keeps the payload from being one of its standard action type, as clauses. */
  readonly problems: readonly string[];
  /** The values of comprehension variables, by nesting. */
  items: Value[];
  /** Answers of expressions that several conditions share. */
  memo: (Value | undefined)[] | null;
  /** Facts, by function and arguments. */
  facts: Map<string, Value> | null;
  /** What a search of the whole payload looks through; null until one is made. */
  texts: PayloadTexts | null;
  /** Steps that the comprehension being evaluated may still take; null outside of one. */
  steps: number | null;
}

/** What a host looked up about a request before it is judged. */
export type EvaluationInputs = Omit<FactContext, "agentCtx" | "payload">;

export function scopeOf(actionType: string, agentCtx: JsonObject, payload: JsonValue, inputs: EvaluationInputs | undefined): Scope {
  return {
    actionType,
    agentCtx,
    payload,
    context: inputs === undefined ? { agentCtx, payload } : { ...inputs, agentCtx, payload },
    problems: payloadProblems(actionType, payload),
    items: [],
    // Most requests need neither.
    memo: null,
    facts: null,
    texts: null,
    steps: null,
  };
}

/**
 * Counts work inside a comprehension as so many of its steps: what is cheap once is not cheap ten thousand times over. Whether it was done before
 * must not matter here, or the order of rules would.
 */
export function spend(scope: Scope, steps: number): void {
  if (scope.steps !== null) scope.steps -= steps;
}

/** The stronger of two reasons not to know: invalid before open, then the first. */
export function worse(a: Unknown | undefined, b: Unknown): Unknown {
  return a === undefined || (a.kind === "open" && b.kind === "invalid") ? b : a;
}

/** The item `index` of a list as a value; what JSON cannot have (a hole, a symbol) is invalid. */
export function asValue(item: unknown): Value {
  switch (typeof item) {
    case "boolean":
    case "string":
    case "number":
    case "bigint":
      return item;
    case "object":
      return item;
    default:
      return invalid(`a fact answered with a value of type ${typeof item}`);
  }
}

/** The items of a list and, where there may be more of them, why; an Unknown where `value` is no list. */
export function listOf(value: Value, text: string): { readonly items: readonly unknown[]; readonly open: string | null } | Unknown {
  if (Array.isArray(value)) return { items: value, open: null };
  if (value instanceof Effects) return value;
  if (value instanceof Unknown) return value;
  return invalid(`${text} is ${kindOf(value)}, not a list`);
}

/** A plain JSON object: not a list, not a fact's list, no number. */
export function isObject(value: Value): value is JsonObject {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Effects || value instanceof Unknown || value instanceof Double || value instanceof Uint)
  );
}

/** Whether two values are the same; Unknown where they are of different types, which is neither same nor different. */
export function same(a: Value, b: Value, words: string): boolean | Unknown {
  if (a instanceof Unknown) return b instanceof Unknown ? worse(a, b) : a;
  if (b instanceof Unknown) return b;
  if (isNumber(a) && isNumber(b)) {
    const order = compareNumbers(a, b);
    return order instanceof Unknown ? order : order === 0;
  }
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") {
    if (a === null ? b === null : b !== null && typeof a === typeof b) return a === b;
    return invalid(`${words}: ${kindOf(a)} and ${kindOf(b)} cannot be compared`);
  }
  if ((Array.isArray(a) || a instanceof Effects) && (Array.isArray(b) || b instanceof Effects)) return sameLists(a, b, words);
  if (isObject(a) && isObject(b)) return sameObjects(a, b, words);
  return invalid(`${words}: ${kindOf(a)} and ${kindOf(b)} cannot be compared`);
}

function sameLists(a: readonly unknown[] | Effects<unknown>, b: readonly unknown[] | Effects<unknown>, words: string): boolean | Unknown {
  const left = a instanceof Effects ? a : { items: a, open: null };
  const right = b instanceof Effects ? b : { items: b, open: null };
  const missing = left.open ?? right.open;
  if (missing === null && left.items.length !== right.items.length) return false;
  let unknown: Unknown | undefined = missing === null ? undefined : open(missing);
  const length = Math.min(left.items.length, right.items.length);
  for (let index = 0; index < length; index += 1) {
    const item = same(asValue(left.items[index]), asValue(right.items[index]), words);
    if (item === false) return false;
    if (item !== true) unknown = worse(unknown, item);
  }
  return unknown ?? true;
}

function sameObjects(a: JsonObject, b: JsonObject, words: string): boolean | Unknown {
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length || keys.some((key) => !Object.hasOwn(b, key))) return false;
  let unknown: Unknown | undefined;
  for (const key of keys) {
    const item = same(asValue(a[key]), asValue(b[key]), words);
    if (item === false) return false;
    if (item !== true) unknown = worse(unknown, item);
  }
  return unknown ?? true;
}

/** Less than zero, zero or more as text `a` comes before, with or after `b` in the order of code points, which UTF-16 does not keep. */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const [left, right] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (left === right) continue;
    // Surrogates stand for code points above every other unit.
    const [leftHigh, rightHigh] = [left >= 0xd800 && left <= 0xdfff, right >= 0xd800 && right <= 0xdfff];
    if (leftHigh !== rightHigh) return leftHigh ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}

/** The JSON that a value stands for, to be handed to a fact; an Unknown where JSON has no such value. */
export function toJson(value: Value): JsonValue | Unknown {
  if (value instanceof Unknown || value === null) return value;
  if (value instanceof Double) return value.value;
  if (value instanceof Uint || typeof value === "bigint") {
    const number = Number(value instanceof Uint ? value.value : value);
    return Number.isSafeInteger(number) ? number : invalid("a number is beyond 2^53");
  }
  if (typeof value !== "object") return value;
  if (value instanceof Effects && value.open !== null) return open(value.open);
  if (value instanceof Effects || Array.isArray(value)) {
    const items: JsonValue[] = [];
    for (const item of value instanceof Effects ? value.items : value) {
      const json = toJson(asValue(item));
      if (json instanceof Unknown) return json;
      items.push(json);
    }
    return items;
  }
  return value as JsonObject;
}

/** What kind of thing a value is, in the words of a reason. */
export function kindOf(value: Value): string {
  if (value === null) return "null";
  if (isNumber(value)) return "a number";
  if (typeof value === "string") return "a string";
  if (typeof value === "boolean") return "a boolean";
  if (Array.isArray(value) || value instanceof Effects) return "a list";
  return "an object";
}
