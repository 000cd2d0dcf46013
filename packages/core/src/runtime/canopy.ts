import { randomBytes } from "node:crypto";
import type { AppendedEntry, AuditSink, DecisionEntry, EntryBody } from "../audit/index.ts";
import { CanopyError } from "../errors.ts";
import { cloneJson } from "../json.ts";
import type { JsonObject } from "../json.ts";
import type { ActionBinding } from "../policy/bindings.ts";
import type { Policy } from "../policy/policy.ts";
import { engineVersion } from "../version.ts";
import type { ActionType, PayloadOf } from "./action-payloads.ts";
import type { AgentContext } from "./agent-context.ts";
import type { AuthorizationRequest, AuthorizationResult, Authorizer, Outcome, RuleReference } from "./authorizer.ts";
import type { ActionExplanation } from "./explain-action.ts";
import { approvalId, judge, readRequest } from "./judge.ts";
import type { Judgement, ReadRequest, RequestData } from "./judge.ts";
import type { Disk } from "./look-up-paths.ts";
import { recordPolicy } from "./record-policy.ts";

/** `enforce` answers what policy says; `observe` answers ALLOW, and records what enforcement would have answered. */
export type Mode = "enforce" | "observe";

/** What a runtime is made of. */
export interface CanopyParts {
  /** Loads the policy; called again, at the next request, as long as it rejects, and for each `reloadPolicy`. */
  readonly policy: () => Promise<Policy>;
  /** The log; null for a runtime that only checks and records nothing. */
  readonly log: AuditSink | null;
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
  readonly #recordedPolicies = new Map<string, { readonly segment: number; readonly recorded: Promise<void> }>();
  #policy: Promise<Policy> | undefined;
  #reloading: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(parts: CanopyParts) {
    this.#parts = parts;
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
    return await explainActions(policy, request, { resolvePaths: this.#parts.resolvePaths, ownFiles: this.#parts.ownFiles() });
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
      if (this.#parts.log !== null) await this.#recordPolicy(policy);
      this.#policy = Promise.resolve(policy);
      return policy;
    });
    this.#reloading = turn.catch(() => undefined);
    return await turn;
  }

