import { parseArgs } from "node:util";
import { readAuditLog } from "@canopy-runtime/core";
import type { Command } from "../../command.ts";
import { entryRow } from "../../entry-row.ts";
import { exitCodes } from "../../exit-codes.ts";
import { print } from "../../terminal.ts";
import { logPath, readCount, reading } from "./log-path.ts";

export const tail: Command = {
  name: "tail",
  summary: "the last entries, and with -f those that are written from now on",
  help: `canopy audit tail: the last entries of a log

Usage: canopy audit tail [LOG] [-n COUNT] [-f] [--json]

  LOG            the log; the one that CANOPY_AUDIT_LOG_PATH names, else audit.log, where it is left out
  -n COUNT       how many entries; 10 where it is left out
  -f, --follow   goes on with what is written, also when the log goes on in a new segment
  --json         the lines as they stand in the log

Exit codes: 0 done, 2 bad usage, or a log that cannot be read.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        lines: { type: "string", short: "n", default: "10" },
        follow: { type: "boolean", short: "f", default: false },
        json: { type: "boolean", default: false },
      },
      allowPositionals: true,
    });
    const path = logPath(positionals, terminal);
    const last = readCount("-n", values.lines);
    await reading(async () => {
      for await (const record of readAuditLog(path, { last, follow: values.follow })) {
        if (!(await print(terminal, values.json ? `${record.text}\n` : entryRow(record, terminal)))) break;
      }
    });
    return exitCodes.ok;
  },
};
