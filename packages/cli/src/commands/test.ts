import { parseArgs } from "node:util";
import type { Command } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import { findPolicyFiles } from "../policy-files.ts";
import { json } from "../policy-tests/json.ts";
import { junit } from "../policy-tests/junit.ts";
import { passed, tooLittle } from "../policy-tests/reporter.ts";
import type { Reporter, Told } from "../policy-tests/reporter.ts";
import { runPolicyTests } from "../policy-tests/run.ts";
import { spec } from "../policy-tests/spec.ts";
import { tap } from "../policy-tests/tap.ts";
import { complain, print } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { ended, watchFolders } from "../watch.ts";

export const test: Command = {
  name: "test",
  summary: "whether policies answer as their tests say",
  help: `canopy test: whether policies answer as their tests say; nothing is recorded

Usage: canopy test [FILE|FOLDER…] [--coverage] [--min-coverage PERCENT] [--reporter NAME] [--watch] [--json]

  FILE                   a policy, with its examples and the tests in NAME.test.yaml beside NAME.yaml; a file of tests, NAME.test.yaml, with the
                         policy that it is beside or names; or canopy:default
  FOLDER                 every policy and file of tests in it and below; this folder where nothing is named
  --coverage             also what tests have not shown: of each rule that its conditions are true, and false; of each condition of a when_any or
                         when_not that it is true; of each exception that it lifts its rule, and leaves it in force
  --min-coverage PERCENT fail where a policy has less than that; goes with coverage
  --reporter NAME        spec (for people, the default), tap, junit or json
  --json                 the same as --reporter json
  --watch                run again when a file changes, until standard input ends

Paths are judged by their text, and by what a test says of the disk. The format:
https://github.com/canopy-runtime/canopy/blob/main/docs/policy-tests.md

Exit codes: 0 all passed, 1 a test failed or coverage is too low, 2 bad usage, no test found, or a file that cannot be understood.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        coverage: { type: "boolean", default: false },
        "min-coverage": { type: "string" },
        reporter: { type: "string" },
        json: { type: "boolean", default: false },
        watch: { type: "boolean", default: false },
      },
      allowPositionals: true,
    });
    const name = values.json ? "json" : (values.reporter ?? "spec");
    const reporter = Object.hasOwn(reporters, name) ? reporters[name] : undefined;
    if (reporter === undefined)
      throw new UsageError(`unknown reporter \`${name}\`, the reporters are ${Object.keys(reporters).join(", ")}`);
    if (values.json && values.reporter !== undefined && values.reporter !== "json")
      throw new UsageError("--json and --reporter name two reporters");
    const least = values["min-coverage"] === undefined ? null : readPercent(values["min-coverage"]);
    const coverage = values.coverage || least !== null ? { least } : null;
    const names = positionals.length === 0 ? ["."] : positionals;
    return values.watch ? await again(names, coverage, reporter, terminal) : await once(names, coverage, reporter, terminal);
  },
};

const reporters: Readonly<Record<string, Reporter>> = { spec, tap, junit, json };

function readPercent(text: string): number {
  const percent = /^\d{1,3}(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (percent >= 0 && percent <= 100) return percent;
  throw new UsageError(`--min-coverage takes a number from 0 to 100, not \`${text}\``);
}

async function once(
  names: readonly string[],
  coverage: Told["coverage"],
  reporter: Reporter,
  terminal: Terminal,
  seen?: (folders: readonly string[]) => void,
): Promise<ExitCode> {
  const files = await findPolicyFiles(names);
  seen?.(files.folders);
  const run = await runPolicyTests(files);
  seen?.(run.folders);
  for (const problem of run.problems) complain(terminal, problem);
  const tests = run.reports.reduce((sum, { results }) => sum + results.length, 0);
  if (tests === 0 && run.problems.length === 0)
    throw new UsageError(`no test found in ${names.map((name) => `\`${name}\``).join(", ")}; canopy init writes a policy with tests`);
  await print(terminal, reporter({ run, coverage }, terminal));
  if (run.problems.length > 0) return exitCodes.usage;
  const failed = run.reports.some((report) => passed(report) < report.results.length);
  const short = coverage !== null && run.reports.some((report) => tooLittle(report.coverage, coverage.least));
  return failed || short ? exitCodes.finding : exitCodes.ok;
}

/** The code of the last run is the answer. */
async function again(names: readonly string[], coverage: Told["coverage"], reporter: Reporter, terminal: Terminal): Promise<ExitCode> {
  const watch = watchFolders([]);
  let over = false;
  const end = ended(terminal.stdin).then(() => (over = true));
  try {
    let code = await once(names, coverage, reporter, terminal, watch.add);
    for (;;) {
      await Promise.race([watch.changed(), end]);
      if (over) return code;
      try {
        code = await once(names, coverage, reporter, terminal, watch.add);
      } catch (error) {
        // Half of a change was saved; the other half will be.
        if (!(error instanceof UsageError)) throw error;
        complain(terminal, `canopy: ${error.message}`);
        code = exitCodes.usage;
      }
    }
  } finally {
    watch.close();
  }
}
