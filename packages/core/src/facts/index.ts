import type { FactFunction } from "./schema.ts";

/** The facts that conditions may ask for where the host names no others. */
export const factFunctions: readonly FactFunction[] = [];
