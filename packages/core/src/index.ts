export {
  AuditLog,
  type AuditLogOptions,
  type AuditVerdict,
  type RedactionOptions,
  type VerifyOptions,
  matchesCommitment,
  verifyAuditLog,
} from "./audit/index.ts";
export { CanopyError, type CanopyErrorCode } from "./errors.ts";
export { type JsonObject, type JsonValue, isJsonObject } from "./json.ts";
export { parseJson } from "./json-text.ts";
export { type ActionBinding } from "./pep/action-binding.ts";
export { type ArgsPath, type ToolBinding, type ToolBindings } from "./pep/binding.ts";
export { ActionDeniedError, ApprovalRequiredError, oneLine, refusalError } from "./pep/denial.ts";
export { type Call, askAhead, guardCall, guardStream, settle } from "./pep/guard-call.ts";
export { type GuardToolOptions, guardTool, isGeneratorFunction } from "./pep/guard-tool.ts";
export { type Guard, type GuardOptions, checkKeys, prepareGuard } from "./pep/guard.ts";
export { copyProperties, guardOf, isGuarded, isGuardedBy, markGuarded } from "./pep/guarded.ts";
export { nearestHint } from "./pep/nearest.ts";
export { type Decision } from "./policy/decision.ts";
export { type Policy, type PolicySource } from "./policy/policy.ts";
export { PolicyError, type PolicyProblem } from "./policy/problems.ts";
export { type ActionPayloads, type ActionType, type PayloadOf } from "./runtime/action-payloads.ts";
export { type AgentContext } from "./runtime/agent-context.ts";
export { authorizeAction } from "./runtime/authorize-action.ts";
export {
  type Action,
  type AuthorizationRequest,
  type AuthorizationResult,
  type Authorizer,
  type Outcome,
  type RuleReference,
  type ToolCall,
} from "./runtime/authorizer.ts";
export { Canopy, type Mode } from "./runtime/canopy.ts";
export { type CanopyOptions, type Checker, type CheckerOptions, createChecker, openCanopy } from "./runtime/open-canopy.ts";
