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
  const read = async (): Promise<string> => {
    try {
      return (await readPolicyFile(path)).text;
    } catch (error) {
      expect(error).toMatchObject({ code: "POLICY_INVALID", message: expect.stringContaining("changed while it was read") as string });
      return text;
    }
  };
  for (let round = 0; round < 100; round += 1) {
    const reads = Array.from({ length: 4 }, read);
    for (let more = 0; more < 8; more += 1) {
      appendFileSync(path, "# more\n");
      versions.add((text += "# more\n"));
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const found of await Promise.all(reads)) expect(versions).toContain(found);
  }
  expect((await readPolicyFile(path)).text).toBe(text);
});
