import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// The engine reads no files, so the bundled policy travels in it as text, and its format as a JSON Schema beside it. Run after changing
// packages/core/policies/default.yaml, packages/core/src/policy/format.ts or packages/core/src/policy/testing/format.ts; tests say when that was forgotten.
const core = new URL("../packages/core/", import.meta.url);
const { policySchema } = (await import(new URL("src/policy/json-schema.ts", core).href)) as { readonly policySchema: () => unknown };
const { policyTestSchema } = (await import(new URL("src/policy/testing/json-schema.ts", core).href)) as {
  readonly policyTestSchema: () => unknown;
};

const text = readFileSync(new URL("policies/default.yaml", core), "utf8");
const lines = text.trimEnd().split("\n");
const module = `// Made by scripts/embed-default-policy.ts from policies/default.yaml; edit that.

/** The text of \`canopy:default\`. */
export const defaultPolicyText: string = [
${lines.map((line) => `  ${JSON.stringify(line)},`).join("\n")}
  "",
].join("\\n");
`;
writeFileSync(fileURLToPath(new URL("src/policy/default-policy.gen.ts", core)), module);
writeFileSync(fileURLToPath(new URL("policy.schema.json", core)), `${JSON.stringify(policySchema(), null, 2)}\n`);
writeFileSync(fileURLToPath(new URL("policy-test.schema.json", core)), `${JSON.stringify(policyTestSchema(), null, 2)}\n`);
