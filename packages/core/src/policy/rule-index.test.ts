import { expect, it } from "vitest";

import { policyOf } from "./fakes.test.kit.ts";

it("keeps what it found for a few of the names that only requests say, and no more: requests could say any number", async () => {
  const { index } = await policyOf("rules: [{ action_type: 'db_*', deny: true }]");
  const kept = Array.from({ length: 1000 }, (_, number) => `db_${number}`).filter((name) => index.about(name) === index.about(name));
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.length).toBeLessThan(500);
  expect(index.about("db_999").DENY).toMatchObject({ kind: "leaf", rules: [{ actionTypes: ["db_*"] }] });
});
