import { link, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { matchesPlainFiles } from "./look-up-globs.ts";
import { openCanopy } from "./open-canopy.ts";

let base = "";
let safe = "";

beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), "canopy-globs-")));
  safe = join(base, "repo");
  await mkdir(join(safe, "src", "deep"), { recursive: true });
  for (const name of ["a.ts", "b.ts", "src/c.ts", "src/deep/d.ts", "[x].txt"]) await writeFile(join(safe, name), "");
});

afterEach(async () => {
  await rm(base, { recursive: true });
});

describe("what a pattern matches", () => {
  it.each(["*", "*.ts", "*/*.ts", "s*c/*/d.ts", "[ab].ts", "none*", "none*/x", "?.ts", "*a*", "src/*"])(
    "is plain files: %s",
    async (pattern) => {
      expect(await matchesPlainFiles(join(safe, pattern))).toBe(true);
    },
  );

  it.each([
    ["*", "link"],
    ["l*", "link"],
    ["[!a]ink", "link"],
    ["L*", "link"],
    ["*/*", "src/link"],
    ["*/link", "src/link"],
    ["s?c/l*", "src/link"],
    [".*", ".link"],
    ["*/deep/*", "src/deep/link"],
  ])("may be something else: %s, where %s is a link", async (pattern, at) => {
    expect(await matchesPlainFiles(join(safe, pattern))).toBe(true);
    await symlink("/etc/hostname", join(safe, at));
    expect(await matchesPlainFiles(join(safe, pattern))).toBe(false);
  });

  it("may be a directory that a link leads to, and what is in it", async () => {
    await symlink("/etc", join(safe, "conf"));
    expect(await matchesPlainFiles(join(safe, "c*/passwd"))).toBe(false);
  });

  it("may be a file with another name", async () => {
    await link(join(safe, "a.ts"), join(base, "elsewhere"));
    expect(await matchesPlainFiles(join(safe, "*.ts"))).toBe(false);
    expect(await matchesPlainFiles(join(safe, "b*"))).toBe(true);
  });

  it("is not known where there is more than can be looked at, or the pattern climbs", async () => {
    for (let count = 0; count < 210; count += 1) await mkdir(join(safe, "src", `d${count}`));
    expect(await matchesPlainFiles(join(safe, "src/*/*"))).toBe(false);
    expect(await matchesPlainFiles(join(safe, "*/../x"))).toBe(false);
    expect(await matchesPlainFiles("relative/*")).toBe(false);
  });

  it("takes few steps, whatever the pattern", async () => {
    await writeFile(join(safe, "a".repeat(250)), "");
    expect(await matchesPlainFiles(join(safe, `${"*a".repeat(100)}b`))).toBe(true);
  });
});

describe("a command with a pattern, by the bundled policy", () => {
  it("is asked about where what it reads may be a link to somewhere else", async () => {
    await using canopy = await openCanopy({ audit: join(base, "audit.log") });
    const decide = async (command: string): Promise<string> =>
      (await canopy.authorizeAction({ cwd: safe, home: "/home/agent", safe_paths: [safe] }, "execute_shell", { command })).decision;
    const commands = ["cat *", "cat *.ts", "head -n 3 */*.ts", "grep -n x *.ts", "wc -l s*/c.ts"];
    for (const command of commands) expect([command, await decide(command)]).toEqual([command, "ALLOW"]);
    await symlink("/etc/shadow", join(safe, "notes.ts"));
    await symlink("/etc/shadow", join(safe, "src", "notes.ts"));
    for (const command of ["cat *", "cat *.ts", "head -n 3 */*.ts", "grep -n x *.ts", "cat src/[n]*"]) {
      expect([command, await decide(command)]).toEqual([command, "REQUIRE_APPROVAL"]);
    }
    expect(await decide("wc -l s*/c.ts")).toBe("ALLOW");
    expect(await decide("ls *")).toBe("ALLOW");
  });
});
