import { CanopyError, planAuditRepair, repairAuditLog } from "@canopy-runtime/core";
import type { RepairPlan } from "@canopy-runtime/core";
import { parseArgs } from "node:util";
import type { Command } from "../../command.ts";
import { exitCodes } from "../../exit-codes.ts";
import { complain, paint, print, visible } from "../../terminal.ts";
import type { Terminal } from "../../terminal.ts";
import { logPath, reading } from "./log-path.ts";

export const repair: Command = {
  name: "repair",
  summary: "what it takes to bring a log into order, and with --yes does it",
  help: `canopy audit repair: brings a log into order that Canopy refuses to write

Usage: canopy audit repair [LOG] [--yes] [--json]

  LOG      the log; the one that CANOPY_AUDIT_LOG_PATH names, else audit.log, where it is left out
  --yes    does what is told; without it nothing is changed
  --json   one line of JSON instead of text

An unfinished last line and a missing head file are what a crash leaves; they are set right and recorded. A log that was changed, cut or replaced
is evidence: it is moved aside as it is, and a new log begins that names it. Nothing is ever deleted, and nothing is changed to look sound.
CANOPY_AUDIT_KEY_PATH names the key of a log that has one.

Exit codes: 0 in order, or done; 1 there is something to do; 2 bad usage, or a log that cannot be read or repaired.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { yes: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    const keyPath = terminal.env["CANOPY_AUDIT_KEY_PATH"];
    const options = { path: logPath(positionals, terminal), ...(keyPath === undefined ? {} : { keyPath }) };
    const plan = await reading(async () => await planAuditRepair(options));
    const isDone = plan.kind !== "nothing" && values.yes;
    if (isDone) {
      try {
        await repairAuditLog(options, plan);
      } catch (error) {
        if (!(error instanceof CanopyError)) throw error;
        complain(terminal, `canopy: ${error.message}`);
        return exitCodes.usage;
      }
    }
    await print(terminal, values.json ? `${JSON.stringify({ ...plan, done: isDone })}\n` : describe(plan, isDone, terminal));
    return plan.kind === "nothing" || isDone ? exitCodes.ok : exitCodes.finding;
  },
};

function describe(plan: RepairPlan, isDone: boolean, terminal: Terminal): string {
  if (plan.kind === "nothing") return `${paint(terminal, "green", "in order")}: there is nothing to repair\n`;
  const { verdict } = plan;
  const why = "why" in verdict ? `: ${verdict.why}` : "";
  const heading = isDone ? "This was done:" : "This would be done:";
  const steps = plan.steps.map((step, index) => `  ${index + 1}. ${step}\n`).join("");
  const more = isDone ? "" : "Nothing was changed. --yes does it.\n";
  return `${paint(terminal, ["bold", "yellow"], verdict.kind.replace("_", " "))}${visible(why)}\n${heading}\n${visible(steps).replaceAll(String.raw`\n`, "\n")}${more}`;
}
