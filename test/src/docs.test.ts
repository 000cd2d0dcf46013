import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

it("the documentation builds with no network, and no link in it leads nowhere", async () => {
  const folder = await mkdtemp(join(tmpdir(), "canopy-docs-"));
  try {
    const { stdout, stderr } = await run(process.execPath, [join(root, "scripts/build-docs.ts"), folder], { cwd: root });
    expect([stdout.trim(), stderr]).toEqual([`written: ${folder}/`, ""]);
    expect(await readdir(folder)).toEqual(expect.arrayContaining(["index.html", "docs", "packages", "policies"]));
    const page = await readFile(join(folder, "index.html"), "utf8");
    expect(page).toContain('<a href="docs/policies.html"');
    expect(page).not.toMatch(/<script|https?:\/\/(?!\w)|src=/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
