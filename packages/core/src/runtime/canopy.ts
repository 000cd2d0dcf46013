import type { Approvals } from "../approval/approvals.ts";
import type { AuditSink } from "../audit/index.ts";
import { CanopyError } from "../errors.ts";
import type { ActionBinding } from "../policy/bindings.ts";
import type { Policy } from "../policy/policy.ts";
import type { ActionType, PayloadOf } from "./action-payloads.ts";
import type { AgentContext } from "./agent-context.ts";
import { answer, denial } from "./answer.ts";
import { approvalsOfRuntime, askPerson, unkeptId } from "./ask-person.ts";
import type { RuntimeApprovals } from "./ask-person.ts";
import type { AuthorizationRequest, AuthorizationResult, Authorizer, Outcome } from "./authorizer.ts";
import { decisionEntry } from "./decision-entry.ts";
import type { Answered } from "./decision-entry.ts";
import type { ActionExplanation } from "./explain-action.ts";
import { judge, readRequest } from "./judge.ts";
import type { ReadRequest } from "./judge.ts";
import type { Judgement } from "./judgement.ts";
import { createOwnFiles } from "./own-files.ts";
import type { OwnFiles } from "./own-files.ts";
import { createInputsRecorder } from "./record-inputs.ts";
import { readTraceId, via } from "./trace.ts";

/** `enforce` answers what policy says; `observe` answers ALLOW, and records what enforcement would have answered. */
export type Mode = "enforce" | "observe";

/** What a runtime is made of. */
export interface CanopyParts {
  /** Loads the policy; called again, at the next request, as long as it rejects, and for each `reloadPolicy`. */
  readonly policy: () => Promise<Policy>;
  /** The log; null for a runtime that only checks and records nothing. */
  readonly log: AuditSink | null;
  /** Where requests wait for a person; null for a runtime that keeps none. */
  readonly approvals: RuntimeApprovals | null;
  readonly mode: Mode;
  readonly resolvePaths: boolean;
  /** Absolute paths of the policy's files and the log with what stands beside it, which no agent may touch; asked for once the policy is loaded. */
  readonly ownFiles: () => readonly string[];
}

/**
 * A policy in force and the log that records what it decides. `authorize` answers when its answer is durable; whatever goes wrong on the way
 * is a DENY that says so. Close it, or let `await using` do so: what is under way is finished, and every later request is a DENY.
 */
export class Canopy implements Authorizer, AsyncDisposable {
  readonly #parts: CanopyParts;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #ownFiles: () => OwnFiles;
  readonly #recordInputs: ((policy: Policy, ownFiles: OwnFiles) => Promise<void>) | null;
  #policy: Promise<Policy> | undefined;
  #reloading: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  /** The requests that wait for a person, and what became of them. Every method rejects with `APPROVALS_UNAVAILABLE` where this runtime keeps none. */
  readonly approvals: Approvals;

  constructor(parts: CanopyParts) {
    this.#parts = parts;
    this.#ownFiles = createOwnFiles(parts.ownFiles);
    this.#recordInputs = parts.log === null ? null : createInputsRecorder(parts.log);
    this.approvals = approvalsOfRuntime(parts.approvals);
  }

  /** Whether the agent may take this action; the answer is on record when the promise resolves. Never rejects. */
  async authorizeAction<T extends ActionType>(
    agentCtx: AgentContext,
    actionType: T,
    actionPayload: PayloadOf<T>,
  ): Promise<AuthorizationResult> {
    return await this.authorize({ agentCtx, actions: [{ actionType, payload: actionPayload }] });
  }

