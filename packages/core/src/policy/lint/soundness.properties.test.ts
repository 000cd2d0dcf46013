import fc from "fast-check";
import { expect, it } from "vitest";

import type { JsonObject, JsonValue } from "../../json.ts";
import { evaluate, prepare } from "../evaluate.ts";
import { lintPolicy } from "../lint-policy.ts";
import { loadPolicy } from "../load.ts";
import type { Policy } from "../policy.ts";
import type { ActionRequest } from "../request.ts";

/** Questions that are true, false, invalid and open for some of the requests below, and near enough to each other to imply and exclude one another. */
const questions: readonly string[] = [
  'agent_ctx.env == "dev"',
  'agent_ctx.env != "dev"',
  'agent_ctx.env in ["dev", "test"]',
  '"test" == agent_ctx.env',
  '!(agent_ctx.env in ["test"])',
  "payload.n > 1",
  "payload.n >= 1",
  "payload.n == 2",
  "!(payload.n < 1)",
  "payload.n != 2",
  "payload.list.size() > 0",
  "payload.list.exists(i, i == 1)",
  "payload.list.exists(j, true)",
  "payload.list.all(i, i == 1)",
  "payload.list.all(i, i >= 1)",
  "has(payload.n)",
  "payload.flag",
  "payload.flag == true",
  "payload.flag != true",
  "shell(payload.command).complete",
  "shell(payload.command).deletes.exists(d, d.recursive)",
  "shell(payload.command).deletes.exists(e, e.recursive || e.glob)",
  "shell(payload.command).deletes.exists(e, true)",
  "shell(payload.command).deletes.size() == 0",
  "shell(payload.command).deletes.size() > 0",
  '"rm" in shell(payload.command).programs',
  'payload contains "rm"',
  "true",
  'action_type == "z"',
  'action_type in ["z", "zy"]',
];

const condition = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    { arbitrary: fc.constantFrom(...questions), weight: 5 },
    { arbitrary: tie("any").map((of) => `!(${of})`), weight: 1 },
    { arbitrary: fc.tuple(tie("any"), tie("any")).map(([a, b]) => `(${a}) && (${b})`), weight: 2 },
    { arbitrary: fc.tuple(tie("any"), tie("any")).map(([a, b]) => `(${a}) || (${b})`), weight: 2 },
  ),
})).any;

