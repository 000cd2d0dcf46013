import { CanopyError, replayAuditLog } from "@canopy-runtime/core";
import type { Apart, ChangeGroup, Decision, ReplayReport } from "@canopy-runtime/core";
import { parseArgs } from "node:util";
import type { Command } from "../command.ts";
import { shorten } from "../entry-row.ts";
import { filterHelp, filterOptions, readFilter } from "../entry-filter.ts";
import { exitCodes } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import { progressBar } from "../progress-bar.ts";
import { complain, paint, print, visible } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { logFile, logPath, readCount, reading } from "./audit/log-path.ts";

export const replay: Command = {
  name: "replay",
  summary: "what another policy would have answered to what is in a log",
  help: `canopy replay: judges the decisions of an audit log again, by what is on record alone; nothing is recorded and nothing is used up

Usage: canopy replay [LOG] [--policy FILE] [--fail-on WORD,…] [OPTION…]

  LOG                the log, or its folder; the one that CANOPY_AUDIT_LOG_PATH names, else audit.log, where it is left out
  --policy FILE      what this policy would have answered, a file or canopy:default. Without it every decision is judged again under the
                     policy that made it, whose text is in the log; any difference is a defect
  --fail-on WORD,…   newly-allowed, newly-denied, newly-asking, or any: exit code 1 where there is such a change; goes with --policy
${filterHelp}  --samples COUNT    how many decisions of each group are named; 3 where it is left out
  --json             one line of JSON instead of text

The disk of today is never looked at: what it said of paths then is in the log. A decision of which something is redacted is judged as long as
nothing asks for that, and set apart otherwise. The log is not verified: canopy verify does.

Exit codes: 0 done; 1 an answer could not be reproduced, or --fail-on has found what it names; 2 bad usage, a policy that does not load, a log that
cannot be read or has lines that are no entries, or nothing that --fail-on could judge by.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        ...filterOptions,
        policy: { type: "string" },
        "fail-on": { type: "string", multiple: true, default: [] },
        samples: { type: "string", default: "3" },
        json: { type: "boolean", default: false },
      },
      allowPositionals: true,
    });
    const { policy } = values;
    if (policy === "") throw new UsageError("the name of the policy file is empty, name one or leave it out");
    const failOn = readFailOn(values["fail-on"]);
    if (failOn.size > 0 && policy === undefined) throw new UsageError("--fail-on goes with --policy: without it every difference fails");
    const path = logFile(logPath(positionals, terminal));
    const samples = readCount("--samples", values.samples);
    const filter = readFilter(values);
    const bar = values.json ? null : progressBar(terminal);
    const options = { filter, samples, ...(policy === undefined ? {} : { policy }), ...(bar === null ? {} : { onProgress: bar.update }) };
    const report = await told(async () => await replayAuditLog(path, options), terminal).finally(() => bar?.clear());
    if (report === null) return exitCodes.usage;
    const sums = sumsOf(report);
    await print(terminal, values.json ? `${JSON.stringify(wire(path, report, sums))}\n` : describe(path, report, sums, terminal));
    return codeOf(report, sums, failOn, terminal);
  },
};

const changeKinds = ["newly-allowed", "newly-denied", "newly-asking"] as const;
type ChangeKind = (typeof changeKinds)[number];
type Sums = Readonly<Record<ChangeKind, number>>;

function readFailOn(texts: readonly string[]): ReadonlySet<ChangeKind> {
  const wanted = new Set<ChangeKind>();
  for (const word of texts.flatMap((text) => text.split(","))) {
    const kind = changeKinds.find((each) => each === word);
    if (kind === undefined && word !== "any") throw new UsageError(`--fail-on is \`${word}\`, not one of ${changeKinds.join(", ")}, any`);
    for (const each of kind === undefined ? changeKinds : [kind]) wanted.add(each);
  }
  return wanted;
}

/** Null where the policy does not load; every problem of it was told. */
async function told(work: () => Promise<ReplayReport>, terminal: Terminal): Promise<ReplayReport | null> {
  try {
    return await reading(work);
  } catch (error) {
    if (!(error instanceof CanopyError)) throw error;
    if (error.code === "INVALID_OPTIONS") throw new UsageError(error.message, { cause: error });
    if (error.code !== "POLICY_INVALID") throw error;
    complain(terminal, `canopy: the policy does not load\n${error.message}`);
    return null;
  }
}

function sumsOf({ changes }: ReplayReport): Sums {
  const sum = (to: Decision): number => changes.filter((group) => group.to === to).reduce((all, { count }) => all + count, 0);
  return { "newly-allowed": sum("ALLOW"), "newly-denied": sum("DENY"), "newly-asking": sum("REQUIRE_APPROVAL") };
}

function codeOf(report: ReplayReport, sums: Sums, failOn: ReadonlySet<ChangeKind>, terminal: Terminal): ExitCode {
  const { kind, changes, strangeLines, firstStrange, apart, judged } = report;
  if (strangeLines > 0) {
    const lines = strangeLines === 1 ? "line is no entry" : "lines are no entries";
    complain(terminal, `canopy: ${strangeLines} ${lines}, at ${firstStrange.join(", ")}; canopy verify says more`);
  }
  if (apart.malformed > 0)
    complain(terminal, `canopy: ${apart.malformed} of the decisions are not written as Canopy writes them; canopy verify says more`);
  const finding = kind === "reproduce" ? changes.length > 0 : [...failOn].some((each) => sums[each] > 0);
  if (finding) return exitCodes.finding;
  if (strangeLines > 0 || apart.malformed > 0) return exitCodes.usage;
  if (failOn.size > 0 && judged === 0) {
    complain(terminal, "canopy: not one decision could be judged, so that nothing can be said for --fail-on");
    return exitCodes.usage;
  }
  return exitCodes.ok;
}

