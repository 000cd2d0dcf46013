import { readFileSync } from "node:fs";

import { beforeAll, describe, expect, it } from "vitest";

import type { JsonObject } from "../json.ts";
import type { Decision } from "./decision.ts";
import { evaluate } from "./evaluate.ts";
import { loadPolicy } from "./load.ts";
import type { Policy } from "./policy.ts";

interface Labelled {
  readonly id: string;
  readonly command: string;
  readonly expected: Decision;
  readonly cwd?: string;
}

const agentCtx: JsonObject = {
  cwd: "/repo",
  home: "/home/agent",
  safe_paths: ["/repo/", "/tmp/"],
  safe_hosts: ["api.good.com", "*.cdn.good.com"],
};

const labelled = readFileSync(new URL("../../vectors/shell.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Labelled);

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
const hex = (word: string): string =>
  `$'${[...Buffer.from(word)].map((byte) => String.raw`\x${byte.toString(16).padStart(2, "0")}`).join("")}'`;

/** Other ways to say the same: the command runs as it would by itself. */
const contexts: Readonly<Record<string, (command: string) => string>> = {
  "after a semicolon": (c) => `ls; ${c}`,
  "after and": (c) => `true && { ${c}\n}`,
  "after or": (c) => `false || { ${c}\n}`,
  "at the end of a pipe": (c) => `echo x | { ${c}\n}`,
  "at the start of a pipe": (c) => `{ ${c}\n} | cat`,
  "on another line": (c) => `ls -la\n# a comment\n${c}`,
  "in a subshell": (c) => `(${c}\n)`,
  "in a substitution": (c) => `echo "$(${c}\n)"`,
  "in an assigned substitution": (c) => `x=$(${c}\n)`,
  "in a function": (c) => `f() { ${c}\n}; f`,
  "in a function that another calls": (c) => `function g { ${c}\n}; h() { g "$@"; }; h 1 2`,
  "in a for loop": (c) => `for i in 1 2; do ${c}\ndone`,
  "in a while loop": (c) => `while true; do ${c}\nbreak; done`,
  "in a case": (c) => `case "$1" in a) ls;; *) ${c}\n;; esac`,
  "in an if": (c) => `if [ -d src ]; then ${c}\nelse ls\nfi`,
  "as a condition": (c) => `if ! { ${c}\n}; then ls; fi`,
  "in the background": (c) => `{ ${c}\n} & wait`,
  timed: (c) => `time { ${c}\n}`,
  "in a process substitution": (c) => `cat <(${c}\n)`,
  "in a here-document for sh": (c) => `sh <<'END_OF_IT'\n${c}\nEND_OF_IT`,
  "in a here-string for bash": (c) => `bash <<< ${quoted(c)}`,
  "piped to bash": (c) => `printf '%s\\n' ${quoted(c)} | bash`,
  "decoded and piped to sh": (c) => `echo ${Buffer.from(c).toString("base64")} | base64 -d | sh`,
  "for bash -lc": (c) => `bash -lc ${quoted(c)}`,
  "for a bash in three wrappers": (c) => `env -i timeout 5 nice bash -c ${quoted(c)}`,
  "for a shell that xargs starts": (c) => `echo x | xargs -I{} sh -c ${quoted(c)}`,
  "for a shell that find starts": (c) => `find . -maxdepth 0 -exec sh -c ${quoted(c)} \\;`,
  "for eval": (c) => `eval ${quoted(c)}`,
  "for eval, through a variable": (c) => `x=${quoted(c)}; eval "$x"`,
  "in a trap": (c) => `trap ${quoted(c)} EXIT`,
  "behind 80 commands that do nothing": (c) => `${": ; ".repeat(80)}${c}`,
  "with a redirect around it": (c) => `{ ${c}\n} > /dev/null 2>&1`,
};

/** Other ways to spell its words; for commands that are nothing but words. */
const spellings: Readonly<Record<string, (words: readonly string[]) => string>> = {
  "with empty quotes in its words": (words) => words.map((word) => `${word.slice(0, 1)}''${word.slice(1)}`).join(" "),
  "with quotes around each letter": (words) =>
    words.map((word) => Array.from(word, (letter, index) => (index % 2 === 0 ? `'${letter}'` : `"${letter}"`)).join("")).join(" "),
  "with backslashes in its words": (words) => words.map((word) => word.replaceAll(/[a-z/]/g, String.raw`\$&`)).join(" "),
  "as one brace": (words) => `{${words.join(",")}}`,
  encoded: (words) => words.map(hex).join(" "),
  "with line continuations": (words) => words.map((word) => `${word.slice(0, 1)}\\\n${word.slice(1)}`).join(" \\\n "),
  "from variables": (words) =>
    `${words.map((word, index) => `v${index}=${quoted(word)}`).join("; ")}; ${words.map((_, index) => `"$v${index}"`).join(" ")}`,
  "from substitutions": (words) => words.map((word) => `"$(printf %s ${quoted(word)})"`).join(" "),
  "with wider blanks": (words) => `\t ${words.join(" \t  ")} `,
};

const words = (command: string): readonly string[] | null => (/^[\w./-]+(?: [\w./-]+)+$/.test(command) ? command.split(" ") : null);

function variants(command: string): readonly (readonly [name: string, command: string])[] {
  const parts = words(command);
  return [
    ...Object.entries(contexts).map(([name, put]) => [name, put(command)] as const),
    ...(parts === null ? [] : Object.entries(spellings).map(([name, spell]) => [name, spell(parts)] as const)),
  ];
}

let policy: Policy;

beforeAll(async () => {
  policy = await loadPolicy({ name: "root", text: "version: 1\nextends: [canopy:default]\n" });
});

function decide({ cwd }: Labelled, command: string): Decision {
  return evaluate(policy, { agentCtx, actionType: "execute_shell", payload: { command, ...(cwd === undefined ? {} : { cwd }) } }).decision;
}

describe("a command said in other words, by the bundled policy", () => {
  it("is never allowed where it is a threat, and denied in 95 of 100", ({ annotate }) => {
    const threats = labelled.filter(({ expected }) => expected === "DENY");
    const allowed: string[] = [];
    const asked: string[] = [];
    let count = 0;
    for (const threat of threats) {
      expect(decide(threat, threat.command), threat.id).toBe("DENY");
      for (const [name, command] of variants(threat.command)) {
        count += 1;
        const decision = decide(threat, command);
        if (decision === "ALLOW") allowed.push(`${threat.id} ${name}: ${command}`);
        if (decision === "REQUIRE_APPROVAL") asked.push(`${threat.id} ${name}`);
      }
    }
    const denied = count - allowed.length - asked.length;
    console.info(`${threats.length} threats, ${count} variants: ${denied} denied, ${asked.length} asked, ${allowed.length} allowed`);
    expect(allowed).toEqual([]);
    expect(threats.length).toBeGreaterThan(80);
    expect(count).toBeGreaterThan(threats.length * 30);
    expect(denied / count, asked.slice(0, 40).join("\n")).toBeGreaterThanOrEqual(0.95);
    return annotate(`${denied} of ${count} denied`);
  });

  it("is never denied where it is harmless", () => {
    const harmless = labelled.filter(({ expected }) => expected === "ALLOW");
    const denied: string[] = [];
    let count = 0;
    for (const each of harmless) {
      for (const [name, command] of variants(each.command)) {
        count += 1;
        if (decide(each, command) === "DENY") denied.push(`${each.id} ${name}: ${command}`);
      }
    }
    console.info(`${harmless.length} harmless commands, ${count} variants: ${denied.length} denied`);
    expect(denied).toEqual([]);
    expect(harmless.length).toBeGreaterThan(80);
  });
});
