import fc from "fast-check";
import { expect, test } from "vitest";

import type { JsonObject } from "../json.ts";
import { decisions } from "./decision.ts";
import type { Decision } from "./decision.ts";
import { evaluate } from "./evaluate.ts";
import { explain } from "./explain.ts";
import { decide, fakes, policyOf } from "./fakes.test.kit.ts";
import { loadPolicy } from "./load.ts";
import { matchesGlob } from "./glob.ts";
import { scopeOf } from "./condition/values.ts";

/** Conditions of every kind over a few fields, none of which asks for presence. */
const conditions = [
  'agent_ctx.env == "production"',
  'agent_ctx.env in ["production", "staging"]',
  '"dev" == agent_ctx.env',
  "payload.amount > 100",
  "payload.amount <= 100",
  "payload.amount % 2 == 1",
  "payload.amount in [1, 150]",
  'payload.kind == "a"',
  'payload.kind == "b" && payload.amount > 5',
  'payload.kind != "a"',
  'payload.kind == "a" || payload.flag',
  'payload.kind.startsWith("a")',
  'payload.kind contains "b"',
  'payload.kind.matches("^[ab]+$")',
  "payload.flag",
  "!payload.flag",
  "payload.flag ? payload.amount > 5 : payload.amount > 500",
  'payload.tags.exists(t, t == "x")',
  'payload.tags.all(t, t in ["x", "y"])',
  'payload.tags.exists_one(t, t == "x")',
  '"x" in payload.tags',
  "size(payload.tags) > 1",
  'payload.tags.filter(t, t != "x").exists(t, true)',
  "payload.tags[0] == 'x'",
  "payload.nested.value < payload.amount",
  "payload.nested == payload.nested",
  'shell(payload.kind).programs.exists(p, p == "a")',
  'shell(payload.kind).programs.all(p, p == "a")',
  "shell(payload.kind).complete",
  'payload contains "b"',
];

const good = fc.record({
  amount: fc.integer({ min: 0, max: 300 }),
  kind: fc.constantFrom("a", "b", "ab", "$x", "$(x)", "c"),
  flag: fc.boolean(),
  tags: fc.array(fc.constantFrom("x", "y", "z"), { maxLength: 3 }),
  nested: fc.record({ value: fc.integer({ min: 0, max: 300 }) }),
});
const context = fc.record({ env: fc.constantFrom("production", "staging", "dev") });

const mangled: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, "", "5", "x", "a", true, 5, 1e300, -0.5),
  fc.constantFrom<unknown>([], ["x"], [5], [["x"]], {}, { value: 1 }, [null]),
);

interface RuleText {
  readonly action_type: string;
  readonly decision: Decision;
  readonly [block: string]: unknown;
}

const block = fc.array(fc.constantFrom(...conditions), { minLength: 1, maxLength: 3 });
const rule: fc.Arbitrary<RuleText> = fc
  .record({
    action_type: fc.constantFrom("x", "x", "x*", "y"),
    decision: fc.constantFrom(...decisions),
    when_all: fc.option(block, { nil: undefined }),
    when_any: fc.option(block, { nil: undefined }),
    when_not: fc.option(block, { nil: undefined }),
  })
  .map((value) => Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as unknown as RuleText);
const rules = fc.uniqueArray(rule, { minLength: 1, maxLength: 12, selector: (value) => JSON.stringify(value) });
const fallback = fc.option(fc.constantFrom(...decisions), { nil: undefined });

const text = (list: readonly RuleText[], other: Decision | undefined): string => JSON.stringify({ default: other, rules: list });

function rank(decision: Decision): number {
  return decisions.indexOf(decision);
}

/** Puts `value` in place of the field `key` wherever the payload has it, or leaves the field out. */
function mangle(payload: JsonObject, key: string, value: unknown): unknown {
  const { [key]: _, ...rest } = payload;
  return value === undefined ? rest : { ...rest, [key]: value };
}

const requests = fc.array(fc.tuple(good, context, fc.option(mangled)), { minLength: 10, maxLength: 10 });

test("adding a DENY rule never loosens an answer", async () => {
  await fc.assert(
    fc.asyncProperty(rules, fallback, rule, requests, async (list, other, more, asked) => {
      const before = await policyOf(text(list, other));
      const after = await policyOf(text([...list, { ...more, decision: "DENY" }], other));
      for (const [payload, agentCtx, odd] of asked) {
        const request = odd === null ? payload : mangle(payload, "amount", odd);
        expect(rank(decide(after, "x", request, agentCtx))).toBeGreaterThanOrEqual(rank(decide(before, "x", request, agentCtx)));
      }
    }),
    { numRuns: 500 },
  );
});

