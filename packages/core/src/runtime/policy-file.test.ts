import { appendFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, it, onTestFinished } from "vitest";

import { readPolicyFile } from "./policy-file.ts";

it("reads a file that grows meanwhile as it was at one time, or not at all", async () => {
  const folder = await mkdtemp(join(tmpdir(), "canopy-policy-"));
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }));
  const path = join(folder, "policy.yaml");
  let text = "version: 1\n";
  writeFileSync(path, text);
  const versions = new Set([text]);
  const changed = `\`${path}\` was changed while it was read, try again`;
  const read = async (): Promise<string> =>
    await readPolicyFile(path).then(
      (source) => source.text,
      (error: unknown) => (error instanceof Error ? error.message : "no error"),
    );
  for (let round = 0; round < 100; round += 1) {
    const reads = Array.from({ length: 4 }, read);
    for (let more = 0; more < 8; more += 1) {
      appendFileSync(path, "# more\n");
      versions.add((text += "# more\n"));
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const found of await Promise.all(reads)) expect([...versions, changed]).toContain(found);
  }
  expect((await readPolicyFile(path)).text).toBe(text);
});
