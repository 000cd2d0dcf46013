import { readFileSync } from "node:fs";
import { lintChecks } from "@canopy-runtime/core/policy";
import { expect, it } from "vitest";

const page = readFileSync(new URL("../../docs/lint.md", import.meta.url), "utf8");

it("docs/lint.md has a section for each check, with its level, and for nothing else", () => {
  const sections = [...page.matchAll(/^### (?<id>.+)\n\n_(?<level>\w+)_\. \S/gm)].map(
    ({ groups }) => [groups?.["id"], groups?.["level"]] as const,
  );
  const checks = Object.entries(lintChecks).map(([id, { level }]) => [id, level] as const);
  expect(new Map(sections)).toEqual(new Map(checks));
  expect(page.match(/^### /gm)).toHaveLength(checks.length);
});
