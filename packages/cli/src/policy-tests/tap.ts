import { visible } from "../terminal.ts";
import { gaps, percent, tooLittle } from "./reporter.ts";
import type { Told } from "./reporter.ts";

/** TAP version 14. What could not be tested, and coverage below what was asked for, are test points that are not ok. */
export function tap({ run, coverage }: Told): string {
  const points: string[] = [];
  let count = 0;
  const add = (ok: boolean, name: string, rows: readonly (readonly [string, unknown])[]): void => {
    const detail = ok || rows.length === 0 ? [] : ["  ---", ...rows.map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`), "  ..."];
    count += 1;
    points.push([`${ok ? "ok" : "not ok"} ${count} - ${escaped(name)}`, ...detail].join("\n"));
  };
  for (const { policy, results, coverage: seen } of run.reports) {
    for (const { name, kind, file, line, column, failures, explanation } of results) {
      add(failures.length === 0, `${policy}: ${name}`, [
        ["at", `${file}:${line}:${column}`],
        ["failures", failures.map(({ what, expected, got }) => `${what}: expected ${expected}, got ${got}`)],
        ...(kind === "example" ? [] : [["decided", explanation?.rules.map(({ id }) => id).join(", ") ?? ""] as const]),
      ]);
    }
    if (coverage === null) continue;
    if (coverage.least !== null)
      add(!tooLittle(seen, coverage.least), `${policy}: coverage is at least ${coverage.least} %`, [["coverage", `${percent(seen)} %`]]);
    points.push([`# ${escaped(policy)}: coverage ${percent(seen)} %`, ...gaps(seen).map((gap) => `# ${visible(gap)}`)].join("\n"));
  }
  for (const problem of run.problems) add(false, problem.split("\n")[0] ?? "", [["problem", problem]]);
  return ["TAP version 14", `1..${count}`, ...points, ""].join("\n");
}

/** A `#` would begin a directive such as TODO, with which a failed test passes. */
function escaped(text: string): string {
  return visible(text).replaceAll(/[\\#]/g, String.raw`\$&`);
}
