import { isJsonObject } from "../json.ts";
import { entryId } from "./query.ts";
import type { AuditRecord } from "./read.ts";

/**
 * The `seq` of each decision that allowed something and of which nobody knows how it ended: the tool still runs, its process died, or whoever
 * asked reports no outcomes. Memory grows with what is pending, a few dozen bytes each.
 */
export async function pendingDecisions(records: AsyncIterable<AuditRecord>): Promise<ReadonlySet<number>> {
  /** The part of the id that is not the number, by number. */
  const pending = new Map<number, string>();
  const settle = (seq: number, digits: string): void => {
    if (pending.get(seq) === digits) pending.delete(seq);
  };
  for await (const { entry } of records) {
    if (entry === null) continue;
    const { type, members } = entry;
    if (type === "decision" && members["decision"] === "ALLOW") {
      pending.set(entry.seq, digitsOf(entryId(entry) ?? ""));
    } else if (type === "outcome" && typeof members["authorization_id"] === "string") {
      settle(Number.parseInt(members["authorization_id"], 10), digitsOf(members["authorization_id"]));
    } else if (type === "decision.voided") {
      // Their callers were told DENY.
      for (const each of Array.isArray(members["entries"]) ? members["entries"] : []) {
        if (!isJsonObject(each)) continue;
        const { seq, entry_hash: hash } = each;
        if (typeof seq === "number" && typeof hash === "string") settle(seq, hash.slice(0, 32));
      }
    }
  }
  return new Set(pending.keys());
}

function digitsOf(id: string): string {
  return id.slice(id.indexOf("-") + 1);
}
