import { CanopyError } from "../errors.ts";
import { nearestHint } from "../policy/nearest.ts";

/**
 * The bindings in an adapter's option `actions`, by the name of their tool; `names` are those of the tools that there are. Throws `INVALID_OPTIONS`: a
 * binding under a misspelt name would silently bind nothing.
 */
export function readActions(actions: unknown, names: readonly string[]): ReadonlyMap<string, unknown> {
  if (actions === undefined) return new Map();
  if (typeof actions !== "object" || actions === null || Array.isArray(actions))
    throw new CanopyError("INVALID_OPTIONS", "`actions` is not an object of bindings by tool");
  const bindings = Object.entries(actions).filter(([, binding]) => binding !== undefined);
  for (const [name] of bindings) checkName("actions", name, names);
  return new Map<string, unknown>(bindings);
}

/** The names in an adapter's option `allowUnguarded`. Throws `INVALID_OPTIONS` for one that no tool has. */
export function readUnguarded(allowUnguarded: unknown, names: readonly string[]): ReadonlySet<string> {
  if (allowUnguarded === undefined) return new Set();
  if (!Array.isArray(allowUnguarded)) throw new CanopyError("INVALID_OPTIONS", "`allowUnguarded` is not a list of tool names");
  const listed = allowUnguarded.map(String);
  for (const name of listed) checkName("allowUnguarded", name, names);
  return new Set(listed);
}

function checkName(option: string, name: string, names: readonly string[]): void {
  if (names.includes(name)) return;
  throw new CanopyError("INVALID_OPTIONS", `\`${option}\` names \`${name}\`, and there is no such tool${nearestHint(name, names)}`);
}
