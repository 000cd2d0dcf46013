import type { ApprovalReference } from "../approval/approval.ts";
import type { ActionBinding } from "../policy/bindings.ts";
import type { Decision } from "../policy/decision.ts";
import type { AgentContext } from "./agent-context.ts";

/** One thing that is about to be done. */
export interface Action {
  readonly actionType: string;
  /** JSON. */
  readonly payload: unknown;
  /**
   * What the payload may not show of the call behind it, as clauses ("argument `mode` is neither bound nor ignored"). Where there is any,
   * the answer is at least REQUIRE_APPROVAL.
   */
  readonly open?: readonly string[];
}

/** The tool call behind the actions, as the framework made it. */
export interface ToolCall {
  readonly name: string;
  /** The full arguments, JSON; recorded, and bound by approvals. */
  readonly args: unknown;
  /** The framework's id of the call. It comes from the model: recorded for correlation, trusted for nothing. */
  readonly callId?: string;
  /** `unprotected` where the tool runs on objects that could not be frozen; then what runs may differ from what was judged. */
  readonly toctou?: "unprotected";
}

export interface AuthorizationRequest {
  readonly agentCtx: AgentContext;
  /** All are judged, the strictest answer wins, and one entry is recorded. */
  readonly actions: readonly [Action, ...Action[]];
  readonly tool?: ToolCall;
  /**
   * Why the call will not run whatever is answered, as a clause ("the arguments are not JSON"). The answer is then DENY; it is asked for
   * so that the attempt is on record.
   */
  readonly refused?: string;
  /** Links the entries of one run, W3C trace id or any other string up to 256 characters; made up where absent. */
  readonly traceId?: string;
  /** Who asked, where it is not the host program itself: the gateway names the key. Recorded, up to 256 characters, and trusted for nothing. */
  readonly via?: string;
}

/** A rule that took part in a decision. */
export interface RuleReference {
  readonly id: string;
  readonly decision: Decision;
  /** Where the rule stands: a file as the host named it (or `canopy:default`), and its line, from 1. */
  readonly file: string;
  readonly line: number;
}

interface ResultBase {
  /** What was understood and which rule decided, in one or a few sentences, for people and for models. */
  readonly reason: string;
  /** The agent's verifiable id, `AVID-` and 64 hex digits. */
  readonly avid: string;
  /** The rules that decided; none when the policy's default did, or when Canopy could not do its work. */
  readonly rules: readonly RuleReference[];
  /** SHA-256 of the policy in force, or null where none was. */
  readonly policyDigest: string | null;
  /** Names the entry of the audit log that records this, or null where it could not be recorded. */
  readonly authorizationId: string | null;
  readonly traceId: string;
  /** False in observe mode, where `decision` is ALLOW whatever policy says. */
  readonly enforced: boolean;
  /** What enforcement would have answered; in observe mode only. */
  readonly would?: Decision;
}

/** The answer: proceed only on `ALLOW`. */
export type AuthorizationResult =
  | (ResultBase & {
      readonly decision: "ALLOW";
      /** The approval that was used up for this call, where policy wanted one. */
      readonly approval?: ApprovalReference;
    })
  | (ResultBase & { readonly decision: "DENY" })
  | (ResultBase & {
      readonly decision: "REQUIRE_APPROVAL";
      /**
       * Names the request that waits for a person; while it waits, the same action of the same agent under the same policy has the same id. Once it is
       * approved, authorizing that very action again is ALLOW, once. Where nothing is kept (`check`, `approvals: false`) it names the action alone.
       */
      readonly approvalId: string;
    });

/** How a tool call that was allowed ended. */
export interface Outcome {
  /** `authorizationId` of the decision. */
  readonly authorizationId: string;
  readonly traceId: string;
  /** `not_run` where the call was allowed and then was not made: it was aborted, or the answer came too late. */
  readonly status: "success" | "error" | "not_run";
  /** The name of what was thrown, such as `TypeError`, at most 64 characters; never its message, which may hold anything. */
  readonly errorClass?: string;
  /** SHA-256 over the output's JSON, or null where it is not JSON or there is none. */
  readonly outputHash: string | null;
  readonly durationMs: number;
  /** Who reports it, where it is not the host program itself, as in a request. */
  readonly via?: string;
}

/** Whoever decides: the runtime in this process, or a client of one elsewhere. */
export interface Authorizer {
  /** Answers only when the answer is on record. Never rejects: what goes wrong is a DENY whose reason says so. */
  authorize(request: AuthorizationRequest): Promise<AuthorizationResult>;
  /** Puts on record how an allowed call ended. Rejects where it could not. */
  recordOutcome(outcome: Outcome): Promise<void>;
  /**
   * The bindings of tools in the policy in force, by tool name. A tool that its adapter binds too is judged for the actions of both.
   * Asked for each call, so that a reloaded policy counts at once. Where it rejects, the call is denied.
   */
  toolBindings?(): Promise<Readonly<Record<string, readonly ActionBinding[]>>>;
}
