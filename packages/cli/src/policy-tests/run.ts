import { CanopyError, readPolicyFile } from "@canopy-runtime/core";
import type { PolicySource } from "@canopy-runtime/core";
import { readPolicyTests, testPolicy } from "@canopy-runtime/core/policy";
import type { PolicyTestReport, PolicyTests } from "@canopy-runtime/core/policy";
import { dirname } from "node:path";
import { bundledPolicy, policyBeside, sameFile, testsBeside } from "../policy-files.ts";
import type { PolicyFiles } from "../policy-files.ts";

/** What came of the tests of all policies that were asked about. */
export interface TestRun {
  readonly reports: readonly PolicyTestReport[];
  /** What kept files from being read or policies from being tested, each with its place. */
  readonly problems: readonly string[];
  /** The folders of every file that was read. */
  readonly folders: readonly string[];
}

/** Runs the tests of each policy together, once, whichever of its files was named. */
export async function runPolicyTests({ policies, tests }: PolicyFiles): Promise<TestRun> {
  const problems: string[] = [];
  const folders = new Set<string>();
  const read = async (path: string): Promise<PolicySource> => {
    folders.add(dirname(path));
    return await readPolicyFile(path);
  };
  async function attempt<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CanopyError)) throw error;
      problems.push(error.message);
      return null;
    }
  }

  const units: {
    readonly policy: string;
    readonly named: boolean;
    readonly files: { readonly path: string; readonly tests: PolicyTests | null }[];
  }[] = [];
  const unitOf = (policy: string, named: boolean): (typeof units)[number] => {
    const found = units.find((unit) => sameFile(unit.policy, policy));
    if (found !== undefined) return found;
    const unit = { policy, named, files: [] };
    units.push(unit);
    return unit;
  };
  const addTests = async (path: string): Promise<void> => {
    if (units.some(({ files }) => files.some((file) => sameFile(file.path, path)))) return;
    const parsed = await attempt(async () => await readPolicyTests(await read(path)));
    unitOf(parsed?.policy ?? (await policyBeside(path)), false).files.push({ path, tests: parsed });
  };
  for (const { path, named } of policies) {
    unitOf(path, named);
    const beside = await testsBeside(path);
    if (beside !== null) await addTests(beside);
  }
  for (const { path } of tests) await addTests(path);

  const reports: PolicyTestReport[] = [];
  for (const { policy, named, files } of units) {
    const report = await attempt(
      async () =>
        await testPolicy(
          policy === bundledPolicy ? bundledPolicy : await read(policy),
          files.flatMap((file) => file.tests ?? []),
          { read },
        ),
    );
    if (report === null) continue;
    reports.push(report);
    if (named && report.results.length === 0) problems.push(`${policy}: no test found: neither examples nor a file of tests beside it`);
  }
  return { reports, problems, folders: [...folders] };
}
