import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

test("docs/facts.md says what the engine says of its facts", () => {
  const script = fileURLToPath(new URL("../../scripts/write-facts-reference.ts", import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, ["--conditions=@canopy-runtime/source", script, "--check"], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
