import { CanopyError, readPolicyFile } from "@canopy-runtime/core";
import { lintPolicy } from "@canopy-runtime/core/policy";
import type { LintFinding, LintLevel, LintReport } from "@canopy-runtime/core/policy";
import { parseArgs } from "node:util";
import type { Command } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { bundledPolicy, findPolicyFiles } from "../policy-files.ts";
import { complain, paint, print, visible } from "../terminal.ts";
import type { Style, Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";

export const lint: Command = {
  name: "lint",
  summary: "mistakes in policies that load",
  help: `canopy lint: mistakes in policies that load

Usage: canopy lint [FILE|FOLDER…] [--strict] [--json]

  FILE       a policy, or canopy:default
  FOLDER     every policy in it and below; this folder where nothing is named
  --strict   fail for notes too
  --json     one line of JSON with all of it, and with what comments disable

Rules that can never apply or never matter, answers looser than they seem, text where a fact says it exactly, and more. What each
finding means and how it is better said: https://github.com/canopy-runtime/canopy/blob/main/docs/lint.md

A comment on the line before disables a check, with a reason:

  # canopy-lint-disable-next-line ID -- why it is right here

Exit codes: 0 nothing, or notes alone, 1 an error or a warning, 2 bad usage, no policy found, or a policy that does not load.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { strict: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    const names = positionals.length === 0 ? ["."] : positionals;
    const { policies, tests } = await findPolicyFiles(names);
    const misnamed = tests.find(({ named }) => named);
    if (misnamed !== undefined) throw new UsageError(`\`${misnamed.path}\` holds tests, lint looks at policies`);
    if (policies.length === 0)
      throw new UsageError(`no policy found in ${names.map((name) => `\`${name}\``).join(", ")}; canopy init writes one`);
    const reports: LintReport[] = [];
    const problems: string[] = [];
    for (const { path } of policies) {
      try {
        reports.push(await lintPolicy(path === bundledPolicy ? bundledPolicy : await readPolicyFile(path), { read: readPolicyFile }));
      } catch (error) {
        if (!(error instanceof CanopyError)) throw error;
        problems.push(error.message);
        complain(terminal, error.message);
      }
    }
    const findings = reports.flatMap((report) => report.findings);
    await print(terminal, values.json ? wire(reports, problems) : describe(findings, reports, problems, terminal));
    if (problems.length > 0) return exitCodes.usage;
    return findings.some(({ level }) => values.strict || level !== "note") ? exitCodes.finding : exitCodes.ok;
  },
};

function wire(reports: readonly LintReport[], problems: readonly string[]): string {
  return `${JSON.stringify({ policies: reports, problems })}\n`;
}

function describe(
  findings: readonly LintFinding[],
  reports: readonly LintReport[],
  problems: readonly string[],
  terminal: Pick<Terminal, "interactive">,
): string {
  const lines = findings.flatMap(({ file, line, column, level, id, rule, message, better }) => [
    `${visible(file)}:${line}:${column}: ${paint(terminal, styles[level], level)} ${paint(terminal, "bold", id)}${rule === null ? "" : ` in ${visible(rule)}`}: ${visible(message)}`,
    ...(better === null ? [] : [`    better: ${visible(better)}`]),
  ]);
  const count = (level: LintLevel): string => {
    const number = findings.filter((finding) => finding.level === level).length;
    return `${number} ${level}${number === 1 ? "" : "s"}`;
  };
  const broken = problems.length === 0 ? "" : `, ${problems.length} did not load`;
  const policies = `${reports.length} ${reports.length === 1 ? "policy" : "policies"}`;
  return [...lines, `${policies}: ${(["error", "warning", "note"] as const).map(count).join(", ")}${broken}`, ""].join("\n");
}

const styles: Readonly<Record<LintLevel, Style>> = { error: "red", warning: "yellow", note: "dim" };
