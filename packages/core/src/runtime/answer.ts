import type { AuthorizationRequest, AuthorizationResult } from "./authorizer.ts";
import type { Answered } from "./decision-entry.ts";
import { readRequest } from "./judge.ts";
import { readTraceId } from "./trace.ts";

/** What the caller is told of a request; `authorizationId` names the entry that records it, null where none does. */
export function answer(
  { judgement, decision, approvalId, used, observed, digest, avid, traceId }: Answered,
  authorizationId: string | null,
): AuthorizationResult {
  const base = {
    reason: judgement.reason,
    avid,
    rules: judgement.rules,
    policyDigest: digest,
    authorizationId,
    traceId,
    enforced: !observed,
  };
  if (observed) return Object.freeze({ decision: "ALLOW", ...base, would: judgement.decision });
  if (used !== null) {
    const { id, decidedBy, assurance } = used;
    return Object.freeze({ decision: "ALLOW", ...base, approval: Object.freeze({ id, decidedBy, assurance }) });
  }
  if (decision !== "REQUIRE_APPROVAL") return Object.freeze({ decision, ...base });
  // A request that could not be read is never asked about: there is nothing to show.
  return approvalId === null
    ? Object.freeze({ decision: "DENY", ...base })
    : Object.freeze({ decision: "REQUIRE_APPROVAL", approvalId, ...base });
}

/** A DENY that no entry stands behind. */
export function denial(reason: string, avid: string, policyDigest: string | null, traceId: string): AuthorizationResult {
  return Object.freeze({ decision: "DENY", reason, avid, rules: [], policyDigest, authorizationId: null, traceId, enforced: true });
}

/** The answer where no runtime could be opened: nothing can be recorded, so nothing is allowed. */
export function unrecordedDenial(request: AuthorizationRequest, reason: string): AuthorizationResult {
  return denial(reason, readRequest(request).avid, null, readTraceId(request));
}
