import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { defaultPolicyText } from "./default-policy.gen.ts";
import { decisionKeys, policyKeys, ruleKeys, sectionKeys } from "./format.ts";
import { policySchema } from "./json-schema.ts";
import { loadPolicy } from "./load.ts";
import { policyTestSchema } from "./testing/json-schema.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8").replaceAll("\r\n", "\n");

test("the bundled policy in the engine is policies/default.yaml (else run scripts/embed-default-policy.ts)", () => {
  expect(defaultPolicyText).toBe(read("../../policies/default.yaml"));
});

test("the bundled policy loads as a root, without a warning", async () => {
  const policy = await loadPolicy({ name: "canopy:default", text: defaultPolicyText });
  expect(policy.warnings).toEqual([]);
  expect(policy.default).toBe("REQUIRE_APPROVAL");
});

test("policy.schema.json is that of the format (else run scripts/embed-default-policy.ts)", () => {
  expect(JSON.parse(read("../../policy.schema.json"))).toEqual(policySchema());
});

test("policy-test.schema.json is that of policy tests (else run scripts/embed-default-policy.ts)", () => {
  expect(JSON.parse(read("../../policy-test.schema.json"))).toEqual(policyTestSchema());
});

test("the schema knows every key that the loader knows, and says what it is for", () => {
  const schema = policySchema() as { properties: Record<string, { description?: string }>; $defs: Record<string, { properties?: object }> };
  expect(Object.keys(schema.properties)).toEqual(Object.keys(policyKeys));
  expect(Object.keys(schema.$defs["rule"]?.properties ?? {})).toEqual(Object.keys(ruleKeys));
  expect(Object.keys(schema.$defs["section"]?.properties ?? {})).toEqual(Object.keys(sectionKeys));
  for (const keys of [policyKeys, ruleKeys, sectionKeys, decisionKeys]) {
    for (const { description } of Object.values(keys)) expect(description).toMatch(/\.$/);
  }
});
