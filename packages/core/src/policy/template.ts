import { Unknown } from "../facts/unknown.ts";
import { Effects } from "../facts/effects.ts";
import type { Scope, Value } from "./condition/values.ts";
import { isNumber } from "./condition/numbers.ts";
import { asValue } from "./condition/values.ts";
import { visible } from "./problems.ts";
import type { Template } from "./rule.ts";

/** What of the request a reason quotes, so that a record can leave out what it keeps secret. */
export interface Quote {
  /** As the policy names it: `payload.path`. */
  readonly path: string;
  /** Exactly what stands in the reason. */
  readonly text: string;
}

const longest = 120;

/** Fills in a reason. Values are bounded and on one line; what cannot be shown is named instead. */
export function fill(template: Template, scope: Scope, quotes: Quote[]): string {
  return template
    .map((part) => {
      if (typeof part === "string") return part;
      const text = show(distinct(part.run(scope)));
      quotes.push({ path: part.text, text });
      return text;
    })
    .join("");
}

/** A list without its repeats, which say nothing more to whoever reads the reason. */
function distinct(value: Value): Value {
  if (value instanceof Effects) return new Effects([...new Set(value.items)], value.open);
  return Array.isArray(value) ? [...new Set<Value>(value as readonly Value[])] : value;
}

/** A value for people to read: quoted, with invisible characters visible, and no longer than a line. */
export function show(value: Value): string {
  if (value instanceof Unknown) return `(unknown: ${visible(value.why)})`;
  if (value instanceof Effects && value.open !== null) {
    return `${show(value.items)} and perhaps more (${visible(value.open)})`;
  }
  const text = tried(value);
  return visible(text.length > longest ? `${text.slice(0, longest)}…` : text);
}

/** A fact is not ours; showing it must not keep a decision from being told. */
function tried(value: Value): string {
  try {
    return brief(value, longest);
  } catch {
    return "(a value that cannot be shown)";
  }
}

/** The beginning of the value as JSON, of `room` characters or a little more; what comes after is not looked at. */
function brief(value: Value, room: number): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, room + 1));
  if (value === null || typeof value === "boolean" || typeof value === "number") return String(value);
  if (value instanceof Unknown) return "(unknown)";
  if (isNumber(value)) return String(typeof value === "bigint" ? value : value.value);
  const list = value instanceof Effects ? value.items : Array.isArray(value) ? value : null;
  const parts: string[] = [];
  let left = room;
  for (const key in list ?? value) {
    if (left <= 0) break;
    const item = brief(asValue((list ?? (value as Readonly<Record<string, unknown>>))[key as never]), left);
    parts.push(list === null ? `${JSON.stringify(key.slice(0, room + 1))}:${item}` : item);
    left -= (parts.at(-1) ?? "").length + 1;
  }
  return list === null ? `{${parts.join(",")}}` : `[${parts.join(",")}]`;
}
