import { CanopyError } from "../errors.ts";
import { cloneJson, isJsonCopy, isJsonObject, member } from "../json.ts";
import type { JsonLimits, JsonValue } from "../json.ts";

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

/** Wider than for a request, because an entry holds a request's parts inside its own. */
const limits: JsonLimits = { depth: 96, values: 1_000_000, characters: 64 * 1024 * 1024 };

/** Reads every property once. Values that `cloneJson` made are not copied again. Throws `NOT_JSON`. */
export function readBody(entry: object): Body {
  let type: JsonValue | undefined;
  const members: Member[] = [];
  for (const key of ownKeys(entry)) {
    const value = read(entry, key);
    if (value === undefined) continue;
    if (key === "type") type = value;
    else members.push(memberOf(key, value));
  }
  if (typeof type !== "string") throw new CanopyError("NOT_JSON", "an audit entry is an object with a `type`");
  return { type, members };
}

export function memberOf(key: string, value: JsonValue): Member {
  return { key, value, text: JSON.stringify(value) };
}

function ownKeys(entry: object): readonly string[] {
  // What is no plain object, or has symbols for keys, is refused where JSON is read.
  const plain: unknown = typeof entry === "object" && entry !== null ? Object.getPrototypeOf(entry) : undefined;
  if ((plain === Object.prototype || plain === null) && Object.getOwnPropertySymbols(entry).length === 0)
    return Object.getOwnPropertyNames(entry);
  const copy = cloneJson(entry, limits);
  if (!isJsonObject(copy)) throw new CanopyError("NOT_JSON", "an audit entry is an object with a `type`");
  return Object.keys(copy);
}

function read(entry: object, key: string): JsonValue | undefined {
  const property = Object.getOwnPropertyDescriptor(entry, key);
  if (property === undefined || !("value" in property))
    throw new CanopyError("NOT_JSON", `not JSON at \`${key.slice(0, 40)}\`: an accessor`);
  const value = property.value as JsonValue | undefined;
  if (value === undefined || value === null || typeof value === "boolean") return value;
  if (typeof value === "string" ? value.isWellFormed() : isJsonCopy(value)) return value;
  const copy = cloneJson({ [key]: value }, limits);
  return isJsonObject(copy) ? member(copy, key) : undefined;
}
