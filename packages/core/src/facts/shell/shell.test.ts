import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PathFact } from "../path.ts";
import { Unknown } from "../unknown.ts";
import type { FileEffect, ShellFact } from "./findings.ts";
import { judge } from "./judge.test.support.ts";
import { shellRecord } from "./record.ts";
import { analyseShell, shellFacts } from "./shell.ts";

const paths = { cwd: "/repo", home: "/home/agent", workspace: "/repo" };

function shell(script: string, base: Parameters<typeof analyseShell>[1] = { paths }): ShellFact {
  return analyseShell(script, base);
}

/** The paths of a list that are known, as they were written down. */
function known(list: { readonly items: readonly FileEffect[] }): readonly string[] {
  return list.items.flatMap(({ path }) => {
    const absolute = path instanceof Unknown ? path : path.absolute;
    return typeof absolute === "string" ? [absolute] : [];
  });
}

function programs(script: string): readonly string[] {
  return shell(script).programs.items;
}

describe("the fact", () => {
  it("has every member that its record describes, and no list besides", () => {
    const fact = shell("ls");
    expect(
      Object.keys(fact)
        .filter((name) => name !== "lookups")
        .toSorted(),
    ).toEqual(Object.keys(shellRecord.members).toSorted());
  });

  it("names every path that a disk could tell more about, and believes what the disk says", () => {
    const script = "cd src && git status && cat a.ts && rm -rf link/x";
    const { lookups } = shell(script);
    expect(lookups).toEqual(expect.arrayContaining(["/repo/src", "/repo/src/a.ts", "/repo/src/link/x"]));
    const plain = Object.fromEntries([...lookups, "/repo", "/home/agent"].map((path) => [path, { real: path, links: 1 }]));
    expect(shell("cd src && git status && cat a.ts", { paths, disk: plain }).complete).toBe(true);
    const [target] = shell(script, { paths, disk: { ...plain, "/repo/src/link/x": { real: "/etc/x", links: 1 } } }).deletes.items;
    expect(target?.path).toMatchObject({ system: true });
    const [unseen] = shell("rm -rf other", { paths, disk: plain }).deletes.items;
    expect(unseen?.path).toMatchObject({ system: { kind: "open" } });
  });

  it("is invalid for anything but a text", () => {
    for (const value of [null, 1, ["ls"], { command: "ls" }]) {
      const fact = shellFacts.analyse([value], { agentCtx: {}, payload: {} });
      expect(fact).toMatchObject({ kind: "invalid" });
    }
    expect(shellFacts.analyse([], { agentCtx: {}, payload: {} })).toBeInstanceOf(Unknown);
  });

  it("is complete for a plain command, and not for one with something opaque in it", () => {
    expect(shell("ls -la | wc -l").complete).toBe(true);
    expect(shell("ls -la | foo").complete).toBe(false);
    expect(shell("ls; $x").complete).toBe(false);
    expect(shell("ls 'x").complete).toBe(false);
  });

  it("finds the same twice, and changes nothing of what it was given", () => {
    expect(JSON.stringify(shell("cd src && rm -rf *; f() { ls; }; f"))).toBe(JSON.stringify(shell("cd src && rm -rf *; f() { ls; }; f")));
  });

  it("never throws, whatever the text", () => {
    const words = [
      "rm",
      " ",
      "$(",
      ")",
      "`",
      "'",
      '"',
      "{",
      "}",
      ";",
      "|",
      "&",
      "<<E\n",
      "E\n",
      "\n",
      "for x in",
      "do",
      "done",
      "if",
      "then",
      "fi",
      "case",
      "in",
      "esac",
      "$x",
      "${x",
      "((",
      "))",
      "[[",
      "]]",
      "<(",
      ">",
      "~",
      "*",
      "\\",
      "=",
      "\0",
      "\uE000",
      "sed s/a",
      "awk '",
      "xargs",
      "find . -exec",
      "\\;",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 24 }), (parts) => {
        expect(shell(parts.join("")).programs.items).toBeInstanceOf(Array);
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        expect(shell(text).complete).toBeTypeOf("boolean");
      }),
      { numRuns: 1000 },
    );
  });

  it("stays bounded on hostile text, and trusts none of it", () => {
    const hostile = [
      "$(".repeat(10_000),
      '"$('.repeat(5000),
      "(".repeat(20_000),
      "a=1&&".repeat(3000),
      "sudo ".repeat(3000),
      "for a in 1 2 3 4 5 6 7 8; do ".repeat(30) + "ls;" + "done;".repeat(30),
      "while x; do ".repeat(31) + "a=1;" + "done;".repeat(31),
      `${Array.from({ length: 30 }, (_, index) => `f${index}(){ f${index + 1}; f${index + 1}; }`).join(";")};f0`,
      "cd a;".repeat(1500),
    ];
    for (const text of hostile) expect(shell(text).complete).toBe(false);
  });

  it.each([
    ["every directory of `find` for each of its actions", `find${" a b c".repeat(300)}${" -exec rm {} \\;".repeat(200)}`],
    ["and for each deletion", `find${" a b c".repeat(400)}${" -delete".repeat(400)}`],
    ["the words of a wrapper within itself", `sudo${" -c ls".repeat(900)}`],
    ["a directory for each that may not be entered", Array.from({ length: 1000 }, (_, index) => `cd a${index};`).join("")],
  ])("puts no more effort into a script than it is worth: %s", (_what, text) => {
    const { suspicious_text: list } = shell(text);
    expect(list.open).toBe("it could not be analysed to its end");
  });

  it("keeps what it found before the effort ran out", () => {
    const { deletes } = shell(`rm -rf /; find${" a b c".repeat(300)}${" -exec cat {} \\;".repeat(200)}`);
    expect(deletes.items).toMatchObject([{ program: "rm", path: { absolute: "/" } }]);
    expect(deletes.open).not.toBeNull();
  });
});

