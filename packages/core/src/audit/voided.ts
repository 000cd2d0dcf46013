import { bodyText } from "./entry.ts";
import { memberOf } from "./members.ts";

/** A line that was written, or may have been, although its caller was told that it was not. */
export interface Rejected {
  readonly seq: number;
  readonly hash: string;
}

/** So that the entry fits on a line. */
const mostVoided = 400;

/** Marks lines whose callers were told that they are not on record, although they are. */
export function voidedBodies(voided: readonly Rejected[], why: string): readonly string[] {
  const bodies: string[] = [];
  for (let from = 0; from < voided.length; from += mostVoided) {
    const entries = voided.slice(from, from + mostVoided).map(({ seq, hash }) => ({ seq, entry_hash: hash }));
    bodies.push(bodyText("decision.voided", [memberOf("entries", entries), memberOf("why", why)]));
  }
  return bodies;
}
