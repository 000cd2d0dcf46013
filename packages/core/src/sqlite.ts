import process from "node:process";
import type * as sqlite from "node:sqlite";

/**
 * Node's own SQLite; undefined where this Node has none. Loading it is no news to whoever runs an agent, so that the warning with which Node 22 does it
 * is left out; nothing else is warned of meanwhile, because nothing else runs.
 */
export function loadSqlite(): typeof sqlite | undefined {
  const warnings = Object.getOwnPropertyDescriptor(process, "emitWarning");
  try {
    process.emitWarning = () => undefined;
    return process.getBuiltinModule("node:sqlite");
  } finally {
    if (warnings !== undefined) Object.defineProperty(process, "emitWarning", warnings);
  }
}