describe("lists", () => {
  it("are opened by what is not known, and never emptied", () => {
    const fact = shell("rm -rf /; $CMD -rf /");
    expect(fact.programs.open).not.toBeNull();
    expect(known(fact.deletes)).toEqual(["/"]);
  });

  it("keep what was found before a syntax error, a limit, or too many wrappers", () => {
    for (const text of [
      "rm -rf /; echo 'x",
      `rm -rf /; ${"(".repeat(40)}`,
      `rm -rf /\n${"ls\n".repeat(9000)}`,
      `${"nice ".repeat(8)}rm -rf /`,
      `rm -rf /; ${"ls a b c d;".repeat(900)}`,
    ]) {
      const fact = shell(text);
      expect(known(fact.deletes)).toContain("/");
      expect(fact.complete).toBe(false);
    }
  });

  it("find what stands behind the limit of length as well", () => {
    expect(known(shell(`${"ls -la src\n".repeat(2000)}rm -rf /`).deletes)).toContain("/");
  });

  it("tell reads that are not known from secrets that may be", () => {
    const inside = shell("wc -l $(git ls-files)");
    expect(inside.programs.open).toBeNull();
    expect(inside.reads.open).not.toBeNull();
    expect(inside.secrets).toMatchObject({ items: [], open: null });
    expect(shell("wc -l $(cat list)").secrets.open).not.toBeNull();
  });

  it("hold an item whose path is open for a target that is not known", () => {
    const [item] = shell("rm -rf $X").deletes.items;
    expect(item?.path).toMatchObject({ kind: "open" });
    expect(item?.recursive).toBe(true);
  });
});

describe("commands", () => {
  it("have their words without quoting, and the text of them", () => {
    const [command] = shell(`r''m "-rf" $'\\x2f'`).commands.items;
    expect(command).toMatchObject({ program: "rm", args: ["-rf", "/"], text: "rm -rf /", recognized: true, wrapped_by: [] });
  });

  it("say what wraps them, outermost first", () => {
    const command = shell("sudo -u x env A=1 nice -n 5 ls").commands.items.find((item) => item.program === "ls");
    expect(command?.wrapped_by).toEqual(["sudo", "env", "nice"]);
  });

  it("are recognized only with options that are known", () => {
    expect(shell("ls --frob").unrecognized.items).toEqual(["ls"]);
    expect(shell("ls --al").unrecognized.items).toEqual(["ls"]);
    expect(shell("ls --almost").unrecognized.items).toEqual([]);
  });

  it("are open where only running the script would tell", () => {
    const [command] = shell("echo $X").commands.items;
    expect(command?.args[0]).toMatchObject({ kind: "open" });
    expect(command?.text).toMatchObject({ kind: "open" });
  });

  it.each([
    "a",
    "! a",
    "x=$(a)",
    "a[$(a)]=1",
    "x=(`a`)",
    ": ${y:-$(a)}",
    "echo $((1+$(a)))",
    "cat <(a)",
    "cat <<E\n$(a)\nE",
    "cat <<< $(a)",
    "[[ $(a) ]]",
    "case $(a) in x) ;; esac",
    "case x in $(a)) ;; esac",
    "for x in $(a); do :; done",
    "f() { a; }",
    "coproc a",
    "trap a EXIT",
    "eval a",
    "sh -c a",
    "sh <<< a",
    "echo a | sh",
    "env a",
    "xargs a",
    "find . -exec a \\;",
    "time a",
    "a &",
    "(a)",
    "{ a; }",
    "if a; then :; fi",
    "while a; do :; done",
    "ls > $(a)",
  ])("are found where a shell runs one: %s", (text) => {
    expect(programs(text)).toContain("a");
  });

  it.each(["echo a", "echo '$(a)'", "# a", "cat <<'E'\n$(a)\nE", "grep a", "x=a", "case a in a) ;; esac", "for a in b; do :; done"])(
    "are not found where a shell runs none: %s",
    (text) => {
      expect(programs(text)).not.toContain("a");
    },
  );
});

