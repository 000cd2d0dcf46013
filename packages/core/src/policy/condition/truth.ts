import { Unknown, invalid } from "../../facts/unknown.ts";
import { kindOf } from "./values.ts";
import type { Run } from "./values.ts";

/** `run`, with whatever is neither true nor false made invalid. */
export function asTruth(run: Run, text: string): (scope: Parameters<Run>[0]) => boolean | Unknown {
  return (scope) => {
    const value = run(scope);
    if (typeof value === "boolean" || value instanceof Unknown) return value;
    return invalid(`\`${text}\` is ${kindOf(value)}, not true or false`);
  };
}
