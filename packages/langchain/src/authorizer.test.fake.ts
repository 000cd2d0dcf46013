import type { AuthorizationRequest, AuthorizationResult, Authorizer, Decision, Outcome } from "@canopy-runtime/core";

/** An authorizer that answers what it is told to, and remembers what it was asked. */
export interface FakeAuthorizer extends Authorizer {
  readonly requests: AuthorizationRequest[];
  readonly outcomes: Outcome[];
}

export function fakeAuthorizer(
  decide: Decision | ((request: AuthorizationRequest) => Decision | Promise<Decision>) = "ALLOW",
  more: Partial<Authorizer> = {},
): FakeAuthorizer {
  const requests: AuthorizationRequest[] = [];
  const outcomes: Outcome[] = [];
  return {
    requests,
    outcomes,
    async authorize(request) {
      requests.push(request);
      return answer(typeof decide === "function" ? await decide(request) : decide, `entry-${requests.length}`);
    },
    async recordOutcome(outcome) {
      outcomes.push(outcome);
    },
    ...more,
  };
}

function answer(decision: Decision, authorizationId = "entry-1"): AuthorizationResult {
  const base = {
    reason: `the fake says ${decision}`,
    avid: `AVID-${"0".repeat(64)}`,
    rules: [],
    policyDigest: null,
    authorizationId,
    traceId: "trace",
    enforced: true,
  };
  return decision === "REQUIRE_APPROVAL" ? { ...base, decision, approvalId: "approval-1" } : { ...base, decision };
}