describe("directories", () => {
  it("follow cd, and know that one may fail", () => {
    expect(known(shell("cd /a && rm x").deletes)).toEqual(["/a/x"]);
    expect(known(shell("cd /a; rm x").deletes)).toEqual(["/a/x", "/repo/x"]);
    expect(known(shell("cd /a || exit; rm x").deletes)).toEqual(["/a/x"]);
    expect(known(shell("(cd /a); rm x").deletes)).toEqual(["/repo/x"]);
    expect(known(shell("cd src && cd .. && rm x").deletes)).toEqual(["/repo/x"]);
  });

  it("are not known behind a cd that is not", () => {
    const [item] = shell('cd "$X" && rm x').deletes.items;
    expect(item?.path).toMatchObject({ absolute: { kind: "open" } });
  });

  it("come from the request, and are not guessed where it has none", () => {
    expect(known(shell("rm x", { paths: { cwd: "/w" } }).deletes)).toEqual(["/w/x"]);
    expect(known(shell("rm x", { paths: {} }).deletes)).toEqual([]);
    expect(known(shell("rm ~/x", { paths: {} }).deletes)).toEqual([]);
    expect(known(shell("rm /x", { paths: {} }).deletes)).toEqual(["/x"]);
  });

  it("of a repository that the agent does not work in make git run what that repository says", () => {
    expect(shell("git status").code.items).toEqual([]);
    expect(shell("cd src && git status").code.items).toEqual([]);
    expect(shell("cd /tmp/x && git status").code.items).toEqual([{ kind: "repository", program: "git" }]);
    expect(shell("git -C ../x status").code.items).toEqual([{ kind: "repository", program: "git" }]);
    expect(shell("cd x && git status", { paths: {} }).code.items).toEqual([{ kind: "repository", program: "git" }]);
  });
});

describe("patterns", () => {
  it("are what they look like, and anything that they may match", () => {
    const [pattern, match] = shell("rm -rf /tmp/x-*").deletes.items.map(({ path }) => path as PathFact);
    expect(pattern?.absolute).toBe("/tmp/x-*");
    expect(pattern?.strictlyWithin(["/tmp/"])).toBe(true);
    expect(match?.strictlyWithin(["/tmp/"])).toBe(true);
    expect(match?.within(["/tmp/x-1"])).toBeInstanceOf(Unknown);
    expect(match?.within(["/etc"])).toBe(false);
  });

  it("match no name that begins with a dot, unless they do", () => {
    expect(shell("cat src/*.ts *.md").secrets).toMatchObject({ items: [], open: null });
  });

  it.each(["cat .e*", "cat /e??/sh?d?w", "cat ~/.s*/id*", "cat /*/shadow", "cat ../*/.ssh/id_rsa", "cat *_rsa"])(
    "may match a secret: %s",
    (text) => {
      const { secrets } = shell(text);
      expect(secrets.items.length > 0 || secrets.open !== null).toBe(true);
    },
  );
});

describe("the environment", () => {
  it.each([
    "PATH=x ls",
    "PATH=x",
    "export PATH=x",
    "env PATH=x ls",
    "unset PATH",
    "read PATH",
    "for PATH in x; do :; done",
    ": ${PATH:=x}",
    "printf -v PATH x",
    "((PATH=1))",
    "(PATH=x)",
    "ls | PATH=x cat",
  ])("counts where it decides what runs, however it is set: %s", (text) => {
    expect(shell(text).environment.items).toEqual([{ name: "PATH" }]);
  });

  it("does not count where it decides nothing", () => {
    expect(shell("FOO=x ls").environment.items).toEqual([]);
  });

  it("of the payload counts as the script's own", () => {
    expect(shell("ls", { paths, env: { LD_PRELOAD: "x" } }).environment.items).toEqual([{ name: "LD_PRELOAD" }]);
    expect(known(shell('rm "$X"', { paths, env: { X: "/etc/passwd" } }).deletes)).toEqual(["/etc/passwd"]);
    expect(judge("ls", { env: { GIT_DIR: "x" } })).toBe("REQUIRE_APPROVAL");
    expect(judge("rm -rf $X", { env: { X: "/" } })).toBe("DENY");
    expect(judge("rm -rf x", { cwd: "/" })).toBe("DENY");
  });
});

describe("text that deceives", () => {
  it.each([
    ["ls \u202E", "bidi"],
    ["ls \u200B", "invisible"],
    ["ls\u00A0-la", "unusual_blank"],
    ["ls\r", "control"],
    ["ls \u001B[2K", "control"],
    ["ls \uE000", "private_use"],
    ["ls \0", "nul"],
    ["l\u0455", "confusable_name"],
  ])("is named: %j is %s", (text, kind) => {
    expect(shell(text).suspicious_text.items).toContain(kind);
  });

  it("is not what people write in their own language", () => {
    expect(shell("echo 'grün 日本語 привет'").suspicious_text).toMatchObject({ items: [], open: null });
  });
});
