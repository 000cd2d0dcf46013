// What reads, checks, proves and repairs logs, imported when it is first asked for: a program that only authorizes starts without it.
import type { EntryProof, ProofVerdict } from "./prove.ts";
import type { AuditRecord, ReadOptions } from "./read.ts";
import type { RepairOptions, RepairPlan } from "./repair.ts";
import type { AuditVerdict } from "./verdict.ts";
import type { VerifyOptions } from "./verify.ts";

/**
 * Makes a key that signs checkpoints, in a new file that only its owner may read, and answers the public half to hand out: `NAME+ID+KEY` (C2SP
 * signed-note). `name` tells keys apart for people and must hold no space and no plus; it is made up where it is left out. Rejects with
 * `AUDIT_LOG_UNAVAILABLE` where there is such a file already, or it cannot be written, and with `INVALID_OPTIONS` for a name that is none.
 */
export async function createAuditKey(path: string, name?: string): Promise<string> {
  return (await import("./audit-key.ts")).createAuditKey(path, name);
}

/**
 * Reads the log once, through all its segments, in memory that does not grow with it, and says what it shows. Needs no lock and no right to write,
 * also while writers append. Any file gets a verdict, a missing one too; it throws only when it is aborted, and `INVALID_OPTIONS` for a public key
 * that is none.
 */
export async function verifyAuditLog(path: string, options: VerifyOptions = {}): Promise<AuditVerdict> {
  return await (await import("./verify.ts")).verifyAuditLog(path, options);
}

/**
 * The lines of a log from the oldest on, across its segments, in memory that does not grow with it. Needs no lock; a line that is not finished is
 * left out until it is. Nothing is verified here: who reads for evidence verifies first (`verifyAuditLog`). Throws `AUDIT_LOG_UNAVAILABLE` where
 * the log cannot be read, `INVALID_OPTIONS` where `last` is no count.
 */
export async function* readAuditLog(path: string, options: ReadOptions = {}): AsyncGenerator<AuditRecord, void> {
  yield* (await import("./read.ts")).readAuditLog(path, options);
}

/**
 * The `seq` of each decision that allowed something and of which nobody knows how it ended: the tool still runs, its process died, or whoever
 * asked reports no outcomes. Memory grows with what is pending, a few dozen bytes each.
 */
export async function pendingDecisions(records: AsyncIterable<AuditRecord>): Promise<ReadonlySet<number>> {
  return await (await import("./pending.ts")).pendingDecisions(records);
}

/**
 * Proves that an entry is in the log at `path`, against its latest checkpoint. `entry` is its number, or its id, whose hash is then compared. Reads
 * the log once; 32 bytes of memory an entry. Throws `AUDIT_LOG_UNAVAILABLE` where there is no checkpoint that covers the entry, `AUDIT_LOG_BROKEN`
 * where the log is not what was signed, `INVALID_OPTIONS` for an entry that is not there.
 */
export async function proveEntry(path: string, entry: number | string): Promise<EntryProof> {
  return await (await import("./prove.ts")).proveEntry(path, entry);
}

/**
 * Proves that the log at `path` goes on from an older checkpoint of it: nothing that was signed then was changed since. Answers the older size, the
 * hashes and the latest checkpoint, in the form in which C2SP witnesses take them. Throws as `proveEntry` does.
 */
export async function proveGrowth(path: string, olderCheckpoint: string): Promise<string> {
  return await (await import("./prove.ts")).proveGrowth(path, olderCheckpoint);
}

/** Whether the proof shows that the line is in a log of one of these keys. Needs neither the log nor a disk. Rejects for keys that are none alone. */
export async function verifyEntryProof(proof: string, line: string, publicKeys: readonly string[]): Promise<ProofVerdict> {
  return (await import("./prove.ts")).verifyEntryProof(proof, line, publicKeys);
}

/** Whether the proof shows that a log of one of these keys goes on from the older checkpoint, which one of them has signed too. */
export async function verifyGrowthProof(proof: string, olderCheckpoint: string, publicKeys: readonly string[]): Promise<ProofVerdict> {
  return (await import("./prove.ts")).verifyGrowthProof(proof, olderCheckpoint, publicKeys);
}

/**
 * What would have to be done to the log, and nothing of it yet. Reads all of it. Throws `AUDIT_LOG_UNAVAILABLE` where it cannot be read: a log that
 * cannot be looked at cannot be judged.
 */
export async function planAuditRepair(options: RepairOptions): Promise<RepairPlan> {
  return await (await import("./repair.ts")).planAuditRepair(options);
}

/**
 * Carries the plan out, under the log's lock. Throws where it cannot, `AUDIT_LOG_BROKEN` where the log is not any more what was planned for. Nothing
 * is ever deleted.
 */
export async function repairAuditLog(options: RepairOptions, plan: RepairPlan): Promise<void> {
  await (await import("./repair.ts")).repairAuditLog(options, plan);
}
