import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

it("a stranger gets from a first policy to a replay of their own log, by what the pages say alone", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, "scripts/strangers-path.ts"), "--here"], { cwd: root });
  expect(stdout).not.toContain("NOT SO");
  expect(stdout.match(/^ok /gm)).toHaveLength(10);
});
