import { link, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lookUpPaths } from "./look-up-paths.ts";

let base = "";
let safe = "";

beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), "canopy-paths-")));
  safe = join(base, "safe");
  await mkdir(safe);
  await mkdir(join(base, "outside"));
  await writeFile(join(base, "outside", "secret"), "s");
});

afterEach(async () => {
  await rm(base, { recursive: true, force: true });
});

async function lookUp(path: string): Promise<{ real: string; links: number } | undefined> {
  const looked = await lookUpPaths("modify_file", { path }, { agentCtx: { cwd: safe, safe_paths: [safe] }, ownFiles: [] });
  const [first] = Object.entries(looked?.disk ?? {});
  return first?.[1];
}

describe("lookUpPaths", () => {
  it("resolves a file that is there, and the directories that it is compared with", async () => {
    await writeFile(join(safe, "a.txt"), "a");
    const looked = await lookUpPaths(
      "read_file",
      { path: "a.txt" },
      { agentCtx: { cwd: safe, safe_paths: [base] }, ownFiles: [join(base, "audit.log")] },
    );
    expect(looked?.named).toEqual([join(safe, "a.txt")]);
    expect(looked?.disk).toEqual({
      [join(safe, "a.txt")]: { real: join(safe, "a.txt"), links: 1 },
      [base]: { real: base, links: 1 },
      [safe]: { real: safe, links: 1 },
      [join(base, "audit.log")]: { real: join(base, "audit.log"), links: 0 },
    });
  });

  it("resolves a file that is not there yet by its deepest existing parent", async () => {
    expect(await lookUp("new/deep/file.txt")).toEqual({ real: join(safe, "new", "deep", "file.txt"), links: 0 });
  });

  it("follows a symlink in the middle and at the end, also one that leads to nothing yet", async () => {
    await symlink(join(base, "outside"), join(safe, "door"));
    await symlink(join(base, "outside", "secret"), join(safe, "harmless.txt"));
    await symlink("../outside/not-yet", join(safe, "later.txt"));
    expect((await lookUp("door/new.txt"))?.real).toBe(join(base, "outside", "new.txt"));
    expect((await lookUp("harmless.txt"))?.real).toBe(join(base, "outside", "secret"));
    expect((await lookUp("later.txt"))?.real).toBe(join(base, "outside", "not-yet"));
    expect((await lookUp("door/../safe/x"))?.real).toBe(join(base, "safe", "x"));
    for (const missing of ["new/..", "new/deep/../..", "new/../new/.."]) {
      expect((await lookUp(`${missing}/later.txt`))?.real).toBe(join(base, "outside", "not-yet"));
      expect((await lookUp(`${missing}/harmless.txt`))?.real).toBe(join(base, "outside", "secret"));
      expect((await lookUp(`${missing}/door/a/b.txt`))?.real).toBe(join(base, "outside", "a", "b.txt"));
    }
  });

  it("asks the disk little about a path that goes on and on", async () => {
    const depth = 1_900;
    await symlink(join(base, "outside", "not-yet"), join(safe, "later"));
    expect((await lookUp(`${"x/".repeat(depth)}y`))?.real).toBe(join(safe, ...Array.from({ length: depth }, () => "x"), "y"));
    expect((await lookUp(`later/${"x/".repeat(3)}y`))?.real).toBe(join(base, "outside", "not-yet", "x", "x", "x", "y"));
  });

  it("looks at no more than a person could have meant: the action's own path first, then Canopy's files, and last where the agent may work", async () => {
    const agentCtx = { cwd: safe, safe_paths: Array.from({ length: 1000 }, (_, index) => join(base, `${index}`)) };
    const looked = await lookUpPaths("modify_file", { path: "a.txt" }, { agentCtx, ownFiles: [join(base, "audit.log")] });
    const paths = Object.keys(looked?.disk ?? {});
    expect(paths.slice(0, 3)).toEqual([join(safe, "a.txt"), join(base, "audit.log"), safe]);
    expect(paths).toHaveLength(256);
  });

  it("counts the names of a file, and leaves out what the disk would not tell", async () => {
    await link(join(base, "outside", "secret"), join(safe, "twin"));
    expect(await lookUp("twin")).toEqual({ real: join(safe, "twin"), links: 2 });
    await symlink("loop-b", join(safe, "loop-a"));
    await symlink("loop-a", join(safe, "loop-b"));
    const looked = await lookUpPaths("modify_file", { path: "loop-a" }, { agentCtx: { cwd: safe }, ownFiles: [] });
    expect(Object.keys(looked?.disk ?? {})).toEqual([safe]);
    expect(looked?.named).toEqual([join(safe, "loop-a")]);
  });

  it("looks up every path that a command names", async () => {
    await symlink(join(base, "outside", "secret"), join(safe, "harmless.txt"));
    const looked = await lookUpPaths(
      "execute_shell",
      { command: "cat harmless.txt; cd .. && rm -rf outside/x" },
      { agentCtx: { cwd: safe }, ownFiles: [] },
    );
    expect(looked?.disk).toMatchObject({
      [join(safe, "harmless.txt")]: { real: join(base, "outside", "secret") },
      [join(base, "outside", "x")]: { real: join(base, "outside", "x") },
    });
  });

  it("asks the disk about nothing where an action is not about files", async () => {
    expect(
      await lookUpPaths("call_external_api", { url: "https://example.com", path: "/etc" }, { agentCtx: {}, ownFiles: [] }),
    ).toBeUndefined();
    expect(await lookUpPaths("execute_shell", { command: 7 }, { agentCtx: {}, ownFiles: [] })).toBeUndefined();
    expect(await lookUpPaths("modify_file", { path: 7 }, { agentCtx: {}, ownFiles: [] })).toBeUndefined();
  });
});
