import { CanopyError, proveEntry, proveGrowth } from "@canopy-runtime/core";
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Command } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import { complain, print } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { logPath } from "./audit/log-path.ts";

export const prove: Command = {
  name: "prove",
  summary: "a proof that an entry is in a log, or that a log has only grown",
  help: `canopy prove: what shows to others that an entry is in a log, or that a log has only grown

Usage: canopy prove [LOG] --entry ID [--out FILE] [--line FILE]
       canopy prove [LOG] --from CHECKPOINT [--out FILE]

  LOG                 the log; the one that CANOPY_AUDIT_LOG_PATH names, else audit.log, where it is left out
  --entry ID          the number of an entry, or the authorization id of a decision: proves that it is in the log
  --from CHECKPOINT   a file with an older checkpoint: proves that nothing was changed since it was signed
  --out FILE          where the proof is written; standard output where it is left out
  --line FILE         where the entry's line is written, whose bytes are what is proven

The log needs a key, and a checkpoint that covers the entry; one is made when the log is closed. canopy verify --proof checks a proof without
the log, with the public key alone.

Exit codes: 0 done, 1 the log is not what was signed, 2 bad usage, or nothing that could be proven with.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { entry: { type: "string" }, from: { type: "string" }, out: { type: "string" }, line: { type: "string" } },
      allowPositionals: true,
    });
    const path = logPath(positionals, terminal);
    if ((values.entry === undefined) === (values.from === undefined))
      throw new UsageError("name an entry with --entry, or an older checkpoint with --from");
    if (values.from !== undefined && values.line !== undefined) throw new UsageError("--line goes with --entry");
    try {
      if (values.entry !== undefined) {
        const { proof, line } = await proveEntry(path, values.entry);
        if (values.line !== undefined) write(values.line, line);
        return await give(proof, values.out, terminal);
      }
      return await give(await proveGrowth(path, read(values.from ?? "")), values.out, terminal);
    } catch (error) {
      if (!(error instanceof CanopyError)) throw error;
      complain(terminal, `canopy: ${error.message}`);
      return error.code === "AUDIT_LOG_BROKEN" ? exitCodes.finding : exitCodes.usage;
    }
  },
};

async function give(proof: string, out: string | undefined, terminal: Terminal): Promise<ExitCode> {
  if (out === undefined) await print(terminal, proof);
  else write(out, proof);
  return exitCodes.ok;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read \`${path}\`: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new UsageError(`cannot write \`${path}\`: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
