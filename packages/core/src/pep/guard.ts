import canonicalize from "canonicalize";

import { CanopyError } from "../errors.ts";
import { cloneJson, isJsonObject } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import type { AgentContext } from "../runtime/agent-context.ts";
import type { Authorizer } from "../runtime/authorizer.ts";
import { prepareBindings } from "./binding.ts";
import type { PreparedBinding } from "./binding.ts";
import { nearestHint } from "../policy/nearest.ts";

/** The agent context of a guard: a value, taken when wrapping, or a function of what the host (never the model) says about each call. */
type AgentContextSource<Host> = AgentContext | ((host: Host) => AgentContext | PromiseLike<AgentContext>);

/** What every enforcement point is told. */
export interface GuardOptions<Host = unknown> {
  readonly agentCtx: AgentContextSource<Host>;
  /** Who decides; the default runtime of this process where left out. */
  readonly authorizer?: Authorizer;
  /**
   * Links the entries of one run of the agent: a W3C trace id or any other string up to 256 characters, or a function of what the host says about
   * each call. One is made up for each call where it is left out, or where the function gives none.
   */
  readonly traceId?: string | ((host: Host) => string | undefined);
  /** How long an answer is waited for; then the call is denied. Milliseconds, 30,000 where left out. */
  readonly timeoutMs?: number;
}

/** The names of `GuardOptions`, for whoever checks the keys of options that have more. */
export const guardOptionKeys: readonly string[] = ["agentCtx", "authorizer", "traceId", "timeoutMs"];

/** The guard of one tool: its options, checked and frozen. */
export interface Guard {
  readonly name: string;
  /** The action type of a call that nobody bound. */
  readonly unbound: string;
  readonly bindings: readonly PreparedBinding[];
  readonly agentCtx: JsonObject | ((host: unknown) => unknown);
  readonly authorizer: Authorizer | undefined;
  readonly traceId: string | ((host: unknown) => unknown) | undefined;
  readonly timeoutMs: number;
}

/** Checks everything that can be checked before a call is made. Throws `INVALID_OPTIONS`. */
export function prepareGuard(
  name: string,
  options: GuardOptions<never>,
  bound: { readonly unbound?: string; readonly bindings?: unknown } = {},
): Guard {
  if (typeof name !== "string" || name === "") throw new CanopyError("INVALID_OPTIONS", "a guarded tool needs a name, a non-empty string");
  return Object.freeze({
    name,
    unbound: bound.unbound ?? name,
    bindings: bound.bindings === undefined ? Object.freeze([]) : prepareBindings(name, bound.bindings),
    agentCtx: checkedContext(options.agentCtx),
    authorizer: checkedAuthorizer(options.authorizer),
    traceId: checkedTraceId(options.traceId),
    timeoutMs: checkedTimeout(options.timeoutMs),
  });
}

/** Refuses options that are no object, and keys that nobody reads: a misspelt option would silently not be there. */
export function checkKeys(options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) throw new CanopyError("INVALID_OPTIONS", "the options are not an object");
  for (const key of Reflect.ownKeys(options)) {
    if (typeof key === "symbol" || !known.includes(key)) {
      throw new CanopyError("INVALID_OPTIONS", `unknown option \`${String(key)}\`${nearestHint(String(key), known)}`);
    }
  }
}

/** The agent context as plain data. Throws where it is none. */
export function readContext(context: unknown): JsonObject {
  const copy: JsonValue = cloneJson(context);
  if (!isJsonObject(copy)) throw new CanopyError("INVALID_OPTIONS", "`agentCtx` is not an object");
  return copy;
}

/** Whether two guards would ask the same authorizer the same question about every call. */
export function sameGuard(one: Guard, other: Guard): boolean {
  return (
    one.name === other.name &&
    one.unbound === other.unbound &&
    one.authorizer === other.authorizer &&
    one.timeoutMs === other.timeoutMs &&
    one.traceId === other.traceId &&
    sameContext(one.agentCtx, other.agentCtx) &&
    one.bindings.length === other.bindings.length &&
    one.bindings.every((binding, index) => sameBinding(binding, other.bindings[index]))
  );
}

function sameContext(one: Guard["agentCtx"], other: Guard["agentCtx"]): boolean {
  if (typeof one === "function" || typeof other === "function") return one === other;
  return canonicalize(one) === canonicalize(other);
}

function sameBinding(one: PreparedBinding, other: PreparedBinding | undefined): boolean {
  if (other === undefined || one.actionType !== other.actionType) return false;
  if ("toPayload" in one || "toPayload" in other) return "toPayload" in one && "toPayload" in other && one.toPayload === other.toPayload;
  return canonicalize(one) === canonicalize(other);
}

function checkedContext(agentCtx: unknown): Guard["agentCtx"] {
  if (typeof agentCtx === "function") return agentCtx as (host: unknown) => unknown;
  if (agentCtx === undefined)
    throw new CanopyError("INVALID_OPTIONS", '`agentCtx` is missing: say who acts, such as `{ env: "production" }`');
  try {
    return readContext(agentCtx);
  } catch (cause) {
    throw new CanopyError(
      "INVALID_OPTIONS",
      `\`agentCtx\` is no plain object of JSON (${cause instanceof CanopyError ? cause.message : "unreadable"})`,
      {
        cause,
      },
    );
  }
}

function checkedAuthorizer(authorizer: unknown): Authorizer | undefined {
  if (authorizer === undefined) return undefined;
  if (!isAuthorizer(authorizer)) {
    throw new CanopyError("INVALID_OPTIONS", "`authorizer` has no `authorize` and `recordOutcome`: pass a runtime or a client of one");
  }
  return authorizer;
}

function checkedTraceId(traceId: unknown): Guard["traceId"] {
  if (traceId === undefined || typeof traceId === "function") return traceId as Guard["traceId"];
  if (!isTraceId(traceId)) throw new CanopyError("INVALID_OPTIONS", "`traceId` is neither a string of 1 to 256 characters nor a function");
  return traceId;
}

/** Whether `value` can link the entries of a run. */
export function isTraceId(value: unknown): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= 256 && value.isWellFormed();
}

function isAuthorizer(value: unknown): value is Authorizer {
  if (typeof value !== "object" || value === null) return false;
  const { authorize, recordOutcome } = value as Partial<Authorizer>;
  return typeof authorize === "function" && typeof recordOutcome === "function";
}

function checkedTimeout(timeoutMs: unknown): number {
  if (timeoutMs === undefined) return 30_000;
  // Timers hold 31 bits; a longer time would run out at once.
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 1 && timeoutMs <= 0x7fff_ffff)) {
    throw new CanopyError("INVALID_OPTIONS", "`timeoutMs` is not a number of milliseconds from 1 to 2147483647");
  }
  return timeoutMs;
}
