import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Effects } from "./effects.ts";
import { analysePath, pathBase, pathFacts, pathRecord } from "./path.ts";
import type { PathFact } from "./path.ts";
import type { DiskFact, FactContext } from "./schema.ts";
import { Unknown } from "./unknown.ts";

const base = { cwd: "/repo", home: "/home/agent", workspace: "/repo" };

function factOf(path: string, context: Partial<FactContext> = {}): PathFact {
  const fact = pathFacts.analyse([path], { agentCtx: { cwd: "/repo", home: "/home/agent" }, payload: { path }, ...context });
  if (fact instanceof Unknown) throw new Error(`not a fact: ${fact.why}`);
  return fact as PathFact;
}

const disk = (facts: Record<string, Partial<DiskFact>>): Record<string, DiskFact> =>
  Object.fromEntries(Object.entries(facts).map(([path, fact]) => [path, { real: path, links: 1, ...fact }]));

function kind(value: unknown): unknown {
  return value instanceof Unknown ? value.kind : value;
}

/** Whether a path is strictly within the working directory, by its text and by what the disk said. */
const inRepo = (path: string, given: Record<string, DiskFact>): unknown =>
  kind(analysePath(path, { ...base, literal: true }, given).strictlyWithin(["/repo"]));

describe("within, where the disk does not say", () => {
  it("is false for what the text says is outside", () => {
    expect(inRepo("/*", {})).toBe(false);
    expect(inRepo("/etc/x", disk({ "/repo": {} }))).toBe(false);
  });

  it("is open for what the text says is inside, or where the two differ", () => {
    expect(inRepo("/repo/*", disk({ "/repo": {} }))).toBe("open");
    expect(inRepo("/repo/x", disk({ "/repo": {}, "/repo/x": { real: "/etc/x" } }))).toBe("open");
    expect(inRepo("/link/x", disk({ "/repo": {}, "/link/x": { real: "/repo/x" } }))).toBe("open");
  });
});

describe("what a path stands for", () => {
  it.each([
    ["src/a.ts", "/repo/src/a.ts"],
    ["./src/../src//a.ts/", "/repo/src/a.ts"],
    ["../../../..", "/"],
    ["~", "/home/agent"],
    ["~/x", "/home/agent/x"],
    ["$HOME/x", "/home/agent/x"],
    ["${HOME}/../x", "/home/x"],
    ["$PWD/x", "/repo/x"],
    ["file:///tmp/a%20b", "/tmp/a b"],
  ])("%s is %s", (text, absolute) => {
    expect(kind(analysePath(text, base).absolute)).toBe(absolute);
  });

  it.each([
    "~other/x",
    "$OTHER/x",
    "$(pwd)/x",
    "a%2fb",
    "..\\x",
    "C:\\x",
    "a\0b",
    " a",
    "",
    "/proc/7/cwd/x",
    "/proc/self/root/tmp/x",
    "x".repeat(5000),
  ])("%j stands for no place that can be told", (text) => {
    expect(kind(analysePath(text, base).absolute)).toBe("open");
  });

  it("is open for a relative path without a working directory, and for one that is itself relative", () => {
    expect(kind(analysePath("a", {}).absolute)).toBe("open");
    expect(kind(analysePath("a", { cwd: "repo" }).absolute)).toBe("open");
    expect(kind(analysePath("~/a", { cwd: "/repo" }).absolute)).toBe("open");
  });

  it("takes a literal text as the system will", () => {
    const fact = analysePath("~/$HOME/%41", { ...base, literal: true });
    expect(fact.absolute).toBe("/repo/~/$HOME/%41");
    expect(fact.within("/repo")).toBe(true);
  });

  it("reads Windows paths by their own rules where the host is one", () => {
    const windows = { cwd: "C:\\repo", home: "C:\\Users\\agent", workspace: "C:\\repo" };
    expect(analysePath("src\\..\\a.ts", windows).absolute).toBe("C:\\repo\\a.ts");
    expect(analysePath("c:/REPO/src/a.ts", windows).within("C:\\repo")).toBe(true);
    expect(analysePath("..\\repo2\\a.ts", windows).within("C:\\repo")).toBe(false);
    expect(analysePath("\\Windows\\x", windows).system).toBe(true);
    expect(analysePath("D:x", windows).within("D:\\")).toBeInstanceOf(Unknown);
    expect(analysePath("\\\\?\\C:\\Windows\\System32\\config\\SAM", windows).secret).toBe(true);
    expect(analysePath("\\\\server\\share\\..\\x", windows).within("\\\\server\\share")).toBe(true);
  });
});

