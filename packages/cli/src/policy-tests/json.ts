import { passed, percent, tooLittle } from "./reporter.ts";
import type { Told } from "./reporter.ts";

/** All of a run in one line of JSON. */
export function json({ run, coverage }: Told): string {
  const policies = run.reports.map((report) => ({
    policy: report.policy,
    passed: passed(report),
    failed: report.results.length - passed(report),
    tests: report.results.map(({ name, kind, file, line, column, failures, explanation }) => ({
      name,
      kind,
      file,
      line,
      column,
      passed: failures.length === 0,
      failures: failures.map(({ what, expected, got }) => ({ what, expected, got })),
      ...(explanation === null || kind === "example"
        ? {}
        : { decision: explanation.decision, rules: explanation.rules, reason: explanation.reason, unknowns: explanation.unknowns }),
    })),
    ...(coverage === null
      ? {}
      : {
          coverage: {
            percent: percent(report.coverage),
            covered: report.coverage.covered,
            total: report.coverage.total,
            enough: !tooLittle(report.coverage, coverage.least),
            subjects: report.coverage.subjects,
          },
        }),
  }));
  return `${JSON.stringify({ policies, problems: run.problems })}\n`;
}
