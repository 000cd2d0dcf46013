import { Unknown } from "../facts/unknown.ts";
import { Effects } from "../facts/effects.ts";
import type { Scope, Value } from "./condition/values.ts";
import { toJson } from "./condition/values.ts";
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
      const text = show(part.run(scope));
      quotes.push({ path: part.text, text });
      return text;
    })
    .join("");
}

/** A value for people to read: quoted, with invisible characters visible, and no longer than a line. */
export function show(value: Value): string {
  if (value instanceof Unknown) return `(unknown: ${visible(value.why)})`;
  if (value instanceof Effects && value.open !== null) {
    return `${show(value.items)} and perhaps more (${visible(value.open)})`;
  }
  // What is cut off anyway need not be written out first.
  const json = toJson(typeof value === "string" ? value.slice(0, longest + 1) : value);
  if (json instanceof Unknown) return "(a value that JSON does not have)";
  const text = shortJson(json);
  return visible(text.length > longest ? `${text.slice(0, longest)}…` : text);
}

function shortJson(json: unknown): string {
  try {
    return JSON.stringify(json) ?? "nothing";
  } catch {
    return "(a value that JSON does not have)";
  }
}
