import { parseArgs } from "node:util";
import { pendingDecisions, readAuditLog } from "@canopy-runtime/core";
import type { AuditRecord } from "@canopy-runtime/core";
import type { Command } from "../../command.ts";
import { entryRow } from "../../entry-row.ts";
import { exitCodes } from "../../exit-codes.ts";
import { complain, paint, print } from "../../terminal.ts";
import { logPath, readTime, reading } from "./log-path.ts";

export const pending: Command = {
  name: "pending",
  summary: "what was allowed and has no outcome on record",
  help: `canopy audit pending: decisions that allowed something, and of which nobody knows how it ended

Usage: canopy audit pending [LOG] [--until TIME] [--json]

  LOG            the log; the one that CANOPY_AUDIT_LOG_PATH names, else audit.log, where it is left out
  --until TIME   only decisions before: 2026-01-31T12:00:00Z, or how long ago: 5m leaves out what may still run
  --json         the lines as they stand in the log

Guarded tools and the adapters record how each call ended. A decision without that is of a tool that still runs, of a process that died
in the middle, or of a program that calls authorizeAction itself and records no outcomes. Nothing is retried: look at what it did.

Exit codes: 0 nothing is pending, 1 something is, 2 bad usage, or a log that cannot be read or has lines that are no entries.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { until: { type: "string" }, json: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    const path = logPath(positionals, terminal);
    const until = values.until === undefined ? Infinity : readTime("--until", values.until).getTime();
    let count = 0;
    let withoutTool = 0;
    let strange = 0;
    async function* noted(records: AsyncIterable<AuditRecord>): AsyncIterable<AuditRecord> {
      for await (const record of records) {
        if (record.entry === null) strange += 1;
        yield record;
      }
    }
    await reading(async () => {
      const seqs = await pendingDecisions(noted(readAuditLog(path)));
      if (seqs.size === 0) return;
      for await (const record of readAuditLog(path)) {
        const { entry } = record;
        if (entry === null || !seqs.has(entry.seq) || Date.parse(entry.ts) >= until) continue;
        count += 1;
        if (entry.members["tool"] === undefined) withoutTool += 1;
        if (!(await print(terminal, values.json ? `${record.text}\n` : entryRow(record, terminal)))) break;
      }
    });
    if (strange > 0) complain(terminal, `canopy: ${strange} ${strange === 1 ? "line is" : "lines are"} no entry; canopy verify says more`);
    // What was allowed may stand in one of those.
    if (count === 0 && strange > 0) return exitCodes.usage;
    if (!values.json) await print(terminal, `${paint(terminal, "bold", summary(count, withoutTool))}\n`);
    return count === 0 ? exitCodes.ok : exitCodes.finding;
  },
};

function summary(count: number, withoutTool: number): string {
  if (count === 0) return "nothing is pending: every decision that allowed something has an outcome";
  const decisions = `${count} ${count === 1 ? "decision" : "decisions"} without an outcome`;
  return withoutTool === 0 ? decisions : `${decisions}, ${withoutTool} of them asked for by no guarded tool`;
}
