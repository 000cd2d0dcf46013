import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { afterEach, expect, it, vi } from "vitest";

import { temporaryFolder, testGateway, testPolicy } from "./gateway.test.fixture.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
});

it("the README's guarded tool asks the gateway, and does not run where that says no", async () => {
  const { agent, gateway, entries } = await testGateway();
  const { fetch } = globalThis;
  vi.stubEnv("CANOPY_KEY", agent);
  vi.stubGlobal("fetch", async (input: string, init: RequestInit) => await fetch(input.replace("4747", String(gateway.port)), init));
  await expect(import("./documented.test.client.ts")).rejects.toMatchObject({ code: "ACTION_DENIED" });
  expect((await entries("decision"))[0]).toMatchObject({
    action_type: "delete_file",
    decision: "DENY",
    agent_ctx: { agent_id: "janitor" },
  });
});

it("the README's program starts a gateway, and ends", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "policy.yaml"), testPolicy.text);
  const program = fileURLToPath(new URL("documented.test.embed.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@canopy-runtime/source", program], { cwd: folder });
  expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+ canopy_[0-9a-f]{16}_/m);
});
