import { CanopyError } from "@canopy-runtime/core";
import { guardCall, isSignal, oneLine, prepareGuard, refusalError } from "@canopy-runtime/core/pep";
import type { Call, Guard } from "@canopy-runtime/core/pep";
import type { ResponseInputItem } from "openai/resources/responses/responses";

import { guardEach } from "./guard-each.ts";
import type { Guarded, HostWords, ToolOptions, UntypedOptions } from "./guard-each.ts";
import { readText } from "./guard-tools.ts";
import { isLocal } from "./sdk-tool.ts";
import type { LocalTool, SdkTools } from "./sdk-tool.ts";
import { outputOf, readAnswer, readCall } from "./tool-call.ts";
import type { CallParts, ChatCallItem, OutputFor, ResponsesCallItem, ToolCallItem, ToolOutput } from "./tool-call.ts";

/** How the tools of a hand-written loop are guarded. */
export interface DispatcherOptions<TOOLS extends SdkTools> extends ToolOptions<TOOLS> {
  /**
   * What becomes of a call that needs a person's approval: a `message` that tells the model so (where left out), or a `pause`, which leaves
   * the call without an output until `resume`.
   */
  readonly onApproval?: "message" | "pause";
}

/** A call that waits for a person. Plain JSON, to be stored as it is; it proves nothing, and `resume` asks anew about whatever it says. */
export interface PendingCall<CALL extends ToolCallItem = ToolCallItem> {
  readonly call: CALL;
  /** Names the exact action that a person would approve. */
  readonly approvalId: string;
  readonly reason: string;
}

/** What the host adds to a call. */
export interface DispatchExtras {
  /** Handed to `agentCtx` and to the tool; never the model's words. */
  readonly toolContext?: unknown;
  readonly signal?: AbortSignal;
}

/** The calls of one answer, dispatched. Append `items`, then `outputs`; with `pending` calls, wait for theirs before the model is asked again. */
export interface Dispatched<ITEM, CALL extends ToolCallItem> {
  /** The answer's own message or items, as the API takes them back: without what parsers added. */
  readonly items: ITEM[];
  /** One for each call that is not pending, in the order of the calls. */
  readonly outputs: OutputFor<CALL>[];
  /** Always empty where `onApproval` is `message`. */
  readonly pending: PendingCall<CALL>[];
}

/** The one way to the tools of a hand-written loop. Its functions reject for what is no finished call or answer, and for nothing else. */
export interface ToolDispatcher<MODE extends "message" | "pause" = "message"> {
  /** Runs one finished call of either API, if it may run, and gives its output. */
  readonly dispatch: {
    (call: { readonly id: string; readonly type: "function" | "custom" }, extras?: DispatchExtras): Promise<Answered<ChatCallItem, MODE>>;
    (
      call: { readonly call_id: string; readonly type: "function_call" | "custom_tool_call" },
      extras?: DispatchExtras,
    ): Promise<Answered<ResponsesCallItem, MODE>>;
  };
  /** Runs all calls of one finished answer beside each other. */
  readonly dispatchAll: {
    <MESSAGE extends object>(
      completion: { readonly choices: readonly { readonly message: MESSAGE }[] },
      extras?: DispatchExtras,
    ): Promise<Dispatched<MESSAGE, ChatCallItem>>;
    (response: { readonly output: readonly object[] }, extras?: DispatchExtras): Promise<Dispatched<ResponseInputItem, ResponsesCallItem>>;
  };
  /**
   * Asks about pending calls again, in this process or a later one, and runs those that are allowed by now. What was edited since is
   * another action, with a decision of its own.
   */
  readonly resume: <CALL extends ToolCallItem>(
    pending: readonly PendingCall<CALL>[],
    extras?: DispatchExtras,
  ) => Promise<Omit<Dispatched<never, CALL>, "items">>;
}

type Answered<CALL extends ToolCallItem, MODE> = OutputFor<CALL> | (MODE extends "pause" ? PendingCall<CALL> : never);

