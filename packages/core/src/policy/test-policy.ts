import type { LoadOptions } from "./load.ts";
import { rootSource } from "./root-source.ts";
import type { defaultPolicyName, PolicySource } from "./policy.ts";
import type { PolicyTests } from "./testing/read-tests.ts";
import type { PolicyTestReport } from "./testing/run-tests.ts";

/** Reads a file of policy tests, as strictly as a policy. Throws `PolicyError` with every problem in it. */
export async function readPolicyTests(source: PolicySource): Promise<PolicyTests> {
  const { parseTests } = await import("./testing/read-tests.ts");
  return await parseTests(source);
}

/**
 * Runs the examples of a policy's own rules and the tests of `files` against it. A test that fails is an answer; it throws `PolicyError` where the
 * policy does not load, or a test speaks of a rule that there is none of. Pure: paths are judged by their text and by what a test says of the disk.
 */
export async function testPolicy(
  root: PolicySource | typeof defaultPolicyName,
  files: readonly PolicyTests[],
  options: LoadOptions = {},
): Promise<PolicyTestReport> {
  const { runTests } = await import("./testing/run-tests.ts");
  return await runTests(await rootSource(root), files, options);
}