describe("being inside a directory", () => {
  it("is judged name by name", () => {
    expect(analysePath("/repo/x", base).within("/repo")).toBe(true);
    expect(analysePath("/repository/x", base).within("/repo")).toBe(false);
    expect(analysePath("/repo", base).within(["/tmp", "/repo/"])).toBe(true);
    expect(analysePath("/repo", base).strictlyWithin(["/tmp", "/repo/"])).toBe(false);
    expect(analysePath("/repo/x", base).within("/repo/../tmp")).toBe(false);
    expect(analysePath("/repo/x", base).within([])).toBe(false);
    expect(analysePath("/repo/x", base).within("/")).toBe(true);
  });

  it("is open where only the case differs, and where readings differ", () => {
    expect(kind(analysePath("/Repo/x", base).within("/repo"))).toBe("open");
    expect(kind(analysePath("%2e%2e/x", base).within("/repo"))).toBe("open");
    expect(kind(analysePath("~/x", base).within("/repo"))).toBe("open");
    expect(kind(analysePath("a", {}).within("/repo"))).toBe("open");
  });

  it("is invalid for what is no absolute directory, unless another one holds it", () => {
    const fact = analysePath("/repo/x", base);
    for (const wrong of [null, 1, {}, ["x"], [1], "x", "~/x", "", "C:x", ["/tmp", ""]]) expect(kind(fact.within(wrong))).toBe("invalid");
    expect(fact.within(["x", "/repo"])).toBe(true);
  });
});

describe("the disk", () => {
  it("shows a symlink that leads out", () => {
    const fact = factOf("link/passwd", { disk: disk({ "/repo/link/passwd": { real: "/etc/passwd" } }) });
    expect(fact.system).toBe(true);
    expect(fact.within("/repo")).not.toBe(true);
  });

  it("shows a symlink that leads into a safe place from outside, which is not taken for being inside", () => {
    const fact = factOf("/other/x", { disk: disk({ "/other/x": { real: "/repo/x" } }) });
    expect(fact.within("/repo")).not.toBe(true);
  });

  it("resolves the directories that are asked about as well", () => {
    const facts = disk({ "/repo/x": { real: "/data/repo/x" }, "/repo": { real: "/data/repo" } });
    const fact = factOf("x", { disk: facts });
    expect(fact.within("/repo")).toBe(true);
    expect(fact.foreign).toBe(false);
  });

  it("is asked about the path that a kernel walks, where `..` follows a name", () => {
    expect(factOf("link/../x").lookups).toEqual(["/repo/link/../x"]);
    const fact = factOf("link/../shadow", { disk: disk({ "/repo/link/../shadow": { real: "/etc/shadow" } }) });
    expect(fact.secret).toBe(true);
    expect(fact.within("/repo")).not.toBe(true);
  });

  it("leaves open what it was not asked about", () => {
    const fact = factOf("x", { disk: {} });
    expect(kind(fact.within("/repo"))).toBe("open");
    expect(kind(fact.linked)).toBe("open");
    expect(factOf("x").linked).toBe(false);
  });

  it("is not answered by an inherited property", () => {
    const fact = factOf("/__proto__", { disk: {} });
    expect(kind(fact.secret)).toBe("open");
  });

  it("shows other names of a file", () => {
    expect(factOf("x", { disk: disk({ "/repo/x": { links: 2 } }) }).linked).toBe(true);
    expect(factOf("x", { disk: disk({ "/repo/x": { links: 1 } }) }).linked).toBe(false);
    expect(factOf("x", { disk: disk({ "/repo/x": { links: Number.NaN } }) }).linked).toBe(true);
  });

  it("that answers with no absolute path has answered nothing", () => {
    expect(kind(factOf("x", { disk: disk({ "/repo/x": { real: "x" } }) }).within("/repo"))).toBe("open");
  });
});