/**
 * A dispatcher for loops over `chat.completions` or the Responses API, plain and streamed. A tool is one of `runTools` (a definition with its
 * `function`, and `parse` where it has one), one made by `zodFunction` or `zodResponsesFunction` with its `function`, or a definition of
 * either API with an `execute` beside it: `execute(args, { toolContext, signal })`, for a custom tool `execute(text, …)`.
 *
 * The model's text is parsed strictly, authorized, and run as it was judged. Whatever goes wrong with one call becomes its output, so that the
 * other calls keep theirs: a denial, an unknown tool, arguments that do not fit, an error of the tool. Throws as `guardTools` does; a
 * tool without anything to run throws `TOOL_NOT_GUARDABLE`.
 */
export function createToolDispatcher<TOOLS extends SdkTools>(
  tools: TOOLS,
  options: DispatcherOptions<TOOLS> & { readonly onApproval: "pause" },
): ToolDispatcher<"pause">;
export function createToolDispatcher<TOOLS extends SdkTools>(tools: TOOLS, options: DispatcherOptions<TOOLS>): ToolDispatcher;
export function createToolDispatcher(
  tools: SdkTools,
  options: UntypedOptions & { readonly onApproval?: unknown },
): ToolDispatcher | ToolDispatcher<"pause"> {
  const set: ToolSet = { tools: new Map(), namespaces: new Set() };
  for (const each of guardEach(tools, options, ["onApproval"])) addTool(set, each);
  const { onApproval = "message", agentCtx, authorizer, timeoutMs, traceId } = options;
  if (onApproval !== "message" && onApproval !== "pause") throw invalid("`onApproval` is neither `message` nor `pause`");
  // For calls of tools that are not there; as careful as any other guard.
  const guardOptions = {
    agentCtx: typeof agentCtx === "function" ? agentCtx : structuredClone(agentCtx),
    ...(authorizer === undefined ? {} : { authorizer }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(traceId === undefined ? {} : { traceId }),
  };

  async function run(parts: CallParts, extras: Extras): Promise<ToolOutput | PendingCall> {
    const tool = set.tools.get(parts.name) ?? discovered(set, parts.item);
    const guard = tool?.guard ?? prepareGuard(oneLine(parts.name).slice(0, 256) || "unknown", guardOptions);
    const prepared = await prepare(tool, parts);
    const call: Call = {
      args: prepared.args,
      refused: prepared.refused,
      callId: parts.callId,
      host: { toolContext: extras.toolContext } satisfies HostWords,
      signal: extras.signal,
    };
    const ended = await guardCall(guard, call, (args) => runTool(tool, parts, args, extras));
    if (ended.kind === "done") return outputOf(parts.item, textOf(ended.output));
    if (ended.kind === "failed") return outputOf(parts.item, `the tool ran and failed: ${messageOf(ended.error)}`);
    if (ended.kind === "aborted") return outputOf(parts.item, "aborted, the tool did not run");
    if (prepared.refused !== undefined) return outputOf(parts.item, `denied, the tool did not run: ${oneLine(prepared.refused)}`);
    const { decision } = ended;
    if (decision.decision === "REQUIRE_APPROVAL" && onApproval === "pause") {
      return { call: parts.item, approvalId: decision.approvalId, reason: decision.reason };
    }
    return outputOf(parts.item, refusalError(decision).message);
  }

  async function runAll(
    calls: readonly CallParts[],
    extras: Extras,
  ): Promise<{ readonly outputs: ToolOutput[]; readonly pending: PendingCall[] }> {
    const ended = await Promise.all(calls.map((call) => run(call, extras)));
    const outputs: ToolOutput[] = [];
    const pending: PendingCall[] = [];
    for (const each of ended) {
      if ("approvalId" in each) pending.push(each);
      else outputs.push(each);
    }
    return { outputs, pending };
  }

  return Object.freeze({
    dispatch: async (call: unknown, extras?: DispatchExtras) => (await run(readCall(call), readExtras(extras))) as never,
    dispatchAll: async (answer: unknown, extras?: DispatchExtras) => {
      const { calls, items } = readAnswer(answer);
      return { items, ...(await runAll(calls, readExtras(extras))) } as never;
    },
    resume: async (pending: unknown, extras?: DispatchExtras) => {
      if (!Array.isArray(pending)) throw invalid("what is to be resumed is not a list of pending calls");
      const calls = pending.map((each: unknown) => readCall(typeof each === "object" && each !== null ? (each as PendingCall).call : each));
      return (await runAll(calls, readExtras(extras))) as never;
    },
  });
}

type GuardedTool = LocalTool & { readonly guard: Guard };
type Extras = Readonly<DispatchExtras>;

/** The tools that run here by their names, and the namespaces that are declared beside them. */
interface ToolSet {
  readonly tools: Map<string, GuardedTool>;
  readonly namespaces: Set<string>;
}

function addTool({ tools, namespaces }: ToolSet, tool: Guarded): void {
  if (isLocal(tool)) {
    tools.set(tool.name, tool);
    return;
  }
  if (tool.kind === "hosted") {
    const { name } = tool.tool as { readonly name?: unknown };
    if (tool.type === "namespace" && typeof name === "string") namespaces.add(name);
    return;
  }
  throw new CanopyError(
    "TOOL_NOT_GUARDABLE",
    `tool \`${tool.name ?? tool.type}\` has nothing to run: give it \`execute\`, or \`function\` where the SDK's helper makes it`,
  );
}

/** A deferred tool that the provider's tool search found: it is called within a namespace of its own name, unless that is another's. */
function discovered({ tools, namespaces }: ToolSet, item: ToolCallItem): GuardedTool | undefined {
  if (!("call_id" in item) || item.namespace !== item.name || namespaces.has(item.name)) return undefined;
  const found = tools.get(item.name);
  return found !== undefined && (found.tool as { readonly defer_loading?: unknown }).defer_loading === true ? found : undefined;
}

/** What a tool is judged by, or why it must not run. */
async function prepare(tool: GuardedTool | undefined, parts: CallParts): Promise<Pick<Call, "args" | "refused">> {
  const { text, refused } = parts;
  if (tool === undefined) return { args: text, refused: "there is no tool of this name" };
  if (refused !== undefined) return { args: text, refused };
  if (parts.isCustom !== (tool.input === "text")) return { args: text, refused: "the call is of another type than the tool" };
  if (parts.isCustom) return { args: { input: text } };
  const read = readText(text);
  if (read.refused !== undefined || tool.parse === undefined) return read;
  try {
    const parsed: unknown = Reflect.apply(tool.parse, selfOf(tool) ?? tool.tool, [text]);
    // Awaited only where it must be, so that calls are asked about in their order.
    return { args: parsed instanceof Promise ? await parsed : parsed };
  } catch (error) {
    return { args: text, refused: `the arguments do not fit the tool (${messageOf(error)})` };
  }
}

function runTool(tool: GuardedTool | undefined, { text }: CallParts, args: unknown, extras: Extras): unknown {
  if (tool === undefined) throw invalid("there is no such tool");
  const { form, callback, input } = tool;
  const given = input === "parsed" ? args : text;
  if (form === "execute") return Reflect.apply(callback, tool.tool, [given, extras]);
  // No runner here: a tool that needs one does not compile.
  return Reflect.apply(callback, selfOf(tool), [given, undefined, extras.toolContext]);
}

/** What `runTools` calls the functions of a definition on. */
function selfOf({ form, tool }: LocalTool): unknown {
  return form === "definition" ? (tool as { readonly function?: unknown }).function : undefined;
}

/** The output as the SDK's own loop would show it to the model. */
function textOf(output: unknown): string {
  if (typeof output === "string") return output;
  try {
    return JSON.stringify(output) ?? "undefined";
  } catch {
    return "the tool ran, and its output cannot be shown: it is not JSON";
  }
}

function messageOf(error: unknown): string {
  return oneLine(error instanceof Error ? error.message : String(error));
}

function readExtras(extras: unknown): Extras {
  if (extras === undefined) return Object.freeze({});
  if (typeof extras !== "object" || extras === null) throw invalid("what is handed on with a call is not an object");
  const { toolContext, signal, ...rest } = extras as Readonly<Record<string, unknown>>;
  const [unknownKey] = Object.keys(rest);
  if (unknownKey !== undefined) throw invalid(`unknown option \`${unknownKey}\`: a call takes \`toolContext\` and \`signal\``);
  if (signal !== undefined && !isSignal(signal)) throw invalid("`signal` is no AbortSignal");
  return Object.freeze({ toolContext, ...(signal === undefined ? {} : { signal }) });
}

function invalid(message: string): CanopyError {
  return new CanopyError("INVALID_OPTIONS", message);
}
