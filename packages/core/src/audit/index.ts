export { createAuditKey } from "./audit-key.ts";
export { AuditLog, openAuditLog, type AuditLogOptions } from "./audit-log.ts";
export { matchesCommitment, type Commitment, type RandomBytes } from "./commitment.ts";
export { combineAuditSinks, type CombinedSinksOptions } from "./combined-sinks.ts";
export {
  type AppendedEntry,
  type DecisionEntry,
  type EntryBody,
  type OtherEntry,
  type OutcomeEntry,
  type PolicyLoadedEntry,
} from "./entry.ts";
export { createMemoryAuditSink, type MemoryAuditSink } from "./memory-sink.ts";
export { proveEntry, proveGrowth, verifyEntryProof, verifyGrowthProof, type EntryProof, type ProofVerdict } from "./prove.ts";
export { pendingDecisions } from "./pending.ts";
export { policyEntries } from "./policy-entries.ts";
export { entryId, matchesFilter, type EntryFilter } from "./query.ts";
export { readAuditLog, type AuditEntry, type AuditRecord, type ReadOptions } from "./read.ts";
export { redactEntry, type RedactedEntry, type RedactionOptions } from "./redact.ts";
export { type AuditSink } from "./sink.ts";
export { planAuditRepair, repairAuditLog, type RepairOptions, type RepairPlan } from "./repair.ts";
export { scrub } from "./scrub.ts";
export { type Anchor, type GivenCheckpoint } from "./anchors.ts";
export { verifyAuditLog, type AuditVerdict, type SoundPart, type ValidLog, type VerifyOptions } from "./verify.ts";
