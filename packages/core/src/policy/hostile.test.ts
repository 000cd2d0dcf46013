import fc from "fast-check";
import { expect, test } from "vitest";

import type { ActionRequest } from "./request.ts";
import { evaluate } from "./evaluate.ts";
import { explain } from "./explain.ts";
import { decide, policyOf } from "./fakes.test.kit.ts";

/** Allows much and denies a little, so that whatever goes wrong would show as an ALLOW. */
const policy = await policyOf(`
default: ALLOW
rules:
  - action_type: '*'
    allow: true
  - action_type: '*'
    deny: true
    when_any: ['has(payload.bad) && payload.bad > 100', 'payload contains "evil"', 'agent_ctx.env == "prod"']
    reason: 'no'
`);
const dev = { env: "dev" };

function deep(levels: number): unknown {
  let value: unknown = "evil";
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { value };
  return value;
}

const cycle: Record<string, unknown> = { a: 1 };
cycle["self"] = cycle;

class Polite {
  readonly bad = 1;
}

const hostile: Readonly<Record<string, unknown>> = {
  "a cycle": cycle,
  "100,000 levels": deep(100_000),
  "10 MB of text": { a: "x".repeat(10_000_000) },
  "a getter that lies": Object.defineProperty({}, "bad", { get: () => 1, enumerable: true }),
  "a getter that throws": {
    get bad(): number {
      throw new Error("no");
    },
  },
  "a proxy that throws": new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error("no");
      },
    },
  ),
  "a revoked proxy": (() => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  })(),
  "a BigInt": { bad: 5n },
  NaN: { bad: Number.NaN },
  Infinity: { bad: Number.POSITIVE_INFINITY },
  "a Date": { bad: new Date() },
  "a Map": new Map([["bad", 500]]),
  "a Set": new Set(["evil"]),
  "an instance of a class": new Polite(),
  "a function": () => 5,
  "a symbol": Symbol("bad"),
  "a symbol key": { [Symbol("bad")]: 500 },
  "a sparse list": Array.from({ length: 3 }).fill(undefined),
  "a lone surrogate": { a: "\ud800" },
  "a boxed text": Object("evil"),
  undefined,
  "an inherited field": Object.create({ bad: 500 }),
  "a typed array": new Uint8Array(4),
  "an error": new Error("evil"),
};

test.for(Object.entries(hostile))("%s is DENY", ([, payload]) => {
  expect(decide(policy, "x", payload, dev)).toBe("DENY");
  expect(decide(policy, "x", { nested: payload }, dev)).toBe(payload === undefined ? "ALLOW" : "DENY");
});

test.for(Object.entries(hostile))("as an agent context %s is DENY", ([, agentCtx]) => {
  expect(decide(policy, "x", {}, agentCtx as never)).toBe("DENY");
});

test.for([undefined, null, 5, "", [], {}, new Proxy({}, {})])("as an action type %s is DENY", (actionType) => {
  expect(decide(policy, actionType as string, {}, dev)).toBe("DENY");
});

test("a request that is none is DENY", () => {
  for (const request of [undefined, null, 5, {}, [], "x"] as readonly unknown[]) {
    expect(evaluate(policy, request as ActionRequest).decision).toBe("DENY");
    expect(explain(policy, request as ActionRequest).considered).toEqual([]);
  }
});

test("a proxy is judged by one reading of it", () => {
  let reads = 0;
  const shifty = new Proxy(
    { bad: 5 },
    {
      getOwnPropertyDescriptor: () => {
        reads += 1;
        return { value: reads > 1 ? 500 : 5, enumerable: true, configurable: true };
      },
    },
  );
  expect(decide(policy, "x", shifty, dev)).toBe("ALLOW");
  expect(reads).toBe(1);
});

test("names that every object has are no fields", async () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "prototype", "valueOf"];
  for (const name of names) {
    const has = await policyOf(`default: ALLOW\nx: { rules: [{ deny: true, when_all: ['has(payload.${name})'] }] }`);
    expect(decide(has, "x", {})).toBe("ALLOW");
    expect(decide(has, "x", JSON.parse(`{"${name}": 1}`))).toBe("DENY");
    const reads = await policyOf(`default: ALLOW\nx: { rules: [{ deny: true, when_all: ['payload.${name} == 5'] }] }`);
    expect(decide(reads, "x", {})).toBe("DENY");
    expect(decide(reads, "x", JSON.parse(`{"${name}": 1}`))).toBe("ALLOW");
    expect(decide(policy, name, {}, dev)).toBe("ALLOW");
  }
});

test("whatever it is handed, it answers, and explains with the same decision", () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withSparseArray: true,
    withTypedArray: true,
    withObjectString: true,
    withBoxedValues: true,
  });
  fc.assert(
    fc.property(anything, anything, anything, (actionType, agentCtx, payload) => {
      const request = { actionType, agentCtx, payload } as unknown as ActionRequest;
      const { decision } = evaluate(policy, request);
      expect(["ALLOW", "REQUIRE_APPROVAL", "DENY"]).toContain(decision);
      expect(explain(policy, request).decision).toBe(decision);
    }),
    { numRuns: 3000 },
  );
});