test("the order of rules, of conditions and of keys never changes an answer, nor the digest", async () => {
  const shuffled = rules.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }), fc.boolean()));
  await fc.assert(
    fc.asyncProperty(shuffled, fallback, requests, async ([list, other, reverse], otherwise, asked) => {
      const turned = other.map((item) => {
        const entries = Object.entries(item).map(
          ([key, value]) => [key, reverse && Array.isArray(value) ? value.toReversed() : value] as const,
        );
        return Object.fromEntries(reverse ? entries.toReversed() : entries) as unknown as RuleText;
      });
      const [a, b] = [await policyOf(text(list, otherwise)), await policyOf(text(turned, otherwise))];
      expect(b.digest).toBe(a.digest);
      for (const [payload, agentCtx, odd] of asked) {
        const request = odd === null ? payload : mangle(payload, "amount", odd);
        expect(decide(b, "x", request, agentCtx)).toBe(decide(a, "x", request, agentCtx));
      }
    }),
    { numRuns: 500 },
  );
});

test("rules answer the same in one file and spread over several", async () => {
  await fc.assert(
    fc.asyncProperty(rules, good, context, async (list, payload, agentCtx) => {
      const half = Math.ceil(list.length / 2);
      const one = await policyOf(text(list, "DENY"));
      const spread = async (here: readonly RuleText[], there: readonly RuleText[]): ReturnType<typeof loadPolicy> =>
        await loadPolicy(
          { name: "root", text: JSON.stringify({ extends: "other", default: "DENY", ...(here.length === 0 ? {} : { rules: here }) }) },
          { read: async (name) => await Promise.resolve({ name, text: text(there, "ALLOW") }), facts: fakes },
        );
      const a = await spread(list.slice(half), list.slice(0, half));
      expect(decide(a, "x", payload, agentCtx)).toBe(decide(one, "x", payload, agentCtx));
      expect(a.digest).toBe(one.digest);
    }),
    { numRuns: 300 },
  );
});

test("replacing or removing what a restrictive rule reads never loosens its answer", async () => {
  const field = fc.constantFrom("amount", "kind", "flag", "tags", "nested", "env");
  const restrictive = fc.constantFrom<Decision>("DENY", "REQUIRE_APPROVAL");
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...conditions.slice(0, -1)),
      restrictive,
      fc.boolean(),
      good,
      context,
      field,
      mangled,
      async (condition, decision, negate, payload, agentCtx, key, odd) => {
        // Another value of the same type may well be another answer.
        fc.pre(typeOf(odd) !== typeOf({ ...payload, ...agentCtx }[key]));
        const list: readonly RuleText[] = [
          { action_type: "x", decision: "ALLOW" },
          { action_type: "x", decision, [negate ? "when_not" : "when_all"]: [condition] },
        ];
        const policy = await policyOf(text(list, "DENY"));
        const before = decide(policy, "x", payload, agentCtx);
        const [request, who] = key === "env" ? [payload, mangle(agentCtx, key, odd)] : [mangle(payload, key, odd), agentCtx];
        const after = decide(policy, "x", request, who as JsonObject);
        expect(rank(after)).toBeGreaterThanOrEqual(rank(before));
      },
    ),
    { numRuns: 3000 },
  );
});

test("a mangled request never loosens `default: DENY` where no rule is left that is true", async () => {
  await fc.assert(
    fc.asyncProperty(
      rules,
      good,
      context,
      fc.constantFrom("amount", "kind", "flag", "tags", "nested"),
      mangled,
      async (list, payload, agentCtx, key, odd) => {
        const policy = await policyOf(text(list, "DENY"));
        const request = { actionType: "x", agentCtx, payload: mangle(payload, key, odd) as JsonObject };
        const { considered, decision } = explain(policy, request);
        fc.pre(!considered.some(({ outcome }) => outcome === "applies"));
        expect(decision).toBe("DENY");
      },
    ),
    { numRuns: 1000 },
  );
});

/** Rules of the kind that the index sorts: they want a certain text in one field or in two. Most decide the same, so that many stand in one tier. */
const env = fc.constantFrom('agent_ctx.env == "production"', 'agent_ctx.env in ["production", "staging"]', '"dev" == agent_ctx.env');
const kind = fc.constantFrom("a", "b", "ab", "$x", "$(x)", "c").map((wanted) => `payload.kind == "${wanted}"`);
const indexed: fc.Arbitrary<RuleText> = fc.record({
  action_type: fc.constantFrom("x", "x*"),
  decision: fc.constantFrom<Decision>("DENY", "DENY", "DENY", ...decisions),
  when_all: fc.oneof({ weight: 4, arbitrary: fc.tuple(env, kind) }, fc.tuple(fc.oneof(env, kind), fc.constantFrom(...conditions))),
});

