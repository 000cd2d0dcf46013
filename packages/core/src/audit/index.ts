export { AuditLog, openAuditLog, type AuditLogOptions } from "./audit-log.ts";
export { matchesCommitment, type Commitment, type RandomBytes } from "./commitment.ts";
export {
  type AppendedEntry,
  type DecisionEntry,
  type EntryBody,
  type OtherEntry,
  type OutcomeEntry,
  type PolicyLoadedEntry,
} from "./entry.ts";
export { policyEntries } from "./policy-entries.ts";
export { redactEntry, type RedactedEntry, type RedactionOptions } from "./redact.ts";
export { scrub } from "./scrub.ts";
export { verifyAuditLog, type AuditVerdict, type SoundPart, type ValidLog, type VerifyOptions } from "./verify.ts";
