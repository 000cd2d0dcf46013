import { authorizeCall, refusalError, reportStream, settle } from "@canopy-runtime/core/pep";
import type { Call, Guard, Refused, Ticket } from "@canopy-runtime/core/pep";
import { ToolMessage } from "@langchain/core/messages";

import { callIdOf, callOf } from "./host.ts";
import { pause, takeResumes } from "./pause.ts";

/** What becomes of a call that needs a person's approval. */
export type OnApproval = "interrupt" | "message";

/** How the work of one tool is guarded. */
export interface WorkGuard {
  readonly guard: Guard;
  readonly onApproval: OnApproval;
}

/** How a guarded call ended: with what the tool returned, or with the words that the model reads instead. */
export type Ended = { readonly kind: "ran"; readonly output: unknown } | { readonly kind: "refused"; readonly message: ToolMessage };

/**
 * Asks about a call, runs `work` on a copy of what was judged if it may run, and puts the outcome on record. A call of an agent that may not
 * run ends with a message of status `error`; any other throws `ActionDeniedError` or `ApprovalRequiredError`. What an async generator yields
 * is left to the caller, who gets one that reports when it ends.
 */
export async function guardWork(guarded: WorkGuard, args: unknown, config: unknown, work: (args: unknown) => unknown): Promise<Ended> {
  const call = callOf(args, config);
  const answer = await leaveOrRefusal(guarded, call, config);
  if (answer.kind !== "allowed") return refuse(answer, guarded.guard.name, config);
  // Asked once more, with nothing awaited from here to the tool: LangChain never ends a tool that begins when its signal is aborted already.
  if (call.signal?.aborted === true) return refuse(await abandon(answer, call), guarded.guard.name, config);
  let output: unknown;
  try {
    output = await work(argsOf(answer.redeem(), args));
  } catch (error) {
    await answer.report("error", error);
    throw error;
  }
  if (isAsyncGenerator(output)) {
    const source = output;
    return { kind: "ran", output: reportStream(answer, () => source, "returned") };
  }
  await answer.report("success", output);
  return { kind: "ran", output };
}

/** Like `guardWork` for work that is streamed. */
export async function* guardChunks(
  guarded: WorkGuard,
  args: unknown,
  config: unknown,
  work: (args: unknown) => AsyncGenerator,
): AsyncGenerator {
  const call = callOf(args, config);
  const answer = await leaveOrRefusal(guarded, call, config);
  if (answer.kind !== "allowed") yield refuse(answer, guarded.guard.name, config).message;
  else if (call.signal?.aborted === true) yield refuse(await abandon(answer, call), guarded.guard.name, config).message;
  else yield* reportStream(answer, () => work(argsOf(answer.redeem(), args)), "last");
}

async function leaveOrRefusal({ guard, onApproval }: WorkGuard, call: Call, config: unknown): Promise<Ticket | Refused> {
  const answer = await authorizeCall(guard, call);
  if (answer.kind === "refused" && answer.decision.decision === "REQUIRE_APPROVAL" && onApproval === "interrupt") {
    pause(answer.decision, guard.name, call.args, config);
  }
  if (answer.kind === "allowed" && answer.decision.approval !== undefined) takeResumes(config);
  return answer;
}

/** Puts on record that a call did not run although it was allowed. */
async function abandon(leave: Ticket, { signal }: Call): Promise<Refused> {
  await leave.report("not_run");
  return { kind: "aborted", reason: signal?.reason };
}

function refuse(answer: Refused, name: string, config: unknown): Extract<Ended, { kind: "refused" }> {
  const callId = callIdOf(config);
  if (answer.kind === "aborted" || callId === undefined) return settle(answer);
  const content = refusalError(answer.decision).message;
  return { kind: "refused", message: new ToolMessage({ content, tool_call_id: callId, name, status: "error" }) };
}

/** The text of a tool that takes one. */
function argsOf(judged: unknown, given: unknown): unknown {
  return typeof given === "string" ? (judged as { readonly input: unknown }).input : judged;
}

function isAsyncGenerator(value: unknown): value is AsyncGenerator<unknown, unknown, unknown> {
  return Object.prototype.toString.call(value) === "[object AsyncGenerator]";
}
