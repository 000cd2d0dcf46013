import { parseJson } from "@canopy-runtime/core";
import type { JsonValue } from "@canopy-runtime/core";
import { UsageError } from "./usage-error.ts";

/** The JSON that an option was given; `example` is shown to whoever's shell took the quotes away. Throws a `UsageError`. */
export function jsonOption(option: string, text: string, example: string): JsonValue {
  try {
    return parseJson(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${option}: ${why}${why.startsWith("not JSON") ? `; write it as '${example}'` : ""}`, { cause: error });
  }
}
