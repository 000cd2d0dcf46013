import { expect, test } from "vitest";

import { cloneJson, isJsonCopy } from "./json.ts";

test("knows its own copies, and nothing else", () => {
  const original = { a: [1] };
  const copy = cloneJson(original);
  expect(isJsonCopy(copy)).toBe(true);
  expect(isJsonCopy(original)).toBe(false);
  expect(isJsonCopy({ ...(copy as object) })).toBe(false);
  expect(isJsonCopy("text")).toBe(false);
});

test("a proxy of a copy is no copy", () => {
  expect(isJsonCopy(new Proxy(cloneJson({ a: 1 }) as object, {}) as never)).toBe(false);
});
