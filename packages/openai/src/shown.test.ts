import { mkdtemp, rm } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { expect, it } from "vitest";

import { loopback } from "./server.test.fake.ts";

it.each(["shown.test.example.ts", "shown.test.loop.ts"])("the README shows %s, which the compiler checks", (file) => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = readFileSync(new URL(file, import.meta.url), "utf8");
  expect(readme).toContain(`<!-- file: packages/openai/src/${file} -->\n\n\`\`\`ts\n${example}\`\`\``);
  expect(example.split("\n").length).toBeLessThanOrEqual(26);
});

it("the README's examples run, and the bundled policy stops what they are asked to do", async () => {
  const folder = await mkdtemp(join(tmpdir(), "canopy-readme-"));
  process.env["CANOPY_AUDIT_LOG_PATH"] = join(folder, "audit.log");
  try {
    const { tidyUp } = await import("./shown.test.example.ts");
    const { settle } = await import("./shown.test.loop.ts");
    await using chat = await loopback([[{ tool: "bash", args: { cmd: "rm -rf /", why: "space" } }]]);
    expect(await tidyUp(new OpenAI({ apiKey: "test", baseURL: chat.baseURL }))).toBe("done");
    expect(JSON.stringify(chat.requests[1])).toContain("denied, the tool did not run");
    await using responses = await loopback([[{ tool: "pay", args: { amount: 5 } }]]);
    expect(await settle(new OpenAI({ apiKey: "test", baseURL: responses.baseURL }), [{ role: "user", content: "go" }])).toBe("done");
    expect(JSON.stringify(responses.requests[1])).toContain("approval required, the tool did not run");
  } finally {
    delete process.env["CANOPY_AUDIT_LOG_PATH"];
    await rm(folder, { recursive: true, force: true });
  }
});
