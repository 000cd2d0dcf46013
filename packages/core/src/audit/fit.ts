import { CanopyError } from "../errors.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { commit } from "./commitment.ts";
import type { RandomBytes } from "./commitment.ts";
import { bodyText, envelopeBytes, maxLineBytes } from "./entry.ts";

/** Types that only the log writes: from a host they would say what did not happen. */
const own: ReadonlySet<string> = new Set(["log.opened", "recovery", "decision.voided"]);

const room = maxLineBytes - envelopeBytes;

/** Stay readable as long as anything does: without them an entry would not say what it is. */
const essential: ReadonlySet<string> = new Set([
  "decision",
  "enforced",
  "would",
  "avid",
  "action_type",
  "policy_digest",
  "trace_id",
  "approval_id",
]);

/**
 * The body as text that is sure to fit on a line. Where it is too long, its largest members become commitments, one by one; where it is
 * long because it has so many members, all but the essential ones become one. Never refuses a body for its size.
 */
export function fitBody(body: JsonObject & { readonly type: string }, random: RandomBytes): string {
  const { type, ...rest } = body;
  if (own.has(type)) throw new CanopyError("INVALID_OPTIONS", `entries of type \`${type}\` are written by the audit log alone`);
  const parts = new Map(Object.entries(rest).map(([key, value]) => [key, JSON.stringify(value)]));
  const sizes = new Map([...parts].map(([key, text]) => [key, Buffer.byteLength(text)]));
  const keys = new Map([...parts.keys()].map((key) => [key, Buffer.byteLength(JSON.stringify(key)) + 2]));
  let total = type.length + 16;
  for (const size of [...sizes.values(), ...keys.values()]) total += size;

  const replace = (key: string, value: JsonValue): void => {
    const text = JSON.stringify(commit(value, random));
    total += text.length - (sizes.get(key) ?? 0);
    sizes.set(key, text.length);
    parts.set(key, text);
  };
  if (total <= room) return bodyText(type, parts);
  for (const [key, size] of [...sizes].toSorted((a, b) => b[1] - a[1])) {
    const value = rest[key];
    if (total <= room || size < 256 || value === undefined) break;
    replace(key, value);
  }
  if (total <= room) return bodyText(type, parts);
  const few = [...parts].filter(([key, text]) => essential.has(key) && text.length <= 1024);
  return bodyText(type, [...few, ["committed", JSON.stringify(commit(rest, random))]]);
}
