import type { PolicySource } from "./policy.ts";
import { defaultPolicyName } from "./policy.ts";

/** A policy as it stands, the bundled one by its name, to be looked into and not to be put in force. */
export async function rootSource(root: PolicySource | typeof defaultPolicyName): Promise<PolicySource> {
  if (root !== defaultPolicyName) return root;
  const { defaultPolicyText } = await import("./default-policy.gen.ts");
  return { name: defaultPolicyName, text: defaultPolicyText };
}
