import { CanopyError } from "../errors.ts";
import type { RandomBytes } from "./commitment.ts";
import { bodyTextOf } from "./entry.ts";
import type { EntryBody } from "./entry.ts";
import { fitBody } from "./fit.ts";
import { membersOf, readEntry } from "./members.ts";
import { isHarmless, redactBody } from "./redact.ts";
import type { RedactionRules } from "./redact.ts";

/** Types that only the log writes: from a host they would say what did not happen. */
const own: ReadonlySet<string> = new Set([
  "log.opened",
  "log.continued",
  "log.sealed",
  "log.paused",
  "log.resumed",
  "key.rotated",
  "recovery",
  "decision.voided",
]);

/** The entry as it will stand in its line: read once, redacted, and no longer than fits. Throws `NOT_JSON` or `INVALID_OPTIONS`. */
export function prepareEntry(entry: EntryBody, rules: RedactionRules, random: RandomBytes): string {
  const read = readEntry(entry);
  if (own.has(read.type)) throw new CanopyError("INVALID_OPTIONS", `entries of type \`${read.type}\` are written by the audit log alone`);
  const text = bodyTextOf(read);
  // Most entries are short and hold nothing to hide; then this is all.
  return isHarmless(text, rules) ? text : fitBody(redactBody(membersOf(read), rules, random), random);
}
