import { mkdtemp, rm } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AIMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

it.each(["shown.test.example.ts", "shown.test.middleware.ts"])("the README shows %s, which the compiler checks", (file) => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = readFileSync(new URL(file, import.meta.url), "utf8");
  expect(readme).toContain(`<!-- file: packages/langchain/src/${file} -->\n\n\`\`\`ts\n${example}\`\`\``);
  expect(example.split("\n").length).toBeLessThanOrEqual(26);
});

describe("the README's examples run, and the bundled policy stops what they are asked to do", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "canopy-readme-"));
    process.env["CANOPY_AUDIT_LOG_PATH"] = join(folder, "audit.log");
  });
  afterAll(async () => {
    delete process.env["CANOPY_AUDIT_LOG_PATH"];
    await rm(folder, { recursive: true, force: true });
  });

  it("with guarded tools", async () => {
    const { tidyUp } = await import("./shown.test.example.ts");
    const model = fakeModel().respondWithTools([{ name: "bash", args: { cmd: "rm -rf /", why: "space" }, id: "1" }]);
    expect(await tidyUp(model.respond(new AIMessage("done")) as never)).toContain("denied, the tool did not run");
  });

  it("with the middleware", async () => {
    const { tidyUp } = await import("./shown.test.middleware.ts");
    const model = fakeModel().respondWithTools([{ name: "execute_shell", args: { command: "rm -rf /" }, id: "1" }]);
    expect(await tidyUp(model.respond(new AIMessage("done")) as never)).toContain("denied, the tool did not run");
  });
});
