import fc from "fast-check";
import { expect, test } from "vitest";

import { evaluate } from "./evaluate.ts";
import { explain } from "./explain.ts";
import { fakes, policyOf } from "./fakes.test.kit.ts";
import { loadPolicy } from "./load.ts";
import type { Policy } from "./policy.ts";
import { PolicyError } from "./problems.ts";

/** The policy, or null where it does not load; anything else that goes wrong is a failure. */
async function loaded(text: string): Promise<Policy | null> {
  try {
    return await loadPolicy({ name: "policy.yaml", text }, { facts: fakes });
  } catch (error) {
    if (!(error instanceof PolicyError) || error.problems.length === 0) throw error;
    const good = error.problems.every(({ line, column, message }) => line > 0 && column > 0 && message !== "" && !message.includes("\n"));
    if (!good) throw new Error("a problem without a place or a message", { cause: error });
    return null;
  }
}

const valid = `
version: 1
default: DENY
extends: canopy:default
rules:
  - id: one
    action_type: [execute_shell, "db_*"]
    when_all:
      - 'agent_ctx.env == "production"'
      - { when_any: ['payload contains "rm"', 'has(payload.x)'] }
    deny_regex: 'rm\\s+-rf'
    reason: "no {action_type}"
    severity: high
execute_query:
  deny_if: ["drop", "mkfs"]
except:
  canopy/empty-command: ['agent_ctx.role == "x"']
actions:
  bash: { action_type: execute_shell, payload: { command: args.cmd }, ignore: [args.a] }
`;

test("whatever is cut from, put into or doubled in a policy, it loads or says what is wrong", async () => {
  const edit = fc.record({
    at: fc.nat(valid.length),
    cut: fc.nat(12),
    put: fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.constantFrom("\n", "  ", ":", "- ", "'", '"', "[", "}", "*x", "&x ", "!t ", "<<: ", "null", "---\n", "\u0000", "\t", "#"),
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
      let text = valid;
      for (const { at, cut, put } of edits) text = text.slice(0, at) + put + text.slice(at + cut);
      await loaded(text);
    }),
    { numRuns: 1500 },
  );
});

const leaf = fc.constantFrom(
  "payload",
  "payload.a",
  "payload.b.c",
  "payload.list",
  "agent_ctx.env",
  "agent_ctx.safe_paths",
  "action_type",
  "true",
  "null",
  "5",
  "2.5",
  "3u",
  '"x"',
  "[]",
  "[1, 2]",
  '["x"]',
  "x",
  "9223372036854775807",
  'shell("ls; $x")',
  'shell("$(y); ls").programs',
  'trouble("open").flag',
  'trouble("throw").flag',
);
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc
      .tuple(
        tie("expression"),
        fc.constantFrom("==", "!=", "<", ">=", "in", "&&", "||", "+", "-", "*", "/", "%", "contains"),
        tie("expression"),
      )
      .map(([a, o, b]) => `(${a} ${o} ${b})`),
    tie("expression").map((a) => `!${a}`),
    tie("expression").map((a) => `-${a}`),
    tie("expression").map((a) => `size(${a})`),
    fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => `${a}[${b}]`),
    fc.tuple(tie("expression"), tie("expression"), tie("expression")).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    fc
      .tuple(tie("expression"), fc.constantFrom("exists", "all", "exists_one", "filter", "map"), tie("expression"))
      .map(([a, m, b]) => `${a}.${m}(x, ${b})`),
    fc
      .tuple(tie("expression"), fc.constantFrom("contains", "startsWith", "matches"), tie("expression"))
      .map(([a, m, b]) => `${a}.${m}(${b})`),
  ),
}));

const value = fc.oneof(
  fc.constantFrom<unknown>(null, true, 5, 2.5, -1, 2 ** 53, "x", "", "ls", [], [1], ["x", "y"], [{ c: 1 }], { c: 1 }, {}),
  fc.jsonValue({ maxDepth: 2 }),
);

test("a condition of any shape is refused or answered, never given up on", async () => {
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(
      expression,
      fc.array(fc.dictionary(fc.constantFrom("a", "b", "list"), value), { minLength: 5, maxLength: 5 }),
      async (condition, payloads) => {
        const policy = await loaded(JSON.stringify({ default: "ALLOW", rules: [{ action_type: "y", deny: true, when_all: [condition] }] }));
        if (policy === null) return;
        for (const payload of payloads) {
          const request = { actionType: "y", agentCtx: { env: "dev", safe_paths: ["x"] }, payload: JSON.parse(JSON.stringify(payload)) };
          const { decision, reason } = evaluate(policy, request);
          expect(reason).not.toContain("could not be judged");
          const { considered } = explain(policy, request);
          const outcome = considered[0]?.outcome;
          expect(outcome === "kept_out" ? "ALLOW" : decision).toBe(decision);
          answered += 1;
        }
      },
    ),
    { numRuns: 4000 },
  );
  expect(answered).toBeGreaterThan(500);
});

test("a condition and its negation never both hold, and are unknown together", async () => {
  await fc.assert(
    fc.asyncProperty(expression, fc.dictionary(fc.constantFrom("a", "b", "list"), value), async (condition, payload) => {
      const rule = (when: string): unknown => ({ rules: [{ action_type: "y", allow: true, [when]: [condition] }] });
      const [plain, negated] = [await loaded(JSON.stringify(rule("when_all"))), await loaded(JSON.stringify(rule("when_not")))];
      expect(negated === null).toBe(plain === null);
      if (plain === null || negated === null) return;
      const request = { actionType: "y", agentCtx: { env: "dev" }, payload: JSON.parse(JSON.stringify(payload)) };
      const answers = [plain, negated].map((policy) => evaluate(policy, request).decision);
      expect(answers).not.toEqual(["ALLOW", "ALLOW"]);
    }),
    { numRuns: 1500 },
  );
});

test("loading the same text twice gives the same policy", async () => {
  const [a, b] = [await policyOf(valid), await policyOf(valid)];
  expect(a.digest).toBe(b.digest);
  expect(a.rules.map(({ reference }) => reference)).toEqual(b.rules.map(({ reference }) => reference));
});