function wire(path: string, report: ReplayReport, sums: Sums): object {
  const { kind, policyDigest, decisions, judged, same, judgedRedacted, judgedOtherEngine, apart, changes, strangeLines, firstStrange } =
    report;
  return {
    file: path,
    kind,
    policy_digest: policyDigest,
    decisions,
    judged,
    same,
    ...(kind === "reproduce"
      ? {}
      : { newly_allowed: sums["newly-allowed"], newly_denied: sums["newly-denied"], newly_asking: sums["newly-asking"] }),
    [kind === "reproduce" ? "defects" : "changes"]: changes.map(({ actionTypes, recordedRules, isRest, ...group }) => ({
      ...group,
      action_types: actionTypes,
      recorded_rules: recordedRules,
      ...(isRest === undefined ? {} : { is_rest: isRest }),
    })),
    judged_redacted: judgedRedacted,
    judged_other_engine: judgedOtherEngine,
    apart,
    strange_lines: strangeLines,
    first_strange: firstStrange,
  };
}

function describe(path: string, report: ReplayReport, sums: Sums, terminal: Terminal): string {
  const { kind, decisions, judged, same, changes } = report;
  const file = visible(path);
  const counted = `${number(decisions)} ${decisions === 1 ? "decision" : "decisions"}, ${number(judged)} judged again, ${number(same)} answered as on record`;
  const title = kind === "reproduce" ? reproduced(report, terminal) : changed(report, terminal);
  const groups =
    kind === "reproduce"
      ? section("defects: the same engine and policy answer otherwise than is on record", changes, "red", terminal)
      : [
          section(
            `newly allowed: ${number(sums["newly-allowed"])}`,
            changes.filter(({ to }) => to === "ALLOW"),
            "green",
            terminal,
          ),
          section(
            `newly denied: ${number(sums["newly-denied"])}`,
            changes.filter(({ to }) => to === "DENY"),
            "red",
            terminal,
          ),
          section(
            `newly asking: ${number(sums["newly-asking"])}`,
            changes.filter(({ to }) => to === "REQUIRE_APPROVAL"),
            "yellow",
            terminal,
          ),
        ].join("");
  return `${title} ${file}: ${counted}\n${apartLines(report)}${groups}`;
}

function reproduced({ changes, judged, decisions }: ReplayReport, terminal: Terminal): string {
  if (changes.length > 0) return paint(terminal, ["bold", "red"], "not reproduced");
  return judged === 0 && decisions > 0
    ? paint(terminal, ["bold", "yellow"], "nothing to reproduce")
    : paint(terminal, ["bold", "green"], "reproduced");
}

function changed({ changes, judged, decisions }: ReplayReport, terminal: Terminal): string {
  if (judged === 0 && decisions > 0) return paint(terminal, ["bold", "yellow"], "nothing to compare");
  return changes.length === 0
    ? paint(terminal, ["bold", "green"], "nothing changes")
    : paint(terminal, ["bold", "yellow"], "answers change");
}

const whyApart: Readonly<Record<Apart, string>> = {
  redacted: "rest on what is redacted",
  refused: "were refused unread, and what was asked is not on record",
  no_policy: "were answered while no policy was in force",
  other_engine: "were judged by another version of Canopy",
  policy_unknown: "were judged under a policy whose text is not on record",
  files_unknown: "rest on a list of Canopy's own files that is not on record",
  malformed: "are not written as Canopy writes them",
};

function apartLines({ apart, judgedRedacted, judgedOtherEngine }: ReplayReport): string {
  const lines = (Object.keys(whyApart) as Apart[])
    .filter((why) => apart[why] > 0)
    .map((why) => `  set apart: ${number(apart[why])} ${whyApart[why]}\n`);
  if (judgedRedacted > 0) lines.unshift(`  ${number(judgedRedacted)} of those judged are redacted in part, where nothing asked for it\n`);
  if (judgedOtherEngine > 0)
    lines.unshift(
      `  ${number(judgedOtherEngine)} of those judged were answered by another version of Canopy: what changes may be its doing\n`,
    );
  return lines.join("");
}

function section(title: string, groups: readonly ChangeGroup[], style: "red" | "green" | "yellow", terminal: Terminal): string {
  return groups.length === 0
    ? ""
    : `${paint(terminal, ["bold", style], title)}\n${groups.map((group) => groupLines(group, terminal)).join("")}`;
}

function groupLines({ from, to, actionTypes, recordedRules, rules, count, samples, isRest }: ChangeGroup, terminal: Terminal): string {
  const what = isRest === true ? "everything else" : visible(actionTypes.join(" + "));
  const heading = `  ${number(count).padStart(6)}  ${what}: ${from} by ${named(recordedRules)} → ${to} by ${named(rules)}\n`;
  const lines = samples.map(({ seq, ts, about, reason }) => {
    const time = visible(ts).replace("T", " ").slice(0, 19);
    const why = paint(terminal, "dim", `          ${shorten(visible(reason), 150)}`);
    return `          entry ${seq}  ${time}  ${shorten(visible(about), 80)}\n${why}\n`;
  });
  return heading + lines.join("");
}

function named(rules: readonly string[]): string {
  return rules.length === 0 ? "no rule" : visible(rules.join(", "));
}

function number(value: number): string {
  return value.toLocaleString("en");
}
