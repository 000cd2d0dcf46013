import type { PolicyTestReport, PolicyTestResult } from "@canopy-runtime/core/policy";
import { ruleLines } from "../rule-lines.ts";
import { paint, visible } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";
import { gaps, passed, percent, tooLittle } from "./reporter.ts";
import type { Told } from "./reporter.ts";

/** For people: each test with a mark, and below one that failed what was expected, what came and why. */
export function spec({ run, coverage }: Told, terminal: Pick<Terminal, "interactive">): string {
  const parts = run.reports.flatMap((report) => {
    const lines = [
      paint(terminal, "bold", visible(report.policy)),
      ...report.results.map((result) => resultLines(result, report, terminal)),
    ];
    if (report.results.length === 0) lines.push("  no test");
    if (coverage !== null) lines.push(...coverageLines(report, coverage.least, terminal));
    return [...lines, ""];
  });
  const good = run.reports.reduce((sum, report) => sum + passed(report), 0);
  const bad = run.reports.reduce((sum, report) => sum + report.results.length, 0) - good;
  const broken = run.problems.length === 0 ? "" : `, ${run.problems.length} could not be tested`;
  parts.push(paint(terminal, bad === 0 && broken === "" ? ["bold", "green"] : ["bold", "red"], `${good} passed, ${bad} failed${broken}`));
  return `${parts.join("\n")}\n`;
}

function resultLines(result: PolicyTestResult, report: PolicyTestReport, terminal: Pick<Terminal, "interactive">): string {
  if (result.failures.length === 0) return `  ${paint(terminal, "green", "✓")} ${visible(result.name)}`;
  const place = paint(terminal, "dim", `${visible(result.file)}:${result.line}:${result.column}`);
  const rows = result.failures.map(({ what, expected, got }) => [what, `expected ${expected}, got ${got}`] as const);
  const lines = [
    `  ${paint(terminal, "red", "✗")} ${visible(result.name)}  ${place}`,
    ...rows.map((row) => cells(...row)),
    ...whyLines(result),
  ];
  const shown = keptOut(result, report).map((each) => ruleLines(each, 6, terminal).trimEnd());
  return [...lines, ...shown].join("\n");
}

function whyLines({ explanation, failures, kind }: PolicyTestResult): readonly string[] {
  // An example is about its rule, whatever the policy answers.
  if (explanation === null || kind === "example") return [];
  const { rules, unknowns, reason } = explanation;
  const decided = rules.map(({ id, decision, file, line }) => `${decision} ${id} (${file}:${line})`);
  return [
    cells("decided", decided.length === 0 ? "no rule" : decided.join(", ")),
    ...unknowns.map(({ kind: doubt, why, rule }) => cells("unknown", `${doubt}: ${why}${rule === null ? "" : ` (rule ${rule.id})`}`)),
    ...(failures.some(({ what }) => what === "reason") ? [] : [cells("reason", reason)]),
  ];
}

const mostRules = 3;

/** The rules that should have decided: those that the test names, else those of this policy that would have said what was expected. */
function keptOut(
  { explanation, failures }: PolicyTestResult,
  { policy }: PolicyTestReport,
): NonNullable<PolicyTestResult["explanation"]>["considered"] {
  if (explanation === null) return [];
  const missing = failures.flatMap((failure) => failure.missing);
  const wanted = failures.find(({ what }) => what === "decision")?.expected;
  return explanation.considered
    .filter(({ rule }) => (missing.length > 0 ? missing.includes(rule.id) : rule.file === policy && rule.decision === wanted))
    .slice(0, mostRules);
}

function cells(name: string, text: string): string {
  return `      ${name.padEnd(9)} ${visible(text)}`;
}

function coverageLines({ coverage }: PolicyTestReport, least: number | null, terminal: Pick<Terminal, "interactive">): readonly string[] {
  const short = tooLittle(coverage, least);
  const wanted = short ? `, wanted ${least} %` : "";
  const open = gaps(coverage);
  return [
    paint(
      terminal,
      short ? "red" : open.length === 0 ? "green" : "yellow",
      `  coverage ${percent(coverage)} % (${coverage.covered} of ${coverage.total})${wanted}`,
    ),
    ...open.map((gap) => `    ${visible(gap)}`),
  ];
}
