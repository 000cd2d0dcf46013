import { lintPolicy, readPolicyTests, testPolicy } from "@canopy-runtime/core/policy";
import { describe, expect, it } from "vitest";

import { defaultChoices, freedoms } from "./choices.ts";
import type { Choices } from "./choices.ts";
import { policyText } from "./policy-text.ts";
import { testsText } from "./tests-text.ts";

const schema = "./node_modules/@canopy-runtime/core/policy.schema.json";

const files = [
  ...freedoms.map((word) => ({ files: word, paths: [] })),
  { files: "careful", paths: ["/srv/app/work", '/data/it\'s "here"'] } as const,
];
const apis = [
  ...freedoms.map((word) => ({ apis: word, hosts: [] })),
  { apis: "careful", hosts: ["api.example.com", "*.cdn.example.com"] } as const,
];
const others = freedoms.flatMap((sql) => (["ask", "deny"] as const).map((payments) => ({ sql, payments })));

/** Every combination of what can be chosen; what nothing else has a part in, SQL and payments, only in turns unless all is asked for. */
function* everyChoice(all: boolean): Generator<Choices> {
  let turn = 0;
  for (const shell of freedoms)
    for (const ofFiles of files)
      for (const ofApis of apis)
        for (const production of [false, true]) {
          turn += 1;
          const some = all ? others : [others[turn % others.length] ?? { sql: "ask", payments: "ask" }];
          for (const other of some) yield { shell, ...ofFiles, ...ofApis, ...other, production };
        }
}

const isLong = process.env["CANOPY_TEST_LONG"] === "1";

describe("a starter policy", () => {
  it("loads, passes its tests and is clean under lint, whatever is chosen", { timeout: 300_000 }, async () => {
    let tried = 0;
    for (const choices of everyChoice(isLong)) {
      const policy = { name: "canopy.policy.yaml", text: policyText(choices, schema) };
      const tests = await readPolicyTests({ name: "canopy.policy.test.yaml", text: testsText(choices) });
      const { results } = await testPolicy(policy, [tests]);
      const failed = results.filter(({ failures }) => failures.length > 0).map(({ name, failures }) => [name, failures]);
      const { findings } = await lintPolicy(policy);
      expect({ choices, failed, findings: findings.map(({ id, message }) => [id, message]) }).toEqual({
        choices,
        failed: [],
        findings: [],
      });
      tried += 1;
    }
    expect(tried).toBe(isLong ? 576 : 96);
  });

  it("says the same for the same choices, in lines that fit", () => {
    for (const choices of everyChoice(true)) {
      const text = policyText(choices, schema) + testsText(choices);
      expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(160);
      expect(text).not.toMatch(/[ \t]$|undefined|\n\n\n/m);
    }
    expect(policyText(defaultChoices, schema).startsWith(`# yaml-language-server: $schema=${schema}\n`)).toBe(true);
  });
});
