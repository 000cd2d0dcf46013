import { expect, it } from "vitest";

import { nearest, nearestHint } from "./nearest.ts";

const words = ["action_type", "payload", "ignore", "read"];

it.each([
  ["actionType", "action_type"],
  ["ActionType", "action_type"],
  ["paylod", "payload"],
  ["raed", "read"],
  ["Ignore", "ignore"],
])("finds the word that `%s` is a slip of", (slip, word) => {
  expect(nearest(slip, words)).toBe(word);
  expect(nearestHint(slip, words)).toBe(`, did you mean \`${word}\`?`);
});

it.each([["x"], ["something else"], [""], ["read".repeat(1_000)]])("finds nothing near `%s`", (word) => {
  expect(nearest(word, words)).toBeUndefined();
  expect(nearestHint(word, words)).toBe("");
});
