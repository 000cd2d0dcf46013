import type { LintReport } from "./lint/lint.ts";
import type { LoadOptions } from "./load.ts";
import type { defaultPolicyName, PolicySource } from "./policy.ts";
import { rootSource } from "./root-source.ts";

/**
 * Looks for mistakes in a policy that loads: rules that can never apply or never matter, answers looser than they seem, text where a fact says it exactly.
 * It looks at the rules, exceptions and bindings of the root; what it extends counts as what these stand beside. Of a rule it says that
 * it never matters only where that is proven. Pure. Throws `PolicyError` where the policy does not load.
 */
export async function lintPolicy(root: PolicySource | typeof defaultPolicyName, options: LoadOptions = {}): Promise<LintReport> {
  const { lintSource } = await import("./lint/lint.ts");
  return await lintSource(await rootSource(root), options);
}
