import type { FactFunction } from "../facts/schema.ts";
import type { Policy, PolicySource } from "./policy.ts";
import type { ReadSource } from "./sources.ts";

export interface LoadOptions {
  /** Reads the files that policies extend; without it a policy may extend `canopy:default` alone. */
  readonly read?: ReadSource;
  /** The facts that conditions may ask for; Canopy's own where left out. */
  readonly facts?: readonly FactFunction[];
}

/**
 * Loads a policy and everything that it extends, and runs its examples. Throws `PolicyError` with every problem of every file when anything in it
 * cannot be understood: a policy is in force as a whole or not at all.
 */
export async function loadPolicy(root: PolicySource, options: LoadOptions = {}): Promise<Policy> {
  // Parsers, the checker, the compiler and the facts: whoever loads no policy, such as a client of the gateway, need not pay for them.
  const { assemblePolicy } = await import("./assemble.ts");
  return await assemblePolicy(root, options);
}
