import { beforeAll, describe, expect, it } from "vitest";
import type { JsonValue } from "../json.ts";
import { evaluate } from "./evaluate.ts";
import { loadPolicy } from "./load.ts";
import { PolicyError } from "./problems.ts";
import type { Policy } from "./policy.ts";

// The row of Canopy in docs/fail-open.md.
let policy: Policy;

beforeAll(async () => {
  policy = await load("payload.amount > 100");
});

async function load(condition: string): Promise<Policy> {
  const rules = [
    { id: "all", allow: true },
    { id: "large", deny: true, when_all: [condition] },
  ];
  return await loadPolicy({ name: "pay.yaml", text: JSON.stringify({ version: 1, pay: { rules } }) });
}

describe("allow, deny if amount > 100", () => {
  it("allows an amount of 5, and that alone", () => {
    expect(evaluate(policy, { actionType: "pay", agentCtx: {}, payload: { amount: 5 } }).decision).toBe("ALLOW");
  });

  it.each([
    ["500", { amount: 500 }],
    ["missing", {}],
    ["null", { amount: null }],
    ["text", { amount: "abc" }],
    ["text with digits", { amount: "5,000" }],
    ["a number as text", { amount: "5" }],
    ["an object", { amount: {} }],
    ["a list", { amount: [] }],
    ["a list around the value", { amount: [5] }],
    ["a boolean", { amount: false }],
    ["NaN", { amount: Number.NaN }],
    ["infinite", { amount: Number.POSITIVE_INFINITY }],
    ["huge", { amount: 1e308 }],
    ["hidden in the prototype", Object.create({ amount: 5 })],
    ["under the key __proto__", JSON.parse('{"__proto__": {"amount": 5}}')],
    ["not in an object at all", 5],
    ["in a list", [{ amount: 5 }]],
  ])("denies an amount that is %s", (_name, payload) => {
    expect(evaluate(policy, { actionType: "pay", agentCtx: {}, payload: payload as JsonValue }).decision).toBe("DENY");
  });
});

describe("the same policy, misspelt,", () => {
  it.each([
    "payload.amount >> 100",
    "(payload.amount > 100",
    "payload.amount gt 100",
    "payload.amount >",
    "amount > 100",
    "payload amount > 100",
  ])("does not load with %s", async (condition) => {
    await expect(load(condition)).rejects.toBeInstanceOf(PolicyError);
  });

  it("denies with a field that no request has", async () => {
    const misspelt = await load("payload.amout > 100");
    expect(evaluate(misspelt, { actionType: "pay", agentCtx: {}, payload: { amount: 5 } }).decision).toBe("DENY");
  });

  it("does not load with a key, a decision or a field of a known action that there is none of", async () => {
    const texts = [
      "version: 1\npay: { rules: [{ denny: true }] }",
      "version: 1\npay: { rules: [{ decision: DENNY }] }",
      "version: 1\npay: { rules: [{ deny: true, when_al: ['payload.amount > 100'] }] }",
      "version: 1\nexecute_query: { rules: [{ deny: true, when_all: ['payload.qurey contains \"x\"'] }] }",
    ];
    for (const text of texts) await expect(loadPolicy({ name: "p.yaml", text })).rejects.toThrow(/p\.yaml:2:\d+: .*did you mean/);
  });
});
