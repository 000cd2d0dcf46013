import { expect, test } from "vitest";

import { evaluate } from "./evaluate.ts";
import { explain } from "./explain.ts";
import { policyOf } from "./fakes.test.kit.ts";
import { loadPolicy } from "./load.ts";

const read = async (name: string): Promise<{ name: string; text: string }> =>
  await Promise.resolve({ name, text: "x: { rules: [{ id: base, deny: true }] }" });

test("lists the rules about an action, and what kept each out or let it apply, on what values", async () => {
  const policy = await policyOf(`
x:
  rules:
    - { id: yes, allow: true, when_all: ['payload.amount < 100'] }
    - { id: no, deny: true, when_any: ['payload.amount > 100', 'agent_ctx.env == "production"'] }
    - { id: perhaps, require_approval: true, when_all: ['payload.limit > payload.amount'] }
y:
  rules: [{ id: other, deny: true }]`);
  const explanation = explain(policy, { actionType: "x", agentCtx: { env: "dev" }, payload: { amount: 5 } });
  expect(explanation.decision).toBe("REQUIRE_APPROVAL");
  expect(explanation.considered.map(({ rule, outcome }) => [rule.id, outcome])).toEqual([
    ["yes", "applies"],
    ["no", "kept_out"],
    ["perhaps", "may_apply"],
  ]);
  const conditions = explanation.considered.map((item) => (item.conditions.kind === "all" ? item.conditions.parts[0] : undefined));
  expect(conditions[1]).toEqual({
    kind: "any",
    parts: [
      { kind: "condition", text: "payload.amount > 100", answer: "false", values: { "payload.amount": "5" } },
      { kind: "condition", text: 'agent_ctx.env == "production"', answer: "false", values: { "agent_ctx.env": '"dev"' } },
    ],
  });
  expect(conditions[2]).toEqual({
    kind: "all",
    parts: [
      {
        kind: "condition",
        text: "payload.limit > payload.amount",
        answer: "invalid",
        why: "`payload.limit` is missing",
        values: { "payload.limit": "(unknown: `payload.limit` is missing)", "payload.amount": "5" },
      },
    ],
  });
});

test("shows what facts found, open lists as open", async () => {
  const policy = await policyOf(
    `execute_shell: { rules: [{ deny: true, when_all: ['shell(payload.command).programs.exists(p, p == "rm")'] }] }`,
  );
  const { considered } = explain(policy, { actionType: "execute_shell", agentCtx: {}, payload: { command: "$(x); ls" } });
  expect(JSON.stringify(considered)).toContain(
    JSON.stringify({ "shell(payload.command).programs": '["ls"] and perhaps more (a command is not known)' }).slice(1, -1),
  );
});

test("names the rules that exceptions lift", async () => {
  const policy = await loadPolicy({ name: "root", text: "extends: base.yaml\nexcept: { base: ['payload.ok'] }" }, { read });
  const request = { actionType: "x", agentCtx: {}, payload: { ok: true } };
  expect(explain(policy, request).considered[0]?.outcome).toBe("lifted");
  const { reason, exceptions, decision, byDefault } = evaluate(policy, request);
  expect(decision).toBe("REQUIRE_APPROVAL");
  expect(byDefault).toBe(true);
  expect(exceptions.map(({ id }) => id)).toEqual(["base"]);
  expect(reason).toContain("rule `base` is lifted here by an exception");
});
