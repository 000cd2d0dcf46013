import { CanopyError } from "@canopy-runtime/core";
import type { Terminal } from "../../terminal.ts";
import { UsageError } from "../../usage-error.ts";

/** The file of keys that the command line names, else the one that the environment names, else the default. */
export function keyFile(option: string | undefined, terminal: Pick<Terminal, "env">): string {
  const path = option ?? terminal.env["CANOPY_KEYS_FILE"] ?? "canopy-keys.json";
  if (path === "") throw new UsageError("the name of the key file is empty, name one or leave it out");
  return path;
}

/** Does the work; what cannot be done to a key file is told as bad input. */
export async function tellingKeyProblems<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CanopyError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}
