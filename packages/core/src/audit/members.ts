import { CanopyError } from "../errors.ts";
import { cloneJson, isJsonCopy, isJsonObject } from "../json.ts";
import type { JsonLimits, JsonObject, JsonValue } from "../json.ts";

/** One member of an entry's body, and its JSON as it will stand in the line. */
export interface Member {
  readonly key: string;
  readonly value: JsonValue;
  readonly text: string;
}

/** A body as it was when it was read; what becomes of the caller's object later does not matter. */
export interface Body {
  readonly type: string;
  /** All members but `type`, in their order. */
  readonly members: readonly Member[];
}

/** What was read of an entry: JSON throughout, save that members which are `undefined` count as absent. */
export interface ReadEntry {
  readonly type: string;
  /** All members, `type` included. */
  readonly entry: Readonly<Record<string, JsonValue | undefined>>;
}

/** Wider than for a request, because an entry holds a request's parts inside its own. */
export const entryLimits: JsonLimits = { depth: 96, values: 1_000_000, characters: 64 * 1024 * 1024 };

/**
 * Checks every property, and copies those values that are not sure to stay as they are; what `cloneJson` made is. Good until the caller's
 * code runs again. Throws `NOT_JSON`.
 */
export function readEntry(given: object): ReadEntry {
  const prototype: unknown = typeof given === "object" && given !== null ? Object.getPrototypeOf(given) : undefined;
  // What is no plain object, or has symbols for keys, is refused, in the words that any JSON is refused with.
  const plain = (prototype === Object.prototype || prototype === null) && Object.getOwnPropertySymbols(given).length === 0;
  const from = plain ? given : objectCopy(given);
  let type: unknown;
  let foreign: Record<string, unknown> | null = null;
  for (const key of Object.getOwnPropertyNames(from)) {
    const property = Object.getOwnPropertyDescriptor(from, key);
    if (property === undefined || !("value" in property))
      throw new CanopyError("NOT_JSON", `not JSON at \`${key.slice(0, 40)}\`: an accessor`);
    const value: unknown = property.value;
    if (key === "type") type = value;
    if (!isReady(value)) Object.defineProperty((foreign ??= {}), key, { value, enumerable: true });
  }
  if (typeof type !== "string") throw new CanopyError("NOT_JSON", "an audit entry is an object with a `type`");
  return { type, entry: { ...from, ...(foreign === null ? {} : objectCopy(foreign)) } };
}

export function membersOf({ type, entry }: ReadEntry): Body {
  const members = Object.entries(entry).flatMap(([key, value]) => (key === "type" || value === undefined ? [] : [memberOf(key, value)]));
  return { type, members };
}

export function memberOf(key: string, value: JsonValue): Member {
  return { key, value, text: JSON.stringify(value) };
}

/** Whether the value can be taken as it is: it cannot change, and is JSON for sure. */
function isReady(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  return (
    value === undefined || value === null || typeof value === "boolean" || Number.isSafeInteger(value) || isJsonCopy(value as JsonValue)
  );
}

function objectCopy(value: unknown): JsonObject {
  const copy = cloneJson(value, entryLimits);
  if (!isJsonObject(copy)) throw new CanopyError("NOT_JSON", "an audit entry is an object with a `type`");
  return copy;
}
