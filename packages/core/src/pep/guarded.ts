import { sameGuard } from "./guard.ts";
import type { Guard } from "./guard.ts";

const key = Symbol.for("@canopy-runtime/core/guarded");

// What another copy of Canopy in this process made asks that copy's default runtime, which may be another one.
const ours = new WeakSet<Guard>();

/** What a guarded function carries. It names the function, so that a copy of it onto another function proves nothing. */
interface Mark {
  readonly self: unknown;
  readonly guard: Guard;
}

/** Whether `value` is a function that asks Canopy before it runs, as made by `guardTool` or an adapter, or a tool that an adapter guarded. */
export function isGuarded(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return markOf(value) !== undefined;
  return functionsOf(value).some((fn) => markOf(fn) !== undefined);
}

/** What may run when a framework calls a tool: `execute` of the Vercel AI SDK, `_call` of LangChain, the callbacks of the OpenAI SDK. */
function functionsOf(tool: object): readonly unknown[] {
  const { execute, _call, $callback, function: definition, bound } = tool as Readonly<Record<string, unknown>>;
  return [execute, _call, $callback, memberOf(definition, "function"), memberOf(memberOf(memberOf(bound, "bound"), "last"), "invoke")];
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** The guard of a function that this copy of Canopy guarded. */
export function guardOf(fn: unknown): Guard | undefined {
  const guard = markOf(fn)?.guard;
  return guard !== undefined && ours.has(guard) ? guard : undefined;
}

/**
 * Whether wrapping `fn` with `guard` would ask the same authorizer the same question twice. A function that is guarded in any other way is
 * wrapped again: both guards ask, and the strictest answer wins.
 */
export function isGuardedBy(fn: unknown, guard: Guard): boolean {
  const present = guardOf(fn);
  return present !== undefined && sameGuard(present, guard);
}

/** Marks `fn`, which must enforce `guard`. */
export function markGuarded<F extends (...args: never[]) => unknown>(fn: F, guard: Guard): F {
  ours.add(guard);
  return Object.defineProperty(fn, key, { value: Object.freeze({ self: fn, guard } satisfies Mark) });
}

/**
 * Gives `target` the properties of `source`, by descriptor, save those that `own` names and the mark of a guard.
 * What is an accessor stays one.
 */
export function copyProperties<T extends object>(target: T, source: object, own: readonly PropertyKey[]): T {
  for (const name of Reflect.ownKeys(source)) {
    const descriptor = Object.getOwnPropertyDescriptor(source, name);
    if (descriptor !== undefined && name !== key && !own.includes(name)) Object.defineProperty(target, name, descriptor);
  }
  return target;
}

function markOf(value: unknown): Mark | undefined {
  if (typeof value !== "function") return undefined;
  const mark: unknown = Object.getOwnPropertyDescriptor(value, key)?.value;
  return typeof mark === "object" && mark !== null && (mark as Mark).self === value ? (mark as Mark) : undefined;
}
