export { AuditLog, openAuditLog, type AuditLogOptions } from "./audit-log.ts";
export { matchesCommitment, type Commitment, type RandomBytes } from "./commitment.ts";
export { combineAuditSinks, type CombinedSinksOptions } from "./combined-sinks.ts";
export type { AppendedEntry, DecisionEntry, EntryBody, HostFilesEntry, OtherEntry, OutcomeEntry, PolicyLoadedEntry } from "./entry.ts";
export { createMemoryAuditSink, type MemoryAuditSink } from "./memory-sink.ts";
export type { EntryProof, ProofVerdict } from "./prove.ts";
export { policyEntries } from "./policy-entries.ts";
export { entryId, matchesFilter, type EntryFilter } from "./query.ts";
export type { AuditEntry, AuditRecord, ReadOptions } from "./read.ts";
export { redactEntry, type RedactedEntry, type RedactionOptions } from "./redact.ts";
export type { OnEntry, ScanFrom, ScanPlace, ScannedEntry } from "./scan.ts";
export type { AuditSink, ExclusiveAppend } from "./sink.ts";
export type { RepairOptions, RepairPlan } from "./repair.ts";
export { scrub } from "./scrub.ts";
export type { Anchor, GivenCheckpoint } from "./anchors.ts";
export type { AuditVerdict, SoundPart, ValidLog } from "./verdict.ts";
export type { VerifyOptions } from "./verify.ts";
export {
  createAuditKey,
  pendingDecisions,
  planAuditRepair,
  proveEntry,
  proveGrowth,
  readAuditLog,
  repairAuditLog,
  verifyAuditLog,
  verifyEntryProof,
  verifyGrowthProof,
} from "./on-demand.ts";
