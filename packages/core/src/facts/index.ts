import { pathFacts } from "./path.ts";
import type { FactFunction } from "./schema.ts";
import { shellFacts } from "./shell/shell.ts";
import { sqlFacts } from "./sql.ts";
import { urlFacts } from "./url.ts";

/** The facts that conditions may ask for where the host names no others. */
export const factFunctions: readonly FactFunction[] = [shellFacts, pathFacts, urlFacts, sqlFacts];
