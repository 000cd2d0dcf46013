import type { AuthorizationResult, Authorizer, Outcome } from "../runtime/authorizer.ts";
import { unreachable } from "../unreachable.ts";
import { ask, deny } from "./ask.ts";
import type { Call, Judgement } from "./ask.ts";
import { ActionDeniedError, refusalError } from "./denial.ts";
import type { Allowed, ApprovalRequired, Denied } from "./denial.ts";
import type { Guard } from "./guard.ts";
import { keepAnswer } from "./kept-answers.ts";
import { reportOutcome } from "./report.ts";
import { snapshot } from "./translate.ts";
import type { Snapshot } from "./translate.ts";

export type { Call } from "./ask.ts";

/** How a guarded call ended, for an adapter to put into its framework's form. Only `done` and `failed` ran the tool. */
export type GuardedCall<T> =
  | { readonly kind: "done"; readonly decision: Allowed; readonly output: T }
  | { readonly kind: "failed"; readonly decision: Allowed; readonly error: unknown }
  | Refused;

export type Refused =
  | { readonly kind: "refused"; readonly decision: Denied | ApprovalRequired }
  | { readonly kind: "aborted"; readonly reason: unknown };

/** Leave to run one call, once. */
export interface Ticket {
  readonly kind: "allowed";
  readonly decision: Allowed;
  /**
   * The arguments to run on: a copy of what was judged that nobody else holds. The second time it throws, so that no answer, however it is
   * passed about, runs a tool twice.
   */
  readonly redeem: () => unknown;
  /** Puts on record how the run ended, and what it returned or threw; resolves also where that fails. */
  readonly report: (status: Outcome["status"], result?: unknown) => Promise<void>;
}

/**
 * The one way to run a guarded tool: takes a copy of the arguments, asks, runs `work` on a fresh copy exactly once if the answer is ALLOW,
 * and puts the outcome on record before it resolves. Never rejects; `settle` turns the result into a value or a throw.
 */
export async function guardCall<T>(guard: Guard, call: Call, work: (args: unknown) => T | PromiseLike<T>): Promise<GuardedCall<T>> {
  const answer = await authorizeCall(guard, call);
  if (answer.kind !== "allowed") return answer;
  const { decision } = answer;
  // Asked once more, with nothing awaited from here to the tool.
  if (isAborted(call.signal)) return abandon(answer, call);
  let output: T;
  try {
    output = await work(answer.redeem());
  } catch (error) {
    await answer.report("error", error);
    return { kind: "failed", decision, error };
  }
  await answer.report("success", output);
  return { kind: "done", decision, output };
}

/** Like `guardCall` for work that yields. Throws what `settle` throws; the output on record is the last value yielded. */
export async function* guardStream<T, R, N>(
  guard: Guard,
  call: Call,
  work: (args: unknown) => AsyncGenerator<T, R, N>,
): AsyncGenerator<T, R, N> {
  const answer = await authorizeCall(guard, call);
  if (answer.kind !== "allowed") return settle(answer);
  if (isAborted(call.signal)) return settle(await abandon(answer, call));
  return yield* reportStream(answer, () => work(answer.redeem()), "last");
}

/**
 * What `start` yields and returns, as it comes; how it ended is put on record once it has. The framework says which is the tool's output: the
 * last value yielded or the value returned.
 */
export async function* reportStream<T, R, N>(
  leave: Ticket,
  start: () => AsyncGenerator<T, R, N>,
  output: "last" | "returned",
): AsyncGenerator<T, R, N> {
  let last: T | R | undefined;
  let status: "success" | "error" = "error";
  let thrown: unknown;
  try {
    const source = start();
    const watch = (step: IteratorResult<T, R>): IteratorResult<T, R> => {
      if (step.done !== true) last = step.value;
      return step;
    };
    // Not a loop: values sent in, errors thrown in and an early return reach the tool's generator.
    const result = yield* {
      [Symbol.asyncIterator]: () => ({
        next: async (value: N) => watch(await source.next(value)),
        throw: async (error: unknown) => watch(await source.throw(error)),
        return: async (value: R) => watch(await source.return(value)),
      }),
    };
    if (output === "returned") last = result;
    status = "success";
    return result;
  } catch (error) {
    thrown = error;
    throw error;
  } finally {
    // Neither, where whoever reads the stream stops in the middle.
    await leave.report(status, status === "success" ? last : thrown);
  }
}