  async authorize(request: AuthorizationRequest): Promise<AuthorizationResult> {
    const data = readRequest(request);
    const traceId = readTraceId(request);
    if (this.#closing !== undefined) return denial("canopy is closed", data.avid, null, traceId);
    return await this.#track(this.#answer(request, data, traceId, true));
  }

  /** What `authorize` would answer, evaluated afresh; nothing is recorded and nothing is used up. Never rejects. */
  async check(request: AuthorizationRequest): Promise<AuthorizationResult> {
    return await this.#answer(request, readRequest(request), readTraceId(request), false);
  }

  /**
   * Why `authorize` would answer what it would answer: what was understood of each action, and what came of every rule about it. Nothing is
   * recorded. Rejects with `POLICY_INVALID` while no policy is in force.
   */
  async explain(request: AuthorizationRequest): Promise<readonly ActionExplanation[]> {
    const policy = await this.policy();
    const { explainActions } = await import("./explain-action.ts");
    return await explainActions(policy, request, { resolvePaths: this.#parts.resolvePaths, ownFiles: this.#ownFiles().files });
  }

  /** How the policy in force says that tools become actions. Rejects while no policy is in force. */
  async toolBindings(): Promise<Readonly<Record<string, readonly ActionBinding[]>>> {
    return Object.fromEntries((await this.policy()).bindings);
  }

  /**
   * Rejects with `AUDIT_LOG_…` where the outcome could not be put on record; the log then answers DENY until it can be trusted again. Rejects
   * with `INVALID_OPTIONS` for an outcome that names no decision.
   */
  async recordOutcome(outcome: Outcome): Promise<void> {
    if (typeof outcome?.authorizationId !== "string" || outcome.authorizationId === "" || typeof outcome.traceId !== "string") {
      throw new CanopyError("INVALID_OPTIONS", "the outcome has no `authorizationId` and `traceId` of a decision");
    }
    const { log } = this.#parts;
    if (this.#closing !== undefined || log === null)
      throw new CanopyError("AUDIT_LOG_CLOSED", "canopy is closed: the outcome is not on record");
    await this.#track(
      log.append({
        type: "outcome",
        authorization_id: outcome.authorizationId,
        trace_id: outcome.traceId,
        ...via(outcome),
        status: outcome.status === "success" || outcome.status === "not_run" ? outcome.status : "error",
        ...(isErrorClass(outcome.errorClass) ? { error_class: outcome.errorClass } : {}),
        output_hash: outcome.outputHash,
        duration_ms: Number.isFinite(outcome.durationMs) ? outcome.durationMs : 0,
      }),
    );
  }

  /** Finishes what is under way and closes the log. Closing again waits for the same end. */
  async close(): Promise<void> {
    this.#closing ??= this.#drain();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The policy in force. Rejects with `POLICY_INVALID` while there is none, and tries again the next time it is asked for. */
  async policy(): Promise<Policy> {
    const loading = (this.#policy ??= this.#parts.policy());
    try {
      return await loading;
    } catch (error) {
      // Not what a reload put in its place meanwhile.
      if (this.#policy === loading) this.#policy = undefined;
      throw error;
    }
  }

  /**
   * Loads the policy anew from where it came from, puts it on record, and in force for every request that comes after; each request is judged by one
   * policy as a whole. Rejects with `POLICY_INVALID` where it does not load, and with `AUDIT_LOG_…` where it cannot be recorded: the one before then
   * stays in force.
   */
  async reloadPolicy(): Promise<Policy> {
    // In turns, so that what was read last is what is in force.
    const turn = this.#reloading.then(async () => {
      const policy = await this.#parts.policy();
      await this.#recordInputs?.(policy, this.#ownFiles());
      this.#policy = Promise.resolve(policy);
      return policy;
    });
    this.#reloading = turn.catch(() => undefined);
    return await turn;
  }

  async #drain(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    await this.#parts.approvals?.close();
    await this.#parts.log?.close();
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  async #answer(request: AuthorizationRequest, data: ReadRequest, traceId: string, record: boolean): Promise<AuthorizationResult> {
    let policy: Policy | null = null;
    let ownFiles: OwnFiles = { files: [], digest: null };
    let judgement: Judgement;
    try {
      policy = await this.policy();
      ownFiles = this.#ownFiles();
      judgement =
        "refused" in data
          ? refusal(data.refused)
          : await judge(policy, data, { resolvePaths: this.#parts.resolvePaths, ownFiles: ownFiles.files });
    } catch (error) {
      judgement = refusal(
        policy === null ? `no policy is in force: ${message(error)}` : `the request could not be judged: ${message(error)}`,
      );
    }
    const digest = policy?.digest ?? null;
    // What is not run anyway is not let through either.
    const isNotRun = "refused" in data && data.isNotRun === true;
    const observed = this.#parts.mode === "observe" && judgement.decision !== "ALLOW" && !isNotRun;
    const asks = judgement.decision === "REQUIRE_APPROVAL" && !("refused" in data);
    const approvals = record && asks && !observed ? this.#parts.approvals : null;
    const base: Answered = {
      judgement,
      decision: observed ? "ALLOW" : judgement.decision,
      approvalId: asks && !observed && approvals === null ? unkeptId(data, judgement, digest) : null,
      used: null,
      observed,
      digest,
      ownFiles: ownFiles.digest,
      avid: data.avid,
      traceId,
      ...via(request),
    };
    if (!record) return answer(base, null);
    try {
      if (policy !== null) await this.#recordInputs?.(policy, ownFiles);
      if (approvals === null || "refused" in data) return await this.#record(data, base);
      const { answered, entry } = await askPerson(approvals, data, base);
      return entry === null ? await this.#record(data, answered) : answer(answered, entry.id);
    } catch (error) {
      return denial(`the decision could not be put on record: ${message(error)}`, data.avid, digest, traceId);
    }
  }

  async #record(data: ReadRequest, answered: Answered): Promise<AuthorizationResult> {
    if (this.#parts.log === null) throw new CanopyError("AUDIT_LOG_CLOSED", "this runtime has no audit log");
    const entry = await this.#parts.log.append(decisionEntry(data, answered));
    return answer(answered, entry.id);
  }
}

function refusal(reason: string): Judgement {
  return { decision: "DENY", reason, rules: [], severity: null, actions: [] };
}

/** A name, and nothing that could be a message. */
function isErrorClass(value: unknown): value is string {
  return typeof value === "string" && /^[\w$.-]{1,64}$/.test(value);
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
