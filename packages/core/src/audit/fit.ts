import { commit } from "./commitment.ts";
import type { RandomBytes } from "./commitment.ts";
import { bodyText, envelopeBytes, maxLineBytes } from "./entry.ts";
import { memberOf } from "./members.ts";
import type { Body, Member } from "./members.ts";

const room = maxLineBytes - envelopeBytes;

/** Stay readable as long as anything does: without them an entry would not say what it is. */
const essential: ReadonlySet<string> = new Set([
  "decision",
  "enforced",
  "would",
  "judged",
  "avid",
  "action_type",
  "policy_digest",
  "trace_id",
  "approval_id",
  "approval",
]);

/**
 * The body as text that is sure to fit on a line. Where it is too long, its largest members become commitments, one by one; where it is
 * long because it has so many members, all but the essential ones become one. Never refuses a body for its size.
 */
export function fitBody({ type, members }: Body, random: RandomBytes): string {
  let characters = type.length;
  for (const { key, text } of members) characters += key.length + text.length + 4;
  // A character takes up to three bytes, and one of a key up to six.
  return characters * 6 <= room ? bodyText(type, members) : shorten(type, members, random);
}

function shorten(type: string, members: readonly Member[], random: RandomBytes): string {
  const kept = members.map((each) => ({ ...each, bytes: Buffer.byteLength(each.text) }));
  let total = type.length + 16;
  for (const { key, bytes } of kept) total += Buffer.byteLength(JSON.stringify(key)) + 2 + bytes;
  for (const each of kept.toSorted((a, b) => b.bytes - a.bytes)) {
    if (total <= room || each.bytes < 256) break;
    each.text = JSON.stringify(commit(each.value, random));
    total += each.text.length - each.bytes;
  }
  // `toSorted` holds the same objects, so those of `kept` are the shortened ones.
  if (total <= room) return bodyText(type, kept);
  const few = kept.filter(({ key, text }) => essential.has(key) && text.length <= 1024);
  const all = Object.fromEntries(members.map(({ key, value }) => [key, value]));
  return bodyText(type, [...few, memberOf("committed", commit(all, random))]);
}
