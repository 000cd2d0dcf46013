import type { ApprovalReference } from "../approval/approval.ts";
import { isJsonObject, member } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import type { Decision } from "../policy/decision.ts";
import type { AuthorizationResult, RuleReference } from "../runtime/authorizer.ts";

/** What the answer must be the answer to. */
export interface Asked {
  readonly requestId: string;
  readonly traceId: string;
}

/**
 * The answer as the gateway gave it; undefined where anything in it is not as it must be: then nothing is known, whatever its `decision` says. An ALLOW
 * must name its entry in the log, and every answer must name the request, so that one that was meant for another does not count.
 */
export function readAnswer(value: JsonValue, { requestId, traceId }: Asked): AuthorizationResult | undefined {
  if (!isJsonObject(value) || member(value, "request_id") !== requestId || member(value, "trace_id") !== traceId) return undefined;
  const reason = member(value, "reason");
  const avid = member(value, "avid");
  const policyDigest = member(value, "policy_digest");
  const authorizationId = member(value, "authorization_id");
  const enforced = member(value, "enforced");
  const rules = readRules(member(value, "rules"));
  if (typeof reason !== "string" || typeof avid !== "string" || rules === undefined) return undefined;
  if (!isNameOrNull(policyDigest) || !isNameOrNull(authorizationId) || typeof enforced !== "boolean") return undefined;
  const base = { reason, avid, rules, policyDigest, authorizationId, traceId, enforced };
  const decision = member(value, "decision");
  switch (decision) {
    case "ALLOW": {
      const would = member(value, "would");
      const used = member(value, "approval");
      const approval = used === undefined ? {} : readReference(used);
      if (approval === undefined) return undefined;
      if (authorizationId === null || policyDigest === null) return undefined;
      // What enforcement would have said is there exactly where it was not enforced.
      if (enforced) return would === undefined ? Object.freeze({ decision, ...base, ...approval }) : undefined;
      return isDecision(would) && would !== "ALLOW" ? Object.freeze({ decision, ...base, would }) : undefined;
    }
    case "REQUIRE_APPROVAL": {
      const approvalId = member(value, "approval_id");
      return typeof approvalId === "string" && approvalId !== "" ? Object.freeze({ decision, ...base, approvalId }) : undefined;
    }
    case "DENY":
      return Object.freeze({ decision, ...base });
    default:
      return undefined;
  }
}

/** The approval that was used up. */
function readReference(value: JsonValue): { readonly approval: ApprovalReference } | undefined {
  if (!isJsonObject(value)) return undefined;
  const { id, decided_by: decidedBy, assurance } = value;
  if (typeof id !== "string" || typeof decidedBy !== "string" || (assurance !== "key" && assurance !== "same_user")) return undefined;
  return { approval: Object.freeze({ id, decidedBy, assurance }) };
}

function readRules(value: JsonValue | undefined): readonly RuleReference[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const rules = value.map((item: JsonValue) => (isJsonObject(item) ? readRule(item) : undefined));
  return rules.every((rule) => rule !== undefined) ? Object.freeze(rules) : undefined;
}

function readRule(item: JsonObject): RuleReference | undefined {
  const { id, decision, file, line } = item;
  if (typeof id !== "string" || !isDecision(decision) || typeof file !== "string" || typeof line !== "number") return undefined;
  return Object.freeze({ id, decision, file, line });
}

function isDecision(value: JsonValue | undefined): value is Decision {
  return value === "ALLOW" || value === "DENY" || value === "REQUIRE_APPROVAL";
}

function isNameOrNull(value: JsonValue | undefined): value is string | null {
  return value === null || (typeof value === "string" && value !== "");
}
