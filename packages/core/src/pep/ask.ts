import { CanopyError } from "../errors.ts";
import { cloneJson } from "../json.ts";
import type { JsonObject } from "../json.ts";
import type { AuthorizationRequest, AuthorizationResult, Authorizer } from "../runtime/authorizer.ts";
import { defaultAuthorizer } from "../runtime/default-authorizer.ts";
import type { ActionBinding } from "../policy/bindings.ts";
import { argumentKeys } from "../policy/bindings.ts";
import type { Denied } from "./denial.ts";
import { takeAnswer } from "./kept-answers.ts";
import { isTraceId, readContext } from "./guard.ts";
import type { Guard } from "./guard.ts";
import { translate } from "./translate.ts";
import type { Snapshot } from "./translate.ts";

/** One call of a guarded tool, as an adapter received it. */
export interface Call {
  /** What the model asks the tool to work on. */
  readonly args: unknown;
  /** What a function for `agentCtx` is given: from the host program, never from the model. */
  readonly host: unknown;
  /** Why the call will not run whatever is answered, as a clause ("there is no such tool"); it is asked about so that the attempt is on record. */
  readonly refused?: string | undefined;
  /** The framework's id of the call. It comes from the model: recorded, trusted for nothing. */
  readonly callId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** An object that stands for this run of the agent and no other: answers that were asked for ahead are redeemed within it. */
  readonly run?: object | undefined;
}

/** The answer about a call, and who gave it. */
export interface Judgement {
  readonly decision: AuthorizationResult;
  readonly authorizer: Authorizer | undefined;
  /** What was asked, where it came to that. */
  readonly request?: AuthorizationRequest;
}

/**
 * Asks the guard's authorizer about a call. Never rejects: an authorizer (or agent context, or policy binding) that throws, hangs past
 * `isGivenUp` or answers nonsense is a DENY that says so.
 */
export async function ask(guard: Guard, call: Call, args: Snapshot, isGivenUp: () => boolean): Promise<Judgement> {
  let authorizer: Authorizer | undefined;
  try {
    authorizer = guard.authorizer ?? defaultAuthorizer();
    const refusals: string[] = call.refused === undefined ? [] : [call.refused];
    const agentCtx = await attempt("the agent context could not be read", refusals, {}, () => contextOf(guard, call));
    const asker = authorizer;
    const policyBindings = await attempt("the policy's bindings could not be read", refusals, [], () => bindingsOf(asker, guard.name));
    const { actions, args: judged, toctou, refused } = translate(guard.unbound, args, [guard.bindings, policyBindings]);
    if (refused !== undefined) refusals.push(refused);
    if (isGivenUp()) return { decision: deny("the call was given up before it was judged"), authorizer };
    const request: AuthorizationRequest = {
      agentCtx,
      actions,
      tool: {
        name: guard.name,
        args: judged,
        ...(call.callId === undefined ? {} : { callId: call.callId.slice(0, 256).toWellFormed() }),
        ...(toctou === undefined ? {} : { toctou }),
      },
      ...(refusals.length === 0 ? {} : { refused: refusals.join("; ") }),
      ...traceOf(guard, call),
    };
    const kept = takeAnswer(call.run, request, authorizer);
    if (kept !== undefined) return { decision: kept, authorizer, request };
    const answer = readAnswer(await authorizer.authorize(request));
    if (answer === undefined) return { decision: deny("the authorizer's answer cannot be understood"), authorizer };
    // INVARIANT: what cannot be judged does not run, whatever was answered.
    if (refusals.length > 0 && answer.decision !== "DENY") {
      return { decision: { ...deny(refusals.join("; ")), ...recorded(answer) }, authorizer };
    }
    return { decision: answer, authorizer, request };
  } catch {
    // What an authorizer throws may quote the arguments, and a reason goes to the model.
    return { decision: deny(authorizer === undefined ? "the default runtime is not available" : "the authorizer failed"), authorizer };
  }
}

/** Does `work`; where that fails, says so in `refusals`, so that the attempt is put on record all the same. */
async function attempt<T>(failed: string, refusals: string[], otherwise: T, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    refusals.push(error instanceof CanopyError ? `${failed} (${error.message})` : failed);
    return otherwise;
  }
}

async function contextOf(guard: Guard, call: Call): Promise<JsonObject> {
  return readContext(typeof guard.agentCtx === "function" ? await guard.agentCtx(call.host) : guard.agentCtx);
}

/** No reason to refuse: a call without the host's id gets one of its own. */
function traceOf(guard: Guard, call: Call): { readonly traceId?: string } {
  try {
    const traceId: unknown = typeof guard.traceId === "function" ? guard.traceId(call.host) : guard.traceId;
    return isTraceId(traceId) ? { traceId } : {};
  } catch {
    return {};
  }
}

/** The DENY of a guard that could not get an answer; no log entry stands behind it. */
export function deny(reason: string): Denied {
  return Object.freeze({
    decision: "DENY",
    reason,
    avid: "",
    rules: Object.freeze([]),
    policyDigest: null,
    authorizationId: null,
    traceId: "",
    enforced: true,
  });
}

async function bindingsOf(authorizer: Authorizer, name: string): Promise<readonly ActionBinding[]> {
  if (authorizer.toolBindings === undefined) return [];
  const all = await authorizer.toolBindings();
  if (typeof all !== "object" || all === null) throw new CanopyError("POLICY_INVALID", "`toolBindings` did not answer with an object");
  const bindings: unknown = Object.hasOwn(all, name) ? all[name] : [];
  if (!Array.isArray(bindings)) throw new CanopyError("POLICY_INVALID", `the bindings of \`${name}\` are not a list`);
  return bindings.map((binding: unknown) => readBinding(name, binding));
}

/** A binding as another program may have sent it. */
function readBinding(name: string, value: unknown): ActionBinding {
  const binding = cloneJson(value) as Partial<ActionBinding> | null;
  const paths = [...Object.values(binding?.payload ?? [null]), ...(binding?.ignore ?? [null])];
  if (typeof binding?.actionType !== "string" || paths.some((path) => typeof path !== "string" || argumentKeys(path) === undefined)) {
    throw new CanopyError("POLICY_INVALID", `a binding of \`${name}\` cannot be understood`);
  }
  return binding as ActionBinding;
}

/** A frozen copy of an answer that has what its decision needs, or undefined. An ALLOW that is not on record is none. */
function readAnswer(value: unknown): AuthorizationResult | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const answer = Object.freeze({ ...value }) as Partial<AuthorizationResult & { readonly approvalId: unknown }>;
  if (typeof answer.reason !== "string") return undefined;
  switch (answer.decision) {
    case "ALLOW":
      return isName(answer.authorizationId) && typeof answer.traceId === "string" ? (answer as AuthorizationResult) : undefined;
    case "REQUIRE_APPROVAL":
      return isName(answer.approvalId) ? (answer as AuthorizationResult) : undefined;
    case "DENY":
      return answer as AuthorizationResult;
    default:
      return undefined;
  }
}

function recorded({ avid, rules, policyDigest, authorizationId, traceId }: AuthorizationResult): Partial<Denied> {
  return { avid, rules, policyDigest, authorizationId, traceId };
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
