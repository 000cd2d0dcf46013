import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

it("the README shows the code of the example, which the compiler checks", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = readFileSync(new URL("./shown.test.example.ts", import.meta.url), "utf8");
  const shown = /```ts\n([^]*?)```/.exec(readme)?.[1];
  expect(shown).toBe(example);
  expect(example.split("\n").length).toBeLessThanOrEqual(26);
});
