import type { Severity } from "../policy/format.ts";
import type { RuleReference } from "../runtime/authorizer.ts";

/** `used` is spent for good; `expired` was not decided, or not used, in time. */
export type ApprovalState = "pending" | "approved" | "denied" | "expired" | "cancelled" | "used";

/**
 * How much is known of who decided. `same_user`: somebody, or something, on an account that can write the log. `key`: the holder of an approver's
 * Ed25519 key, which the host lists.
 */
export type Assurance = "same_user" | "key";

/** One question to a person about one exact action, and what became of it, as the audit log has it. */
export interface Approval {
  /** `APR-` and 32 random hex digits. */
  readonly id: string;
  /** SHA-256 over what is asked about: tool, arguments, actions, agent context, policy and engine. */
  readonly digest: string;
  readonly state: ApprovalState;
  /** Why it counts for nothing although its state may say otherwise: the store or the log was changed from outside. Null where all is well. */
  readonly problem: string | null;
  /** Who asks. */
  readonly avid: string;
  /** What the agent calls itself: its `name`, `agent_id` or `id`. */
  readonly agent: string | null;
  readonly actionTypes: readonly string[];
  readonly reason: string;
  readonly rules: readonly RuleReference[];
  /** The highest of the rules that ask; null where none says one. */
  readonly severity: Severity | null;
  /** What a yes must carry to be of use. */
  readonly wants: Assurance;
  readonly requestedAt: Date;
  /** A decision after that is none. */
  readonly decideBy: Date;
  readonly decision: ApprovalDecision | null;
  /** A yes that was not used by then counts for nothing; null while there is none. */
  readonly useBy: Date | null;
  readonly use: ApprovalUse | null;
}

export interface ApprovalDecision {
  readonly decision: "approve" | "deny";
  /** The person, as they named themselves; who it was in truth is no better known than `assurance` says. */
  readonly by: string;
  readonly at: Date;
  readonly assurance: Assurance;
  readonly note: string | null;
}

export interface ApprovalUse {
  /** The decision that it was spent on. */
  readonly authorizationId: string;
  readonly at: Date;
  /** Null while nobody knows how the call ended: it still runs, its process died, or nobody reports outcomes. It is never retried. */
  readonly outcome: "success" | "error" | "not_run" | null;
}

/** What a decision says of the approval that it was allowed by. */
export interface ApprovalReference {
  readonly id: string;
  readonly decidedBy: string;
  readonly assurance: Assurance;
}

/** An approval with all of what a person should see before they decide. */
export interface ApprovalDetails extends Approval {
  /** Text in several lines, made from the very bytes that the digest is over. What cannot be seen is spelt out; long values are cut, with a count. */
  readonly preview: string;
  /** All of what is asked about, as canonical JSON; null where what is stored is not what was asked about. */
  readonly action: string | null;
}
