import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);
const examples = fileURLToPath(new URL("../../examples/", import.meta.url));

/** Runs an example in an empty folder, where it may leave its log. */
async function runExample(file: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "canopy-example-"));
  try {
    const { stdout } = await run(process.execPath, ["--conditions=@canopy-runtime/source", join(examples, file)], { cwd: folder });
    return stdout;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

it("quick-start asks about one action and is told", async () => {
  const [decision, reason, avid] = (await runExample("quick-start/ask.ts")).split("\n");
  expect(decision).toBe("DENY");
  expect(reason).toMatch(/\w/);
  expect(avid).toMatch(/^AVID-[0-9a-f]{64}$/);
});

it("quick-start observes what would be denied", async () => {
  expect(await runExample("quick-start/observe.ts")).toBe("ALLOW false DENY\n1 1 shell-delete-tree\n");
});

it("tidy-up stops a real agent loop before it does harm, and every claim that it makes is so", async () => {
  const output = await runExample("tidy-up/main.ts");
  expect(output).not.toContain("NOT SO");
  expect(output.match(/^ {2}ok /gm)).toHaveLength(7);
});

it("approve-across-restart pauses, ends, is approved with the command line and goes on in another process, once", async () => {
  const output = await runExample("approve-across-restart/main.ts");
  expect(output).not.toContain("NOT SO");
  expect(output.match(/^ {2}ok /gm)).toHaveLength(10);
});

it.each([
  ["ai-sdk-chat/main.ts", 6],
  ["langchain-agent/main.ts", 4],
  ["langgraph-restart/main.ts", 5],
  ["openai-run-tools/main.ts", 4],
  ["openai-responses/main.ts", 7],
])("%s runs offline, and every claim that it makes is so", async (file, claims) => {
  const output = await runExample(file);
  expect(output).not.toContain("NOT SO");
  expect(output.match(/^ {2}ok /gm)).toHaveLength(claims);
});