/** The output of a call, or the throw of what kept it from having one: the tool's own error, a denial, the reason of the abort. */
export function settle<T>(ended: GuardedCall<T>): T {
  switch (ended.kind) {
    case "done":
      return ended.output;
    case "failed":
      throw ended.error;
    case "refused":
      throw refusalError(ended.decision);
    case "aborted":
      throw ended.reason;
    default:
      return unreachable(ended);
  }
}

/** Asks about a call, and waits no longer than the guard's timeout or the call's signal. */
export async function authorizeCall(guard: Guard, call: Call): Promise<Ticket | Refused> {
  const args = snapshot(call.args);
  const judged = await judge(guard, call, args);
  if (judged.kind === "aborted") return judged;
  const { decision, authorizer } = judged;
  if (decision.decision !== "ALLOW" || authorizer === undefined)
    return { kind: "refused", decision: decision as Denied | ApprovalRequired };
  return ticket(decision, authorizer, args, call.args, guard.timeoutMs);
}

/**
 * Asks about a call before the framework makes it, for a hook that shows the answer to a person. An ALLOW is kept, for a moment, until the
 * same call of the same run (`call.run`) meets its guard, which then does not ask again; every other answer is asked for anew.
 */
export async function askAhead(guard: Guard, call: Call & { readonly run: object }): Promise<AuthorizationResult> {
  const args = snapshot(call.args);
  const judged = await judge(guard, call, args);
  if (judged.kind === "aborted") return deny("the call was aborted");
  const { decision, authorizer, request } = judged;
  // What could not be frozen may have changed by then.
  if (decision.decision === "ALLOW" && authorizer !== undefined && request !== undefined && args.kind === "json") {
    keepAnswer(call.run, request, decision, authorizer, guard.timeoutMs);
  }
  return decision;
}

// INVARIANT: `args` was taken before anything was awaited; what is judged and what runs both come from it.
async function judge(
  guard: Guard,
  call: Call,
  args: Snapshot,
): Promise<(Judgement & { kind: "judged" }) | (Refused & { kind: "aborted" })> {
  const { signal } = call;
  if (isAborted(signal)) return { kind: "aborted", reason: signal?.reason };
  let givenUp = false;
  const judging = ask(guard, call, args, () => givenUp);
  const judged = await first(judging, guard.timeoutMs, signal);
  if (judged !== "timeout" && judged !== "aborted") return { kind: "judged", ...judged };
  givenUp = true;
  void judging.then(closeUnused);
  if (judged === "aborted") return { kind: "aborted", reason: signal?.reason };
  return { kind: "judged", decision: deny(`no answer from the authorizer within ${guard.timeoutMs} ms`), authorizer: undefined };
}

function ticket(decision: Allowed, authorizer: Authorizer, args: Snapshot, given: unknown, timeoutMs: number): Ticket {
  let started: number | undefined;
  return Object.freeze({
    kind: "allowed",
    decision,
    redeem: () => {
      if (started !== undefined) throw new ActionDeniedError(deny("this leave to run was used already"));
      started = performance.now();
      return args.kind === "json" && given !== undefined ? structuredClone(args.judged) : given;
    },
    report: (status: Outcome["status"], result?: unknown) =>
      reportOutcome(
        authorizer,
        decision,
        { status, result, durationMs: started === undefined ? 0 : performance.now() - started },
        timeoutMs,
      ),
  } as const);
}

async function abandon(leave: Ticket, { signal }: Call): Promise<Refused> {
  await leave.report("not_run");
  return { kind: "aborted", reason: signal?.reason };
}

/** Puts on record that a call which was allowed too late did not run. */
async function closeUnused({ decision, authorizer }: Judgement): Promise<void> {
  if (decision.decision !== "ALLOW" || authorizer === undefined) return;
  await reportOutcome(authorizer, decision, { status: "not_run", result: undefined, durationMs: 0 }, 30_000);
}

/** Asked anew each time: a signal changes while we wait. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

async function first<T>(work: Promise<T>, timeoutMs: number, signal: AbortSignal | undefined): Promise<T | "timeout" | "aborted"> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let onAbort: (() => void) | undefined;
  try {
    return await Promise.race([
      work,
      new Promise<"timeout">((resolve) => {
        timer = setTimeout(resolve, timeoutMs, "timeout");
      }),
      new Promise<"aborted">((resolve) => {
        onAbort = () => resolve("aborted");
        signal?.addEventListener("abort", onAbort, { once: true });
      }),
    ]);
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
  }
}
