import { reportAuditLog } from "@canopy-runtime/core";
import type { LogReport, Tally } from "@canopy-runtime/core";
import { parseArgs } from "node:util";
import { columns } from "../columns.ts";
import type { Command } from "../command.ts";
import { filterHelp, filterOptions, readFilter } from "../entry-filter.ts";
import { shorten } from "../entry-row.ts";
import { exitCodes } from "../exit-codes.ts";
import { complain, paint, print, visible } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";
import { understood } from "../usage-error.ts";
import { logFile, logPath, readCount, reading } from "./audit/log-path.ts";

export const report: Command = {
  name: "report",
  summary: "how often policy denied and asked, by rule, agent and tool",
  help: `canopy report: what policy answered over a stretch of a log, by rule, by agent and by tool. Where the runtime only observed, that is what it
would have answered

Usage: canopy report [LOG] [OPTION…]

  LOG                the log, or its folder; the one that CANOPY_AUDIT_LOG_PATH names, else audit.log, where it is left out
${filterHelp}  --samples COUNT    how many denials and askings of each are named; 1 where it is left out, 3 with --json
  --json             one line of JSON with all of it

A decision of several rules counts for each of them. The log is not verified: canopy verify does.

Exit codes: 0 done, also when nothing was found; 2 bad usage, or a log that cannot be read.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...filterOptions, samples: { type: "string" }, json: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    const path = logFile(logPath(positionals, terminal));
    const samples = values.samples === undefined ? (values.json ? 3 : 1) : readCount("--samples", values.samples);
    const filter = readFilter(values);
    const found = await understood(async () => await reading(async () => await reportAuditLog(path, { filter, samples })));
    await print(terminal, values.json ? `${JSON.stringify(wire(path, found))}\n` : describe(path, found, terminal));
    const { strangeLines, firstStrange, malformed } = found;
    if (strangeLines > 0) {
      const lines = strangeLines === 1 ? "line is no entry" : "lines are no entries";
      complain(terminal, `canopy: ${strangeLines} ${lines}, at ${firstStrange.join(", ")}; canopy verify says more`);
    }
    if (malformed > 0)
      complain(terminal, `canopy: ${malformed} of the decisions are not written as Canopy writes them; canopy verify says more`);
    return exitCodes.ok;
  },
};

function wire(path: string, found: LogReport): object {
  const { letThrough, rules, agents, tools, strangeLines, firstStrange, ...counts } = found;
  return {
    file: path,
    ...counts,
    let_through: letThrough,
    rules: rules.map(wireTally),
    agents: agents.map(wireTally),
    tools: tools.map(wireTally),
    strange_lines: strangeLines,
    first_strange: firstStrange,
  };
}

function wireTally({ letThrough, samples, isRest, ...tally }: Tally): object {
  return {
    ...tally,
    let_through: letThrough,
    samples: samples.map(({ actionTypes, ...sample }) => ({ ...sample, action_types: actionTypes })),
    ...(isRest === undefined ? {} : { is_rest: isRest }),
  };
}

function describe(path: string, found: LogReport, terminal: Terminal): string {
  const { decisions, denied, asked, allowed, letThrough, first, last, voided } = found;
  const span = first === null || last === null ? "" : `, from ${time(first)} to ${time(last)} UTC`;
  const title = `${paint(terminal, "bold", visible(path))}: ${count(decisions)} ${decisions === 1 ? "decision" : "decisions"}${span}\n`;
  const sums = `  ${count(denied)} denied, ${count(asked)} asked about, ${count(allowed)} allowed\n`;
  const observed =
    letThrough === 0 ? "" : `  ${count(letThrough)} of the denied and asked were let through, because the runtime only observed\n`;
  const marked = voided === 0 ? "" : `  ${count(voided)} entries are marked void: their callers were told DENY\n`;
  if (decisions === 0) return title;
  return [
    title,
    sums,
    observed,
    marked,
    table("by rule", found.rules, "(default)", terminal),
    table("by agent", found.agents, "(unknown)", terminal),
    table("by tool", found.tools, "(unknown)", terminal),
  ].join("");
}

const mostRows = 20;

function table(title: string, tallies: readonly Tally[], unnamed: string, terminal: Terminal): string {
  const observed = tallies.some(({ letThrough }) => letThrough > 0);
  const rows = tallies.slice(0, mostRows).map((tally): readonly (string | number)[] => {
    const [sample] = tally.samples;
    const name = tally.isRest === true ? "(all others)" : shorten(tally.label ?? tally.name ?? unnamed, 40);
    const example = sample === undefined ? "" : `entry ${sample.seq}: ${shorten(`${sample.actionTypes.join(" + ")} ${sample.about}`, 60)}`;
    return [name, tally.denied, tally.asked, tally.allowed, ...(observed ? [tally.letThrough] : []), time(tally.last), example];
  });
  const heading = [title, "denied", "asked", "allowed", ...(observed ? ["let through"] : []), "last", "such as"];
  const more = tallies.length - rows.length;
  const lines = columns([heading, ...rows]).split("\n");
  const [first = "", ...rest] = lines;
  return `${paint(terminal, "bold", first)}\n${rest.join("\n")}${more > 0 ? `  ${more} more, with --json\n` : ""}`;
}

function count(value: number): string {
  return value.toLocaleString("en");
}

function time(text: string): string {
  return visible(text).replace("T", " ").slice(0, 19);
}
