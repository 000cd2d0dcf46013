import type { Authorizer } from "./authorizer.ts";

/** The authorizer that guards use where the host names none. */
export function defaultAuthorizer(): Authorizer {
  return {
    async authorize() {
      return {
        decision: "DENY",
        reason: "no runtime",
        avid: "",
        rules: [],
        policyDigest: null,
        authorizationId: null,
        traceId: "",
        enforced: true,
      };
    },
    async recordOutcome() {},
  };
}
