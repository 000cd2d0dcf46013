import type { JsonObject, JsonValue } from "@canopy-runtime/core";

import type { Principal } from "./principal.ts";

export interface EffectiveContext {
  readonly agentCtx: JsonObject;
  /** Fields of the request that did not count: the caller may not say them, or the gateway knows better. */
  readonly ignored: readonly string[];
}

/** The agent context that a request is judged in: what the gateway holds for the caller, and beside it those fields of the request that it may pass. */
export function agentContextFor({ agentCtx, passes }: Principal, requested: JsonObject | undefined): EffectiveContext {
  if (requested === undefined) return { agentCtx, ignored: [] };
  const merged: Record<string, JsonValue> = {};
  // Not assignments: `__proto__` is a key like any other here.
  const put = (key: string, value: JsonValue): unknown =>
    Object.defineProperty(merged, key, { value, enumerable: true, configurable: true });
  for (const [key, value] of Object.entries(agentCtx)) put(key, value);
  const ignored: string[] = [];
  for (const [key, value] of Object.entries(requested)) {
    if (passes.has(key) && !Object.hasOwn(agentCtx, key)) put(key, value);
    else if (!Object.hasOwn(agentCtx, key) || !isSame(agentCtx[key], value)) ignored.push(key);
  }
  return { agentCtx: merged, ignored };
}

/** A program that says what the gateway knows anyway is not told that it did not count. */
function isSame(held: JsonValue | undefined, said: JsonValue): boolean {
  return JSON.stringify(held) === JSON.stringify(said);
}
