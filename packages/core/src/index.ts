export {
  type Approval,
  type ApprovalDecision,
  type ApprovalDetails,
  type ApprovalOptions,
  type ApprovalReference,
  type ApprovalState,
  type ApprovalStore,
  type ApprovalUse,
  type Approvals,
  type Approver,
  type Assurance,
  type CancelOptions,
  type DecideOptions,
  type ListApprovalsOptions,
  type OpenApprovalsOptions,
  type OpenedApprovals,
  type ApprovalStateChange,
  type StoredApproval,
  type StoredApprovalState,
  type WaitForApprovalOptions,
  type ApprovalWaitResult,
  createApproverKey,
  openApprovals,
} from "./approval/index.ts";
export {
  type Anchor,
  type AppendedEntry,
  type AuditEntry,
  AuditLog,
  type AuditLogOptions,
  type AuditRecord,
  type AuditSink,
  type AuditVerdict,
  type CombinedSinksOptions,
  type DecisionEntry,
  type EntryBody,
  type EntryFilter,
  type EntryProof,
  type GivenCheckpoint,
  type MemoryAuditSink,
  type ProofVerdict,
  type ReadOptions,
  type RepairOptions,
  type RepairPlan,
  type RedactionOptions,
  type VerifyOptions,
  combineAuditSinks,
  createAuditKey,
  createMemoryAuditSink,
  entryId,
  matchesCommitment,
  matchesFilter,
  openAuditLog,
  pendingDecisions,
  planAuditRepair,
  policyEntries,
  proveEntry,
  proveGrowth,
  readAuditLog,
  repairAuditLog,
  verifyAuditLog,
  verifyEntryProof,
  verifyGrowthProof,
} from "./audit/index.ts";
export { CanopyError, type CanopyErrorCode } from "./errors.ts";
export { type JsonObject, type JsonValue, isJsonObject } from "./json.ts";
export { parseJson } from "./json-text.ts";
export type { ArgsPath, ToolBinding, ToolBindings } from "./pep/binding.ts";
export { ActionDeniedError, ApprovalRequiredError } from "./pep/denial.ts";
export { type GuardToolOptions, guardTool } from "./pep/guard-tool.ts";
export { type GuardToolHttpOptions, guardToolHttp } from "./pep/guard-tool-http.ts";
export type { GuardOptions } from "./pep/guard.ts";
export { isGuarded } from "./pep/guarded.ts";
export type { ActionBinding } from "./policy/bindings.ts";
export type { Decision } from "./policy/decision.ts";
export type { ConditionExplanation, RuleExplanation } from "./policy/explain.ts";
export type { Policy, PolicySource } from "./policy/policy.ts";
export { PolicyError, type PolicyProblem } from "./policy/problems.ts";
export {
  type Apart,
  type ChangeGroup,
  type EntryExplanation,
  type LogReport,
  type LogReportOptions,
  type RecordedAnswer,
  type ReplayOptions,
  type ReplayReport,
  type ReportSample,
  type Sample,
  type Tally,
  explainEntry,
  replayAuditLog,
  reportAuditLog,
} from "./replay/index.ts";
export type { ActionPayloads, ActionType, PayloadOf } from "./runtime/action-payloads.ts";
export type { AgentContext } from "./runtime/agent-context.ts";
export { authorizeAction } from "./runtime/authorize-action.ts";
export type {
  Action,
  AuthorizationRequest,
  AuthorizationResult,
  Authorizer,
  Outcome,
  RuleReference,
  ToolCall,
} from "./runtime/authorizer.ts";
export type { ActionExplanation } from "./runtime/explain-action.ts";
export { readPolicyFile } from "./runtime/policy-file.ts";
export { Canopy, type Mode } from "./runtime/canopy.ts";
export { type CanopyOptions, type Checker, type CheckerOptions, createChecker, openCanopy } from "./runtime/open-canopy.ts";
