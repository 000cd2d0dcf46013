import { expect, it } from "vitest";

import { loadPolicy } from "../policy/load.ts";
import { judgeRequest } from "../runtime/judgement.ts";
import type { JudgedRequest } from "../runtime/judgement.ts";
import { keepJudgements } from "./kept-judgements.ts";

function refund(amount: number, note = ""): JudgedRequest {
  return { agentCtx: {}, ownFiles: [], actions: [{ actionType: "refund", payload: { amount, note }, open: [], disk: null }] };
}

it("what is remembered is what was answered, by each policy for itself, also when more was asked than is kept", async () => {
  const texts = ["allow: true", "deny: true"].map(
    (decision) => `version: 1\nrules: [{ id: r, action_type: refund, ${decision}, when_all: ["payload.amount < 9000"] }]`,
  );
  const [one, other] = await Promise.all(texts.map(async (text) => await loadPolicy({ name: "p", text })));
  if (one === undefined || other === undefined) throw new Error("there are two");
  const judge = keepJudgements();
  const wrong: unknown[] = [];
  for (const round of [1, 2]) {
    for (let amount = 0; amount < 12_000; amount += 1) {
      const request = refund(amount);
      for (const policy of [one, other]) {
        const kept = judge(policy, request);
        if (kept.decision !== judgeRequest(policy, request).decision) wrong.push([round, amount, kept]);
      }
    }
  }
  expect(wrong).toEqual([]);
  const long = refund(1, "x".repeat(100_000));
  expect(judge(one, long)).toEqual(judge(one, long));
  // What is that long is not kept.
  expect(judge(one, long)).not.toBe(judge(one, long));
  expect(judge(one, refund(5))).toBe(judge(one, refund(5)));
});
