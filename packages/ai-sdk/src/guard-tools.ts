import { CanopyError } from "@canopy-runtime/core";
import {
  checkKeys,
  copyProperties,
  guardCall,
  guardOptionKeys,
  guardStream,
  isGeneratorFunction,
  isGuardedBy,
  isSignal,
  markGuarded,
  prepareGuard,
  readActions,
  readUnguarded,
  settle,
} from "@canopy-runtime/core/pep";
import type { Call, Guard, GuardOptions, ToolBindings } from "@canopy-runtime/core/pep";

import { hostOptions, obstacle } from "./sdk-tool.ts";
import type { HostOptions, InputOf, SdkTool, SdkTools } from "./sdk-tool.ts";

/** How tools are guarded. */
export interface GuardToolsOptions<TOOLS extends SdkTools> extends GuardOptions<HostOptions<TOOLS>> {
  /** Which actions a tool stands for, by its name. A tool that is not here is an action type of its own, with its arguments as payload. */
  readonly actions?: { readonly [NAME in keyof TOOLS]?: ToolBindings<InputOf<TOOLS[NAME]>> };
  /** Tools that no guard can stand before (the provider executes them, or the SDK replaces them) and that shall be there all the same. */
  readonly allowUnguarded?: readonly (keyof TOOLS & string)[];
}

/**
 * The same tools, each behind a guard: whoever calls `execute` (the SDK's loop, a sub-agent, a resume), the call is authorized first, the tool
 * runs on a copy of what was judged, and its outcome is recorded. A call that may not run throws `ActionDeniedError` or
 * `ApprovalRequiredError` from `execute`; the SDK shows the model the message as the tool's result, and the loop goes on.
 *
 * Tools without `execute` are the client's to run and come back as they are. A tool that cannot be guarded throws `TOOL_NOT_GUARDABLE`,
 * unless `allowUnguarded` names it; options that cannot be understood throw `INVALID_OPTIONS`.
 */
export function guardTools<TOOLS extends SdkTools>(tools: TOOLS, options: GuardToolsOptions<TOOLS>): TOOLS {
  checkKeys(options, [...guardOptionKeys, "actions", "allowUnguarded"]);
  const prototype: unknown = typeof tools === "object" && tools !== null ? Object.getPrototypeOf(tools) : undefined;
  if (prototype !== Object.prototype && prototype !== null) {
    throw new CanopyError("INVALID_OPTIONS", "the tools are not a plain object: what it inherits would stay unguarded");
  }
  const names = Reflect.ownKeys(tools).filter((name) => typeof name === "string");
  const bindings = readActions(options.actions, names);
  const unguarded = readUnguarded(options.allowUnguarded, names);
  const guarded = Object.create(prototype) as Record<string, unknown>;
  for (const name of Reflect.ownKeys(tools)) {
    if (typeof name === "symbol") throw new CanopyError("INVALID_OPTIONS", `the tools have a symbol as a name, \`${String(name)}\``);
    // Read once: an accessor could give another tool next time.
    const tool: unknown = tools[name];
    const value = tool === undefined ? tool : guardOne(name, tool, options, bindings, unguarded.has(name));
    Object.defineProperty(guarded, name, { value, enumerable: true, writable: true, configurable: true });
  }
  // The one cast: every member has the type of the member it was made of, which no mapped copy can show the compiler.
  return guarded as TOOLS;
}

function guardOne(
  name: string,
  tool: unknown,
  options: GuardOptions<never>,
  bindings: ReadonlyMap<string, unknown>,
  unguarded: boolean,
): unknown {
  if (!isTool(tool)) throw notGuardable(name, "is not an object");
  const why = obstacle(tool);
  const isBound = bindings.has(name);
  if (why !== undefined) {
    if (!unguarded) throw notGuardable(name, `${why}: leave it out, or name it in \`allowUnguarded\``);
    if (isBound) throw new CanopyError("INVALID_OPTIONS", `\`actions\` binds \`${name}\`, which \`allowUnguarded\` leaves unguarded`);
    return tool;
  }
  if (unguarded) {
    throw new CanopyError(
      "INVALID_OPTIONS",
      `\`allowUnguarded\` names \`${name}\`, which needs no leave: it can be guarded, or does not run here`,
    );
  }
  const { execute } = tool;
  if (typeof execute !== "function") {
    if (isBound) throw new CanopyError("INVALID_OPTIONS", `\`actions\` binds \`${name}\`, which has no \`execute\` and does not run here`);
    return tool;
  }
  const guard = prepareGuard(name, options, isBound ? { bindings: bindings.get(name) } : {});
  if (isGuardedBy(execute, guard)) return tool;
  return withExecute(tool, guardExecute(tool, execute as Execute, guard));
}

type Execute = (input: unknown, options: unknown, ...more: unknown[]) => unknown;

/** `execute` behind `guard`. A generator function stays one, because the SDK shows what it yields as it comes. */
function guardExecute(tool: SdkTool, execute: Execute, guard: Guard): Execute {
  const run = (args: unknown, options: unknown, more: unknown[]): unknown => Reflect.apply(execute, tool, [args, options, ...more]);
  const guarded: Execute = isGeneratorFunction(execute)
    ? async function* (input, options, ...more): AsyncGenerator<unknown, unknown, unknown> {
        const stream = (args: unknown): AsyncGenerator<unknown, unknown, unknown> => run(args, options, more) as never;
        return yield* guardStream(guard, callOf(input, options), stream);
      }
    : async function (input, options, ...more): Promise<unknown> {
        return settle(await guardCall(guard, callOf(input, options), (args) => lastOf(run(args, options, more))));
      };
  return markGuarded(copyProperties(guarded, execute, ["prototype", "arguments", "caller"]), guard);
}

/** The SDK takes the last value of an iterable as the tool's output; a promise of one it takes as it is. */
async function lastOf(output: unknown): Promise<unknown> {
  if (!isAsyncIterable(output)) return output;
  let last: unknown;
  for await (const value of output) last = value;
  return last;
}

function callOf(input: unknown, options: unknown): Call {
  const { toolCallId, abortSignal, messages } = (typeof options === "object" && options !== null ? options : {}) as Readonly<
    Record<string, unknown>
  >;
  return {
    args: input,
    host: hostOptions(options),
    callId: typeof toolCallId === "string" ? toolCallId : undefined,
    signal: isSignal(abortSignal) ? abortSignal : undefined,
    // The SDK hands its approval hook and `execute` the same array, and makes a new one for each step.
    run: Array.isArray(messages) ? messages : undefined,
  };
}

/** A copy of `tool` by descriptors, so that accessors and properties that no spread sees stay what they are. */
function withExecute(tool: SdkTool, execute: Execute): object {
  const copy = copyProperties(Object.create(Object.getPrototypeOf(tool) as object | null) as object, tool, ["execute"]);
  return Object.defineProperty(copy, "execute", { value: execute, enumerable: true, writable: true, configurable: true });
}

function notGuardable(name: string, why: string): CanopyError {
  return new CanopyError("TOOL_NOT_GUARDABLE", `tool \`${name}\` ${why}`);
}

function isTool(value: unknown): value is SdkTool {
  return typeof value === "object" && value !== null;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    typeof value === "object" && value !== null && typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === "function"
  );
}
