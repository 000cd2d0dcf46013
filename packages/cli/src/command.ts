import type { ExitCode } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

/** One word after `canopy`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** All of what `--help` prints. */
  readonly help: string;
  readonly run: (args: readonly string[], terminal: Terminal) => Promise<ExitCode>;
}
