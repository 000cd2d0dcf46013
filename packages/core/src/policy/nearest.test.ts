import { expect, test } from "vitest";

import { editDistance, nearest, nearestHint } from "./nearest.ts";

test.for([
  ["ALOW", "ALLOW"],
  ["allow", "ALLOW"],
  ["deney", "DENY"],
  ["require-approval", "REQUIRE_APPROVAL"],
  ["BLOCK", undefined],
  ["", undefined],
  ["x".repeat(100_000), undefined],
] as const)("%.20s is near %s", ([word, expected]) => {
  expect(nearest(word, ["ALLOW", "REQUIRE_APPROVAL", "DENY"])).toBe(expected);
});

test("counts inserted, deleted, replaced and swapped letters", () => {
  expect(editDistance("deny", "deny")).toBe(0);
  expect(editDistance("dney", "deny")).toBe(1);
  expect(editDistance("den", "deny")).toBe(1);
  expect(editDistance("dent", "deny")).toBe(1);
  expect(editDistance("", "deny")).toBe(4);
});

test("the hint names the word, or is empty", () => {
  expect(nearestHint("paylod", ["payload"])).toBe(", did you mean `payload`?");
  expect(nearestHint("something else", ["payload"])).toBe("");
});