describe("the request", () => {
  it("gives no path where the argument is none", () => {
    for (const wrong of [null, 1, true, [], {}, ["a"], "a".repeat(4097)]) {
      expect(kind(pathFacts.analyse([wrong], { agentCtx: {}, payload: {} }))).toBe("invalid");
    }
    expect(kind(pathFacts.analyse([], { agentCtx: {}, payload: {} }))).toBe("invalid");
  });

  it("cannot move a file action by naming another working directory", () => {
    const fact = factOf("x", { agentCtx: { cwd: "/home/agent" }, payload: { path: "x", cwd: "/repo" } });
    expect(kind(fact.within("/repo"))).toBe("open");
    const dressed = factOf("x", { agentCtx: { cwd: "/home/agent" }, payload: { path: "x", cwd: "/repo", command: "x" } });
    expect(kind(dressed.within("/repo"))).toBe("open");
    expect(factOf("x", { payload: { path: "x", cwd: "/repo" } }).within("/repo")).toBe(true);
    expect(factOf("/repo/x", { payload: { path: "/repo/x", cwd: "/other" } }).within("/repo")).toBe(true);
  });

  it("moves a command, from the agent's directory where it is relative", () => {
    const agentCtx = { cwd: "/repo", home: "/home/agent" };
    expect(pathBase({ agentCtx, payload: { command: "ls", cwd: "src" } }).cwd).toBe("/repo/src");
    expect(pathBase({ agentCtx, payload: { command: "ls", cwd: "/tmp" } })).toEqual({
      cwd: "/tmp",
      home: "/home/agent",
      workspace: "/repo",
    });
    expect(pathBase({ agentCtx, payload: { command: "ls", cwd: 1 } }).cwd).toBeUndefined();
    expect(pathBase({ agentCtx, payload: { command: "ls", cwd: "$X" } }).cwd).toBeUndefined();
    expect(pathBase({ agentCtx: { cwd: ["/repo"], home: 1 }, payload: null })).toEqual({});
  });

  it("knows nobody's place where the agent's directory is not known", () => {
    const fact = factOf("/other/x", { agentCtx: {} });
    expect(kind(fact.foreign)).toBe("open");
    expect(factOf("/etc/passwd", { agentCtx: {} }).system).toBe(true);
    expect(factOf("/other/x").foreign).toBe(true);
  });

  it("names Canopy's own files", () => {
    const ownFiles = ["/var/log/canopy/agent.jsonl", "/repo/policies/team.yaml"];
    expect(factOf("policies/team.yaml", { ownFiles }).canopy).toBe(true);
    expect(factOf("Policies/TEAM.yaml", { ownFiles }).canopy).toBe(true);
    expect(factOf("policies", { ownFiles }).canopy).toBe(false);
    expect(factOf("policies", { ownFiles }).anchor).toBe(true);
    expect(factOf("policies/other.yaml", { ownFiles }).canopy).toBe(false);
    for (const name of ["agent.jsonl.head", "agent.jsonl.000000000000", "AGENT.jsonl.torn-1", "agent.jsonl.broken-1/agent.jsonl"]) {
      expect(factOf(`/var/log/canopy/${name}`, { ownFiles }).canopy, name).toBe(true);
    }
    for (const name of ["agent.jsonlx", "agent", "other/agent.jsonl.head", "xagent.jsonl.head"]) {
      expect(factOf(`/var/log/canopy/${name}`, { ownFiles }).canopy, name).toBe(false);
    }
  });
});

describe("a place where people work inside what is the system's elsewhere", () => {
  it.each([
    ["/root/project", "/root/project/a.ts", false],
    ["/root/project", "/root/other/a.ts", true],
    ["/var/www/site", "/var/www/site/index.html", false],
    ["/usr/src/app", "/usr/src/app/a.ts", false],
    ["/var", "/var/lib/x", true],
    ["/etc/app", "/etc/app/x", true],
  ])("with %s as working directory, the system owns %s: %s", (cwd, path, system) => {
    expect(analysePath(path, { cwd, workspace: cwd }).system).toBe(system);
  });

  it("leaves root's home to who has it as home", () => {
    expect(analysePath("/root/a.ts", { home: "/root" }).system).toBe(false);
    expect(analysePath("/root/.bashrc", { home: "/root" }).startup).toBe(true);
    expect(analysePath("/etc/passwd", { home: "/" }).system).toBe(true);
  });
});

describe("every text", () => {
  const odd = fc.constantFrom(
    "..",
    ".",
    "/",
    "//",
    "~",
    "$HOME",
    "%2e",
    "%25",
    "\\",
    "\0",
    "*",
    "[",
    "C:",
    "file:",
    "/proc/self/root",
    "git~1",
    " ",
    "${",
    "$(",
    ".git",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.oneof(odd, fc.string()), { maxLength: 12 }).map((parts) => parts.join("")),
  );

  it("gets an answer to every question, of the type that the record says", () => {
    fc.assert(
      fc.property(text, fc.boolean(), (path, literal) => {
        const fact = analysePath(path, { ...base, literal });
        return Object.entries(pathRecord.members).every(([name, member]) => {
          const value: unknown = member.kind === "method" ? member.call(fact as never, ["/repo"]) : Reflect.get(fact, name);
          if (value instanceof Unknown) return value.kind === "open";
          return name === "problems" ? value instanceof Effects : typeof value === (member.type.kind === "bool" ? "boolean" : "string");
        });
      }),
      { numRuns: 3000 },
    );
  });

  it("is inside only where the resolved text begins with the directory", () => {
    fc.assert(
      fc.property(text, (path) => {
        const fact = analysePath(path, base);
        return fact.within("/repo") !== true || fact.absolute instanceof Unknown || `${fact.absolute}/`.startsWith("/repo/");
      }),
      { numRuns: 3000 },
    );
  });

  it("is no looser read by all readings than by the literal one", () => {
    fc.assert(
      fc.property(text, (path) => {
        const all = analysePath(path, base);
        const one = analysePath(path, { ...base, literal: true });
        const guards = (["secret", "system", "repository_internal", "canopy", "anchor"] as const).every(
          (name) => one[name] !== true || all[name] === true,
        );
        return guards && (one.within("/repo") === true || all.within("/repo") !== true);
      }),
      { numRuns: 3000 },
    );
  });
});
