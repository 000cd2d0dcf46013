import { CanopyError } from "../errors.ts";
import type { AuthorizationResult } from "../runtime/authorizer.ts";

export type Allowed = AuthorizationResult & { readonly decision: "ALLOW" };
export type Denied = AuthorizationResult & { readonly decision: "DENY" };
export type ApprovalRequired = AuthorizationResult & { readonly decision: "REQUIRE_APPROVAL" };

/** A tool call was denied and did not run. The message is written for the model that made the call. */
export class ActionDeniedError extends CanopyError {
  readonly decision: Denied;

  constructor(decision: Denied) {
    super("ACTION_DENIED", `denied, the tool did not run: ${oneLine(decision.reason)} (do not retry this call)`);
    this.decision = decision;
  }
}

/** A tool call needs a person's approval and did not run. Once approved, the very same call runs, once. */
export class ApprovalRequiredError extends CanopyError {
  readonly decision: ApprovalRequired;
  readonly approvalId: string;

  constructor(decision: ApprovalRequired) {
    super(
      "APPROVAL_REQUIRED",
      `approval required, the tool did not run: ${oneLine(decision.reason)} (approval id \`${oneLine(decision.approvalId)}\`; ` +
        "do not retry before a person has approved it, and then make the same call with the same arguments)",
    );
    this.decision = decision;
    this.approvalId = decision.approvalId;
  }
}

/** The error that says why a call did not run. */
export function refusalError(decision: Denied | ApprovalRequired): ActionDeniedError | ApprovalRequiredError {
  return decision.decision === "DENY" ? new ActionDeniedError(decision) : new ApprovalRequiredError(decision);
}

/**
 * `text` as one line of bounded length, without control and direction characters, for people and models to read: reasons may quote
 * what a model wrote.
 */
export function oneLine(text: string): string {
  return text
    .slice(0, 2_000)
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim()
    .replace(/\.$/, "");
}