const block = fc.record(
  {
    when_all: fc.array(condition, { minLength: 1, maxLength: 3 }),
    when_any: fc.array(condition, { minLength: 1, maxLength: 2 }),
    when_not: fc.array(condition, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: [] },
);

const rule = fc.tuple(
  fc.constantFrom("ALLOW", "REQUIRE_APPROVAL", "DENY", "DENY"),
  fc.constantFrom("z", "z", "z*", "*z*", "zy"),
  fc.constantFrom(null, null, "low", "high"),
  block,
);

/** A rule of one condition, which is told of itself. */
const alone: typeof block = condition.map((each) => ({ when_all: [each] }));

type Made = readonly [decision: string, action: string, severity: string | null, conditions: object];

/** Two rules of which one has some of the other's conditions, or alternatives beside them: what lint must tell apart. */
const akin = fc
  .tuple(fc.array(condition, { minLength: 1, maxLength: 3 }), fc.array(condition, { maxLength: 2 }), condition, fc.boolean(), rule, rule)
  .map(([shared, more, other, alternative, [a, b, c], [d, e, f]]): readonly Made[] => [
    [a, b, c, { when_all: [...shared, ...more] }],
    [d, e, f, alternative ? { when_any: [shared.map((each) => `(${each})`).join(" && "), other] } : { when_all: shared }],
  ]);

const policies = fc.tuple(
  fc.tuple(akin, fc.array(rule, { maxLength: 2 })).map(([pair, others]): readonly Made[] => [...pair, ...others]),
  fc.constantFrom("ALLOW", "REQUIRE_APPROVAL", "DENY"),
);

function textOf(rules: readonly object[], fallback: string): string {
  return JSON.stringify({ version: 1, default: fallback, rules });
}

function rulesOf(made: readonly Made[]): readonly { readonly id: string }[] {
  return made.map(([decision, action, severity, conditions], index) => ({
    id: `r${index}`,
    action_type: action,
    decision,
    ...(severity === null ? {} : { severity }),
    ...conditions,
  }));
}

function orAbsent(values: readonly JsonValue[], key: string): readonly JsonObject[] {
  return [{}, ...values.map((value) => ({ [key]: value }))];
}

/** Requests with each field right, wrong, of another type and absent: enough of them to tell nearly any two conditions apart. */
const requests: readonly ActionRequest[] = ["z", "zy"].flatMap((actionType) =>
  orAbsent(["dev", "test", "production", 1, ["dev"]], "env").flatMap((agentCtx, a) =>
    orAbsent([0, 1, 2, 3, 1.5, "2", null], "n").flatMap((n, b) =>
      orAbsent([[], [1], [1, 2], [0], ["1"], "1"], "list").flatMap((list, c) =>
        orAbsent([true, false, "true"], "flag").flatMap((flag, d) =>
          orAbsent(["ls", "rm x", "rm -rf x", "rm $X", "$X", "rm -rf $X; $Y", 7], "command").flatMap(
            (command, e): readonly ActionRequest[] =>
              // Some of all, so that every pair of values is among them.
              (a + b + c + d + e) % 11 === 0 ? [{ actionType, agentCtx, payload: { ...n, ...list, ...flag, ...command } }] : [],
          ),
        ),
      ),
    ),
  ),
);

function answers(policy: Policy): readonly string[] {
  return requests.map((request) => {
    const { decision, severity } = evaluate(policy, request);
    // An ALLOW's severity asks nothing of anybody.
    return decision === "ALLOW" ? decision : `${decision} ${severity}`;
  });
}

/** Each run lints, loads and asks a few thousand times. */
const runs = Number(process.env["CANOPY_TEST_LONG"] ?? 0) > 0 ? 1_500 : 100;

it("a rule that is said to be shadowed can be left out, and no answer changes", { timeout: 900_000 }, async () => {
  let told = 0;
  await fc.assert(
    fc.asyncProperty(policies, async ([made, fallback]) => {
      const rules = rulesOf(made);
      const text = textOf(rules, fallback);
      const { findings } = await lintPolicy({ name: "p", text });
      const shadowed = new Set(findings.filter(({ id }) => id === "shadowed-rule").map((finding) => finding.rule));
      if (shadowed.size === 0) return;
      told += 1;
      const before = answers(await loadPolicy({ name: "p", text }));
      for (const id of shadowed) {
        const without = await loadPolicy({
          name: "p",
          text: textOf(
            rules.filter((each) => each.id !== id),
            fallback,
          ),
        });
        expect(answers(without)).toEqual(before);
      }
      // All at once as well: rules that stand in for each other are not all told.
      const left = rules.filter((each) => !shadowed.has(each.id));
      expect(left).not.toEqual([]);
      expect(answers(await loadPolicy({ name: "p", text: textOf(left, fallback) }))).toEqual(before);
    }),
    { numRuns: runs },
  );
  expect(told).toBeGreaterThan(10);
});

it(
  "conditions that are said to be never true are true for no request, and those that are said to be never false are false for none",
  { timeout: 900_000 },
  async () => {
    let told = 0;
    await fc.assert(
      fc.asyncProperty(fc.oneof(block, alone), fc.constantFrom("z", "z*"), async (conditions, action) => {
        const text = textOf([{ id: "r", action_type: action, decision: "DENY", ...conditions }], "ALLOW");
        const { findings } = await lintPolicy({ name: "p", text });
        const about = findings.filter(
          ({ id, message }) =>
            (id === "never-true" || id === "always-true") &&
            // Of the rule as a whole, or of the only condition that it has.
            (message.includes("the conditions of the rule") ||
              (Object.keys(conditions).join() === "when_all" && message.startsWith(`\`${conditions.when_all?.join() ?? ""}\` can`))),
        );
        const policy = await loadPolicy({ name: "p", text });
        const values = requests
          .filter(({ actionType }) => action === "z*" || actionType === "z")
          .map((request) => {
            const scope = prepare(request, undefined);
            return typeof scope === "string" ? null : policy.rules[0]?.condition(scope);
          });
        for (const { id } of about) {
          told += 1;
          expect(values).not.toContain(id === "never-true");
        }
      }),
      { numRuns: runs * 2 },
    );
    expect(told).toBeGreaterThan(0);
  },
);

it("an exception that is said to lift nothing lifts nothing", { timeout: 900_000 }, async () => {
  let told = 0;
  const conditions = fc.array(condition, { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(conditions, block, fc.constantFrom("DENY", "ALLOW"), async (excepted, inherited, decision) => {
      const base = textOf([{ id: "r", action_type: "z*", decision, ...inherited }], "ALLOW");
      const read = async (): Promise<{ name: string; text: string }> => await Promise.resolve({ name: "base", text: base });
      const root = { name: "p", text: JSON.stringify({ version: 1, extends: "base", except: { r: excepted } }) };
      const { findings } = await lintPolicy(root, { read });
      if (!findings.some(({ id }) => id === "useless-exception")) return;
      told += 1;
      const policy = await loadPolicy(root, { read });
      const lifted = requests.filter((request) => evaluate(policy, request).exceptions.length > 0);
      expect(lifted).toEqual([]);
    }),
    { numRuns: runs * 2 },
  );
  expect(told).toBeGreaterThan(3);
});
