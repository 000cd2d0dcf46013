import { parseArgs } from "node:util";
import { matchesFilter, readAuditLog } from "@canopy-runtime/core";
import type { EntryFilter } from "@canopy-runtime/core";
import type { Command } from "../../command.ts";
import { filterHelp, filterOptions, readFilter } from "../../entry-filter.ts";
import { entryRow } from "../../entry-row.ts";
import { exitCodes } from "../../exit-codes.ts";
import { complain, print } from "../../terminal.ts";
import type { Terminal } from "../../terminal.ts";
import { logPath, readCount, reading } from "./log-path.ts";

const options = {
  ...filterOptions,
  type: { type: "string" },
  limit: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

export const query: Command = {
  name: "query",
  summary: "the entries about an agent, an action, a rule, a time",
  help: `canopy audit query: the entries that are asked for, oldest first

Usage: canopy audit query [LOG] [OPTION…]

  LOG                the log; the one that CANOPY_AUDIT_LOG_PATH names, else audit.log, where it is left out
${filterHelp}  --type TYPE        decision, outcome, policy.loaded, …
  --limit COUNT      stops after so many
  --json             the lines as they stand in the log

An entry is printed that meets all that is asked. Lines that are no entries are counted on standard error.
Exit codes: 0 done, also when nothing was found; 2 bad usage, or a log that cannot be read.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const path = logPath(positionals, terminal);
    const limit = values.limit === undefined ? Infinity : readCount("--limit", values.limit);
    const filter = { ...readFilter(values), ...(values.type === undefined ? {} : { type: values.type }) };
    const strange = await reading(async () => await printMatches(path, filter, limit, values.json, terminal));
    if (strange > 0) complain(terminal, `canopy: ${strange} ${strange === 1 ? "line is" : "lines are"} no entry; canopy verify says more`);
    return exitCodes.ok;
  },
};

async function printMatches(path: string, filter: EntryFilter, limit: number, json: boolean, terminal: Terminal): Promise<number> {
  let strange = 0;
  let found = 0;
  if (limit === 0) return strange;
  for await (const record of readAuditLog(path)) {
    if (record.entry === null) strange += 1;
    else if (matchesFilter(record.entry, filter)) {
      found += 1;
      const isPrinted = await print(terminal, json ? `${record.text}\n` : entryRow(record, terminal));
      if (!isPrinted || found >= limit) break;
    }
  }
  return strange;
}
