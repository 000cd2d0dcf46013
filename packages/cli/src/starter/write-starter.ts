import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { CanopyError } from "@canopy-runtime/core";
import { readPolicyTests, testPolicy } from "@canopy-runtime/core/policy";
import { UsageError } from "../usage-error.ts";
import type { Choices } from "./choices.ts";
import { policyText } from "./policy-text.ts";
import { testsText } from "./tests-text.ts";

export interface Starter {
  readonly policy: string;
  readonly tests: string;
}

/**
 * Writes the policy that the choices make, and its tests, into the folder; answers the paths of both. Nothing is overwritten, and nothing is written that
 * does not pass its tests, as where a directory was chosen that is protected whatever a policy says. Throws a `UsageError` then.
 */
export async function writeStarter(folder: string, choices: Choices): Promise<Starter> {
  const starter = { policy: join(folder, "canopy.policy.yaml"), tests: join(folder, "canopy.policy.test.yaml") };
  const taken = [starter.policy, starter.tests].find((path) => existsSync(path));
  if (taken !== undefined) throw new UsageError(`\`${taken}\` exists already, and nothing was written`);
  const policy = policyText(choices, schemaFrom(folder));
  const tests = testsText(choices);
  await tryOut(policy, tests);
  await create(starter.policy, policy);
  try {
    await create(starter.tests, tests);
  } catch (error) {
    await rm(starter.policy, { force: true });
    throw error;
  }
  return starter;
}

async function tryOut(policy: string, tests: string): Promise<void> {
  try {
    const { results } = await testPolicy({ name: "canopy.policy.yaml", text: policy }, [
      await readPolicyTests({ name: "canopy.policy.test.yaml", text: tests }),
    ]);
    const failed = results.find(({ failures }) => failures.length > 0);
    const [failure] = failed?.failures ?? [];
    if (failed === undefined || failure === undefined) return;
    throw new UsageError(
      `these choices do not go together, and nothing was written: ${failed.name}: expected ${failure.expected}, got ${failure.got}; a directory or host may be one that is protected in any case`,
    );
  } catch (error) {
    if (error instanceof CanopyError) throw new UsageError(`no policy can be made of these choices: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Where an editor that looks at the folder finds the format: the package as it is installed in it or above, else as it would be. */
function schemaFrom(folder: string): string {
  const inPackage = join("node_modules", "@canopy-runtime", "core", "policy.schema.json");
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(join(at, inPackage))) {
      const path = relative(resolve(folder), join(at, inPackage)).replaceAll("\\", "/");
      return path.startsWith(".") ? path : `./${path}`;
    }
    if (dirname(at) === at) return `./${inPackage.replaceAll("\\", "/")}`;
  }
}

async function create(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: "wx" });
  } catch (error) {
    if (!existsSync(dirname(path)))
      throw new UsageError(`cannot write \`${path}\`: its folder does not exist, make it first`, { cause: error });
    throw new UsageError(`cannot write \`${path}\`: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
