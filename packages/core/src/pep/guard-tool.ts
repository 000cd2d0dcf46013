import { CanopyError } from "../errors.ts";
import type { ActionType } from "../runtime/action-payloads.ts";
import type { ToolBindings } from "./binding.ts";
import { deny } from "./ask.ts";
import { ActionDeniedError } from "./denial.ts";
import { guardCall, guardStream, settle } from "./guard-call.ts";
import type { Call } from "./guard-call.ts";
import { checkKeys, guardOptionKeys, prepareGuard } from "./guard.ts";
import type { Guard, GuardOptions } from "./guard.ts";
import { copyProperties, isGuardedBy, markGuarded } from "./guarded.ts";
import { isSignal } from "./signal.ts";

/** How a function is guarded. `Extras` are the arguments after the first. */
export interface GuardToolOptions<Args, Extras extends readonly unknown[]> extends GuardOptions<Extras> {
  /** The tool's name: what records and bindings call it. */
  readonly name: string;
  /** The action that the tool is, where its arguments are exactly that action's payload; the tool's own name where left out. */
  readonly actionType?: ActionType;
  /** How its arguments become the payload of one action or several, where they are not exactly that. */
  readonly binding?: ToolBindings<Args>;
  /** Finds the signal that a call is aborted by. */
  readonly signal?: (extras: Extras) => AbortSignal | undefined;
}

/** Says that every argument after the first comes from the host program (options, signals, clients), never from the model. */
export interface HostExtras {
  readonly extras: "host";
}

/** A function of one argument that already answers later, so that guarding keeps its type. */
export type LaterTool<Extras extends never[]> = (
  args: never,
  ...extras: Extras
) => Promise<unknown> | AsyncGenerator<unknown, unknown, never>;

/**
 * `fn` behind a guard: each call is authorized before it runs, it runs on a copy of what was judged, and its outcome is recorded.
 * A call that is denied throws `ActionDeniedError`, one that needs a person `ApprovalRequiredError`; `fn` did not run then.
 *
 * `fn` takes one argument, JSON, which is what the model asks for. Arguments after it are not judged: they need `extras: "host"`, and
 * without that a call that has any is refused. `this` and the function's own properties are kept; async generators stay such, everything else returns
 * a promise. Wrapping twice with the same options is wrapping once. Throws `INVALID_OPTIONS` for options it cannot understand.
 */
export function guardTool<F extends LaterTool<[]>>(fn: F, options: GuardToolOptions<Parameters<F>[0], []>): F;
export function guardTool<A, R>(fn: (args: A) => R, options: GuardToolOptions<A, []>): (args: A) => Promise<Awaited<R>>;
export function guardTool<F extends LaterTool<never[]>>(fn: F, options: GuardToolOptions<Parameters<F>[0], ExtrasOf<F>> & HostExtras): F;
export function guardTool<A, X extends unknown[], R>(
  fn: (args: A, ...extras: X) => R,
  options: GuardToolOptions<A, X> & HostExtras,
): (args: A, ...extras: X) => Promise<Awaited<R>>;
export function guardTool(fn: Tool, options: GuardToolOptions<never, never> & Partial<HostExtras>): Tool {
  if (typeof fn !== "function") throw new CanopyError("TOOL_NOT_GUARDABLE", "what is to be guarded is not a function");
  checkKeys(options, optionKeys);
  const { name, actionType, binding, extras, signal } = options;
  if (extras !== undefined && extras !== "host") throw invalid("`extras` can only be `host`");
  if (actionType !== undefined && binding !== undefined)
    throw invalid("`actionType` and `binding` are both given: a binding names its own");
  if (actionType !== undefined && (typeof actionType !== "string" || actionType === ""))
    throw invalid("`actionType` is no non-empty string");
  if (signal !== undefined && typeof signal !== "function") throw invalid("`signal` is not a function that finds an AbortSignal");
  const guard = prepareGuard(name, options, {
    ...(actionType === undefined ? {} : { unbound: actionType }),
    ...(binding === undefined ? {} : { bindings: binding }),
  });
  if (isGuardedBy(fn, guard)) return fn;
  const guarded = isGeneratorFunction(fn) ? guardGenerator(fn, guard, options) : guardFunction(fn, guard, options);
  copyProperties(guarded, fn, ["prototype", "arguments", "caller"]);
  return markGuarded(guarded, guard);
}

/** Whether calling `fn` gives an async generator, as far as its kind of function says so. */
export function isGeneratorFunction(fn: unknown): fn is (...args: unknown[]) => AsyncGenerator<unknown, unknown, unknown> {
  return Object.prototype.toString.call(fn) === "[object AsyncGeneratorFunction]";
}

type Tool = (args: unknown, ...extras: unknown[]) => unknown;
export type ExtrasOf<F> = F extends (args: never, ...extras: infer X) => unknown ? X : never;
type AnyOptions = GuardToolOptions<never, never> & Partial<HostExtras>;

const optionKeys: readonly string[] = ["name", ...guardOptionKeys, "actionType", "binding", "extras", "signal"];

function guardFunction(fn: Tool, guard: Guard, options: AnyOptions): Tool {
  return async function guarded(this: unknown, ...received: unknown[]): Promise<unknown> {
    const [call, extras] = callOf(received, guard, options);
    return settle(await guardCall(guard, call, async (args) => Reflect.apply(fn, this, actual(received, args, extras))));
  };
}

function guardGenerator(fn: (...args: unknown[]) => AsyncGenerator<unknown, unknown, unknown>, guard: Guard, options: AnyOptions): Tool {
  return async function* guarded(this: unknown, ...received: unknown[]): AsyncGenerator<unknown, unknown, unknown> {
    const [call, extras] = callOf(received, guard, options);
    return yield* guardStream(guard, call, (args) => Reflect.apply(fn, this, actual(received, args, extras)));
  };
}

function callOf(received: readonly unknown[], guard: Guard, options: AnyOptions): readonly [Call, readonly unknown[]] {
  const [args, ...extras] = received;
  if (extras.length > 0 && options.extras === undefined) {
    // One that the model chose could hide there.
    throw new ActionDeniedError(
      deny(
        `\`${guard.name}\` was called with ${received.length} arguments and only the first would be judged: pass one object, or say \`extras: "host"\``,
      ),
    );
  }
  const signal = (options.signal as ((extras: unknown[]) => AbortSignal | undefined) | undefined)?.(extras);
  if (signal !== undefined && !isSignal(signal)) throw new ActionDeniedError(deny("`signal` found something that is no AbortSignal"));
  return [{ args, host: extras, signal }, extras];
}

/** The arguments of the real call: none where none were given. */
function actual(received: readonly unknown[], args: unknown, extras: readonly unknown[]): unknown[] {
  return received.length === 0 ? [] : [args, ...extras];
}

function invalid(message: string): CanopyError {
  return new CanopyError("INVALID_OPTIONS", message);
}
