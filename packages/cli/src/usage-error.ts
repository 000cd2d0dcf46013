import { CanopyError } from "@canopy-runtime/core";

/** The command line, or what it was given to read, is wrong: told in one line, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What `work` answers; an option that it cannot understand, a public key that is none for one, is a mistake on the command line. */
export async function understood<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CanopyError && error.code === "INVALID_OPTIONS") throw new UsageError(error.message, { cause: error });
    throw error;
  }
}
