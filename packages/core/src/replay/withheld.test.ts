import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { cloneJson } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { loadPolicy } from "../policy/load.ts";
import type { Policy } from "../policy/policy.ts";
import { judgeRequest } from "../runtime/judgement.ts";
import { withhold } from "./withheld.ts";

const commitment = { $committed: "sha256:00", salt: "00", bytes: 5 };

/** Each may ask for the withheld values or not, by another way. */
const conditions = [
  'payload.content == "x"',
  "payload.content != 3",
  "has(payload.content)",
  "has(payload.nested.body)",
  'payload contains "x"',
  'payload.nested contains "x"',
  'payload.nested.body.startsWith("x")',
  "size(payload.list) > 1",
  "payload.list[0] == payload.list[1]",
  'payload.list.exists(l, l == "x")',
  "payload.list.all(l, l.body > 3)",
  'payload.nested in [payload.content, "x"]',
  "payload.other == 1",
  "payload.other > 3",
  "payload.nested == payload.other",
  "payload.nested == payload.nested",
  'path(payload.path).within("/srv")',
  "path(payload.content).system",
  "url(payload.content).internal",
  "url(payload.path).valid",
  "shell(payload.content).complete",
  'shell(payload.path).programs.exists(p, p == "x")',
  "sql(payload.nested.body).reads_only",
  'payload.path.matches("^/srv")',
  'payload.content.matches("^x")',
  'agent_ctx.body == "x"',
  'agent_ctx.env == "dev"',
];
const values: readonly JsonValue[] = [
  "x",
  "",
  4,
  null,
  true,
  ["x"],
  { body: 1 },
  "https://127.0.0.1/",
  "rm -rf /",
  "/etc/passwd",
  "SELECT 1",
];

interface Filling {
  readonly content: JsonValue;
  readonly body: JsonValue;
  readonly item: JsonValue;
  readonly context: JsonValue;
}

function request(
  { content, body, item, context }: Filling,
  other: JsonValue,
): { readonly agentCtx: JsonObject; readonly payload: JsonValue } {
  const agentCtx = cloneJson({ env: "dev", body: context }) as JsonObject;
  return { agentCtx, payload: cloneJson({ path: "/srv/a", other, content, nested: { body, sound: 2 }, list: [item, { body: 4 }] }) };
}

function answer(policy: Policy, actionType: string, { agentCtx, payload }: ReturnType<typeof request>): readonly unknown[] {
  const { decision, rules, reason } = judgeRequest(policy, {
    agentCtx,
    ownFiles: [],
    actions: [{ actionType, payload, open: [], disk: null }],
  });
  return [decision, rules.map(({ id }) => id), reason];
}

function notice(): never {
  throw new Error("nobody asked");
}

describe("a request of which parts are withheld", () => {
  it("is answered as it would be whatever stood there, unless it is noticed that somebody asked", async () => {
    const condition = fc.constantFrom(...conditions).chain((text) => fc.constantFrom(text, `!(${text})`));
    const rule = fc.record({
      when: fc.array(condition, { minLength: 1, maxLength: 3 }),
      how: fc.constantFrom("when_all", "when_any", "when_not"),
      decision: fc.constantFrom("ALLOW", "REQUIRE_APPROVAL", "DENY"),
      reason: fc.constantFrom(null, "{payload.content}", "{payload.path}"),
    });
    const filling = fc.record({
      content: fc.constantFrom(...values),
      body: fc.constantFrom(...values),
      item: fc.constantFrom(...values),
      context: fc.constantFrom(...values),
    });
    let judged = 0;
    let noticed = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(rule, { minLength: 1, maxLength: 3 }),
        fc.constantFrom("mine", "modify_file", "call_external_api"),
        fc.constantFrom<JsonValue>(1, "y"),
        fc.array(filling, { minLength: 2, maxLength: 4 }),
        async (rules, actionType, other, fillings) => {
          // Actions of its own: the fields of a standard one are checked when a policy is loaded.
          const text = JSON.stringify({
            version: 1,
            rules: rules.map(({ when, how, decision, reason }, index) => ({
              id: `r${index}`,
              action_type: "mine",
              decision,
              [how]: when,
              ...(reason === null ? {} : { reason }),
            })),
          });
          const policy = await loadPolicy({ name: "p", text: text.replaceAll('"mine"', '["mine","mine_*"]') });
          let isAskedFor = false;
          const asked = (): void => {
            isAskedFor = true;
          };
          const hidden = request({ content: commitment, body: commitment, item: commitment, context: commitment }, other);
          const kind = actionType === "mine" ? "mine" : `mine_${actionType}`;
          const got = answer(policy, kind, {
            agentCtx: withhold(hidden.agentCtx, asked) as JsonObject,
            payload: withhold(hidden.payload, asked),
          });
          if (isAskedFor) noticed += 1;
          else judged += 1;
          const answers = isAskedFor ? [] : fillings.map((each) => answer(policy, kind, request(each, other)));
          expect(answers).toEqual(answers.map(() => got));
        },
      ),
      { numRuns: 600 },
    );
    expect(judged).toBeGreaterThan(50);
    expect(noticed).toBeGreaterThan(50);
  });

  it("is the same value where nothing is committed, and shows what is not", () => {
    const plain = cloneJson({ a: [1, { b: 2 }] });
    expect(withhold(plain, notice)).toBe(plain);
    const partly = withhold(cloneJson({ a: { secret: commitment, b: 2 }, list: [1, commitment] }), notice) as {
      a: { b: number };
      list: readonly unknown[];
    };
    expect([partly.a.b, partly.list[0], partly.list.length, Object.hasOwn(partly, "a"), Array.isArray(partly.list)]).toEqual([
      2,
      1,
      2,
      true,
      true,
    ]);
    expect(() => JSON.stringify(partly)).toThrow("nobody asked");
    expect(() => Object.values(partly.a)).toThrow("nobody asked");
    expect(() => [...partly.list]).toThrow("nobody asked");
    expect(() => structuredClone(partly)).toThrow(Error);
  });
});

it("notices every way to get at what is withheld, and no way past it", () => {
  const ways: readonly ((value: JsonObject) => unknown)[] = [
    (value) => value["content"],
    (value) => Object.getOwnPropertyDescriptor(value, "content"),
    (value) => Object.values(value),
    (value) => Object.entries(value),
    (value) => ({ ...value }),
    (value) => JSON.stringify(value),
    (value) => Object.hasOwn(value, "content"),
    (value) => cloneJson(value),
  ];
  const noticed = ways.map((way) => {
    let reads = 0;
    way(withhold(cloneJson({ content: commitment, other: 1 }), () => (reads += 1)) as JsonObject);
    return reads > 0;
  });
  expect(noticed).toEqual(ways.map(() => true));
  let reads = 0;
  const beside = withhold(cloneJson({ content: commitment, other: 1 }), () => (reads += 1)) as JsonObject;
  expect([beside["other"], reads]).toEqual([1, 0]);
});
