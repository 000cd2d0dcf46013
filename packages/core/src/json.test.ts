import { createContext, runInContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CanopyError } from "./errors.ts";
import { cloneJson, defaultJsonLimits, isJsonCopy, isJsonObject, member } from "./json.ts";

function refusal(value: unknown, limits = defaultJsonLimits): string {
  try {
    cloneJson(value, limits);
  } catch (error) {
    if (error instanceof CanopyError && error.code === "NOT_JSON") return error.message;
    throw error;
  }
  throw new Error("it was not refused");
}

describe("cloneJson", () => {
  it("copies what JSON can carry, deeply and frozen, sharing nothing", () => {
    const inner = { b: [1, "x", null, true] };
    const copy = cloneJson({ a: inner });
    inner.b.push("later");
    expect(copy).toEqual({ a: { b: [1, "x", null, true] } });
    expect(Object.isFrozen(copy)).toBe(true);
    expect(isJsonObject(copy) && Object.isFrozen(member(copy, "a"))).toBe(true);
  });

  it("agrees with JSON.stringify on every JSON value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(!JSON.stringify(value).includes("\\ud"));
        expect(JSON.stringify(cloneJson(value))).toBe(JSON.stringify(value));
      }),
      { numRuns: 2000 },
    );
  });

  it("treats a member that is undefined as absent", () => {
    expect(cloneJson({ a: undefined, b: 1 })).toEqual({ b: 1 });
  });

  it("keeps `__proto__` as the plain key that it is in JSON", () => {
    const copy = cloneJson(JSON.parse('{"__proto__": {"env": "dev"}}'));
    expect(isJsonObject(copy) && member(copy, "__proto__")).toEqual({ env: "dev" });
    expect(isJsonObject(copy) && member(copy, "env")).toBeUndefined();
  });

  it("accepts plain objects of another realm, and objects without a prototype", () => {
    expect(cloneJson(runInContext("({ a: [1, { b: 2 }] })", createContext()))).toEqual({ a: [1, { b: 2 }] });
    expect(cloneJson(Object.assign(Object.create(null), { a: 1 }))).toEqual({ a: 1 });
  });

  it.each([
    ["undefined itself", undefined, "not JSON: undefined"],
    ["a function", { f: () => 1 }, "`f`: a function"],
    ["a BigInt", { a: [1n] }, "`a[0]`: a bigint"],
    ["NaN", { a: Number.NaN }, "the number NaN"],
    ["Infinity", [Number.POSITIVE_INFINITY], "the number Infinity"],
    ["undefined in an array", [undefined], "`[0]`: undefined"],
    // oxlint-disable-next-line no-sparse-arrays -- the hole is what is tested
    ["a hole in an array", [1, , 2], "a hole"],
    ["a symbol", { a: Symbol("s") }, "a symbol"],
    ["a symbol as key", { [Symbol("s")]: 1 }, "a symbol as key"],
    ["a Date", { at: new Date(0) }, "an instance of a class"],
    ["a Map", new Map([["a", 1]]), "an instance of a class"],
    ["a class instance", new URL("file:///etc/passwd"), "an instance of a class"],
    ["an object that hides its fields behind a prototype", Object.create({ command: "ls" }), "an instance of a class"],
    ["a lone surrogate", { a: "\ud800" }, "a lone surrogate"],
    ["a lone surrogate in a key", { "\udc00": 1 }, "a lone surrogate"],
  ])("refuses %s and names the place", (_name, value, message) => {
    expect(refusal(value)).toContain(message);
  });

  it("refuses an accessor without running it, since it could answer differently the next time", () => {
    let ran = false;
    const payload = {
      get command() {
        ran = true;
        return "ls";
      },
    };
    expect(refusal(payload)).toContain("an accessor");
    expect(ran).toBe(false);
  });

  it("reads a proxy once, so that what is judged is what was read", () => {
    let reads = 0;
    const shifty = new Proxy(
      { command: "" },
      {
        getOwnPropertyDescriptor: () => ({
          value: (reads += 1) === 1 ? "ls" : "rm -rf /",
          configurable: true,
          enumerable: true,
          writable: true,
        }),
      },
    );
    expect(cloneJson(shifty)).toEqual({ command: "ls" });
    expect(reads).toBe(1);
  });

  it("answers a proxy that throws with a refusal", () => {
    const bomb = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("boom");
        },
      },
    );
    expect(refusal(bomb)).toContain("cannot be read");
  });

  it("refuses a cycle and endless depth without overflowing the stack", () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    expect(refusal(cycle)).toContain("or a cycle");
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(refusal(deep)).toContain("more than 64 levels");
  });

  it("refuses what is too large as soon as it is known to be", () => {
    expect(refusal("x".repeat(10), { ...defaultJsonLimits, characters: 9 })).toContain("more than 9 characters");
    expect(refusal([1, 2, 3], { ...defaultJsonLimits, values: 3 })).toContain("more than 3 values");
    const pretender = new Proxy([], { get: (_target, key) => (key === "length" ? 2 ** 31 : undefined) });
    expect(refusal(pretender)).toContain("more than 100000 values");
  });
});

describe("isJsonCopy", () => {
  it("knows the copies that cloneJson made, and nothing else", () => {
    const original = { a: [1] };
    const copy = cloneJson(original);
    expect(isJsonCopy(copy)).toBe(true);
    expect(isJsonCopy(original)).toBe(false);
    expect(isJsonCopy({ ...(copy as object) })).toBe(false);
    expect(isJsonCopy("text")).toBe(false);
  });

  it("does not take a proxy of a copy for one", () => {
    expect(isJsonCopy(new Proxy(cloneJson({ a: 1 }) as object, {}) as never)).toBe(false);
  });
});