test("the index skips no rule that a scan of all of them would have counted", async () => {
  const reached = { text: 0, "no text": 0, deeper: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.oneof(rule, { weight: 3, arbitrary: indexed }), {
        minLength: 40,
        maxLength: 60,
        selector: (value) => JSON.stringify(value),
      }),
      fallback,
      good,
      context,
      fc.option(mangled),
      fc.constantFrom("kind", "amount", "env"),
      async (list, other, payload, agentCtx, odd, key) => {
        const policy = await policyOf(text(list, other));
        const asked = (odd === null || key === "env" ? payload : mangle(payload, key, odd)) as JsonObject;
        const who = (odd === null || key !== "env" ? agentCtx : mangle(agentCtx, "env", odd)) as JsonObject;
        const request = { actionType: "x", agentCtx: who, payload: asked };
        for (const tree of Object.values(policy.index.about("x"))) {
          if (tree.kind !== "switch") continue;
          reached[typeof tree.read(scopeOf("x", who, asked, undefined)) === "string" ? "text" : "no text"] += 1;
          if ([...tree.cases.values()].some((each) => each.kind === "switch")) reached.deeper += 1;
        }
        const { considered, decision, rules: deciding } = explain(policy, request);
        const applied = considered.filter(({ outcome }) => outcome === "applies" || outcome === "may_apply");
        const asks = applied.map(({ rule: { decision: own }, outcome, conditions: shown }) =>
          outcome === "may_apply" && worst(shown) === "open" ? "REQUIRE_APPROVAL" : own,
        );
        const joins = considered.every(({ outcome }) => outcome !== "applies");
        const expected = [...asks, ...(joins ? [policy.default] : [])].toSorted((a, b) => rank(b) - rank(a))[0];
        expect(decision).toBe(expected);
        const ids = applied.filter((_, index) => asks[index] === decision).map(({ rule: { id } }) => id);
        expect(deciding.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
      },
    ),
    { numRuns: 200 },
  );
  // Where the index sorts nothing, or finds the text that it sorts by each time, there is nothing that it could skip.
  expect(Object.values(reached).filter((times) => times === 0)).toEqual([]);
});

test("the layout of a file changes neither the digest nor an answer", async () => {
  await fc.assert(
    fc.asyncProperty(rules, good, context, fc.constantFrom(0, 1, 2), async (list, payload, agentCtx, style) => {
      const plain = text(list, "ALLOW");
      const json = JSON.stringify({ default: "ALLOW", rules: list }, null, 2);
      const spaced =
        style === 0 ? json : style === 1 ? `# a comment\n\n${json}\n# another` : json.replaceAll(" == ", "==").replaceAll("&&", "  && ");
      const [a, b] = [await policyOf(plain), await policyOf(spaced)];
      expect(b.digest).toBe(a.digest);
      expect(evaluate(b, { actionType: "x", agentCtx, payload }).decision).toBe(decide(a, "x", payload, agentCtx));
    }),
    { numRuns: 300 },
  );
});

test("a glob matches what the same pattern as a regex matches", () => {
  const piece = fc.constantFrom("a", "b", "*", ".", "_", "ab");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.constantFrom("a", "b", ".", "_"), { maxLength: 10 }), (pattern, name) => {
      const regex = new RegExp(`^${pattern.join("").replaceAll(".", "\\.").replaceAll(/\*+/g, ".*")}$`);
      expect(matchesGlob(pattern.join(""), name.join(""))).toBe(regex.test(name.join("")));
    }),
    { numRuns: 3000 },
  );
});

function typeOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "list" : typeof value;
}

type Shown = ReturnType<typeof explain>["considered"][number]["conditions"];

/** What the conditions as a whole come to, worked out anew from the single answers. */
function worst(shown: Shown): "true" | "false" | "invalid" | "open" {
  if (shown.kind === "condition") return shown.answer;
  const answers = shown.parts.map(worst);
  const decisive = shown.kind === "all" ? "false" : "true";
  const unknown = answers.includes("invalid") ? "invalid" : answers.includes("open") ? "open" : null;
  const answer = answers.includes(decisive) ? decisive : (unknown ?? (decisive === "true" ? "false" : "true"));
  if (shown.kind !== "not") return answer;
  return answer === "true" ? "false" : answer === "false" ? "true" : answer;
}
