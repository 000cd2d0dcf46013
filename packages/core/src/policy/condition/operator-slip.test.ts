import { expect, test } from "vitest";
import { problemsOf } from "../fakes.test.kit.ts";

test.each([
  ["payload.a >> 5", ">>", ">"],
  ["payload.a => 5", "=>", ">="],
  ["payload.a = 5", "=", "=="],
  ["payload.a === 5", "===", "=="],
  ["payload.a and payload.b", "and", "&&"],
  ["payload.a gt 5", "gt", ">"],
  ['payload.a contians "x"', "contians", "contains"],
  ['payload.a == "a and b" or payload.b', "or", "||"],
])("%s is refused at the operator, with the one that was meant", async (condition, word, meant) => {
  const before = "rules: [{ action_type: x, deny: true, when_all: ['";
  const [problem] = await problemsOf(`${before}${condition}'] }]`);
  expect(problem).toContain(`unknown operator \`${word}\`, did you mean \`${meant}\`?`);
  expect(problem).toMatch(new RegExp(`^policy\\.yaml:1:${before.length + condition.lastIndexOf(` ${word} `) + 2}: `));
});

test("a condition that is wrong in another way is told so", async () => {
  const [problem] = await problemsOf("rules: [{ action_type: x, deny: true, when_all: ['(payload.a > 5'] }]");
  expect(problem).toContain("expected `)`");
});