  async #drain(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
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
    let judgement: Judgement;
    try {
      policy = await this.policy();
      judgement =
        "refused" in data
          ? refusal(data.refused)
          : await judge(policy, data, { resolvePaths: this.#parts.resolvePaths, ownFiles: this.#parts.ownFiles() });
    } catch (error) {
      judgement = refusal(
        policy === null ? `no policy is in force: ${message(error)}` : `the request could not be judged: ${message(error)}`,
      );
    }
    const digest = policy?.digest ?? null;
    const asks = judgement.decision === "REQUIRE_APPROVAL" && !("refused" in data);
    const approval = asks ? approvalId(data, digest) : null;
    const observed = this.#parts.mode === "observe" && judgement.decision !== "ALLOW";
    const result = { judgement, approval, observed, digest, avid: data.avid, traceId, ...via(request) };
    if (!record) return answer(result, null);
    try {
      if (policy !== null) await this.#recordPolicy(policy);
      const entry = await this.#append(decisionEntry(data, result));
      return answer(result, entry.id);
    } catch (error) {
      return denial(`the decision could not be put on record: ${message(error)}`, data.avid, digest, traceId);
    }
  }

  /** The text of each policy is on record before the first decision that it made, and once more in each segment of the log. */
  async #recordPolicy(policy: Policy): Promise<void> {
    const { log } = this.#parts;
    if (log === null) throw new CanopyError("AUDIT_LOG_CLOSED", "this runtime has no audit log");
    const segment = log.segment?.() ?? 0;
    let known = this.#recordedPolicies.get(policy.digest);
    if (known?.segment !== segment) {
      known = { segment, recorded: recordPolicy(log, policy) };
      this.#recordedPolicies.set(policy.digest, known);
      known.recorded.catch(() => this.#recordedPolicies.delete(policy.digest));
    }
    await known.recorded;
  }

  async #append(body: EntryBody): Promise<AppendedEntry> {
    if (this.#parts.log === null) throw new CanopyError("AUDIT_LOG_CLOSED", "this runtime has no audit log");
    return await this.#parts.log.append(body);
  }
}

interface Answered {
  readonly judgement: Judgement;
  readonly approval: string | null;
  /** Policy said no, and observe mode lets it through. */
  readonly observed: boolean;
  readonly digest: string | null;
  readonly avid: string;
  readonly traceId: string;
  readonly via?: string;
}

function answer({ judgement, approval, observed, digest, avid, traceId }: Answered, authorizationId: string | null): AuthorizationResult {
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
  if (judgement.decision !== "REQUIRE_APPROVAL") return Object.freeze({ decision: judgement.decision, ...base });
  // A request that could not be read is never asked about: there is nothing to show.
  return approval === null
    ? Object.freeze({ decision: "DENY", ...base })
    : Object.freeze({ decision: "REQUIRE_APPROVAL", approvalId: approval, ...base });
}

function denial(reason: string, avid: string, policyDigest: string | null, traceId: string): AuthorizationResult {
  return Object.freeze({ decision: "DENY", reason, avid, rules: [], policyDigest, authorizationId: null, traceId, enforced: true });
}

/** The answer where no runtime could be opened: nothing can be recorded, so nothing is allowed. */
export function unrecordedDenial(request: AuthorizationRequest, reason: string): AuthorizationResult {
  return denial(reason, readRequest(request).avid, null, readTraceId(request));
}

function refusal(reason: string): Judgement {
  return { decision: "DENY", reason, rules: [], actions: [] };
}

function decisionEntry(data: ReadRequest, { judgement, approval, observed, digest, traceId, ...asked }: Answered): EntryBody {
  return {
    type: "decision",
    avid: data.avid,
    agent_ctx: data.agentCtx,
    ...("refused" in data ? { action_type: null, payload: null } : actionFields(data, judgement)),
    decision: observed ? "ALLOW" : judgement.decision,
    ...(observed ? { would: judgement.decision } : {}),
    reason: judgement.reason,
    rules: rulesEntry(judgement.rules),
    policy_digest: digest,
    ...(approval === null ? {} : { approval_id: approval }),
    trace_id: traceId,
    ...via(asked),
    enforced: !observed,
    engine: engineVersion,
  };
}

/** Most decisions are one rule's; what the log says of it is made once, and the log need not copy it again. */
const entriesOfOne = new WeakMap<RuleReference, DecisionEntry["rules"]>();

function rulesEntry(rules: readonly RuleReference[]): DecisionEntry["rules"] {
  const [only] = rules;
  if (only === undefined || rules.length > 1) return rules.map(({ id, decision, file, line }) => ({ id, decision, file, line }));
  let known = entriesOfOne.get(only);
  if (known === undefined) {
    const { id, decision, file, line } = only;
    known = cloneJson([{ id, decision, file, line }]) as unknown as DecisionEntry["rules"];
    entriesOfOne.set(only, known);
  }
  return known;
}

type ActionFields = Pick<DecisionEntry, "action_type" | "payload" | "actions" | "tool" | "details">;

function actionFields({ actions, tool }: RequestData, judgement: Judgement): ActionFields {
  const [first] = actions;
  if (first === undefined) return { action_type: null, payload: null };
  const judged = judgement.actions.map(({ decision, disk }, index): JsonObject => {
    const { actionType = "", payload = null, open = [] } = actions[index] ?? {};
    return {
      action_type: actionType,
      payload,
      decision,
      ...(open.length === 0 ? {} : { open }),
      ...(disk === null ? {} : { disk: diskEntry(disk) }),
    };
  });
  const { action_type: _type, payload: _payload, decision: _decision, ...details } = judged[0] ?? {};
  return {
    action_type: first.actionType,
    payload: first.payload,
    ...(actions.length > 1 ? { actions: judged } : Object.keys(details).length === 0 ? {} : { details }),
    ...(tool === null ? {} : { tool: { name: tool.name, args: tool.args, call_id: tool.callId, toctou: tool.toctou } }),
  };
}

/** What the disk was asked, in the words of the log; without it a decision cannot be judged again. */
function diskEntry(disk: Disk): JsonObject {
  return Object.fromEntries(Object.entries(disk).map(([path, { real, links }]) => [path, { real, links }]));
}

/** The caller's trace id where it is a string that can be recorded, else a new one. */
function readTraceId(request: AuthorizationRequest): string {
  try {
    const { traceId } = request;
    if (typeof traceId === "string" && traceId !== "" && traceId.length <= 256 && traceId.isWellFormed()) return traceId;
  } catch {
    // A request that cannot even be read is refused elsewhere; it gets a trace id like any other.
  }
  return randomBytes(16).toString("hex");
}

/** Who asked, where that is a name that can be recorded. */
function via(from: { readonly via?: string }): { readonly via?: string } {
  try {
    const { via: name } = from;
    return typeof name === "string" && name !== "" && name.length <= 256 && name.isWellFormed() ? { via: name } : {};
  } catch {
    return {};
  }
}

/** A name, and nothing that could be a message. */
function isErrorClass(value: unknown): value is string {
  return typeof value === "string" && /^[\w$.-]{1,64}$/.test(value);
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
