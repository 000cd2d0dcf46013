import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { analyseShell } from "./shell.ts";

// A name behind `~` is left out: whether there is such an account is for the machine to say.
// What bash itself makes of words, beside what we make of them. Every script only calls `c`, a function that shows its arguments.
const prelude = `c() { printf '%s\\0' "$#" "$@"; }; cd /; HOME=/home/agent\n`;

const pieces = [
  "a",
  "b-",
  "/x",
  "'q r'",
  '"d e"',
  "\\ ",
  "\\'",
  "$'\\x41\\t'",
  "''",
  '""',
  "{m,n}",
  "{1..3}",
  "$V",
  '"$V"',
  "${V}",
  "${W}",
  '"${W}"',
  "$(echo s)",
  '"$(echo t u)"',
  "~/z",
  "=",
  "#",
  "\\\\",
  "`printf v`",
  "\\\n",
  "$E",
  "${V:-no}",
  "${N:-}",
  "=~",
  ":~",
];

const command = fc
  .array(
    fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 4 }).map((parts) => parts.join("")),
    { maxLength: 4 },
  )
  .map((words) => ["c", ...words].join(" "));

const script = fc
  .tuple(command, fc.constantFrom(";", " && ", "\n", " || c no;", "; true &&"), command)
  .map(([first, between, second]) => `V='v w'; W=x; E=; ${first}${between} ${second}`);

/** The arguments of each call, as bash runs them; one script after the other in the same process, each in a subshell. */
function runBash(scripts: readonly string[]): readonly (readonly string[])[][] | undefined {
  const body = scripts.map((text) => `(eval ${quote(text)}\n) 2>/dev/null </dev/null; printf '\\1\\0'`).join("\n");
  const { stdout, status } = spawnSync("/bin/bash", ["--norc", "--noprofile"], {
    input: prelude + body,
    encoding: "utf8",
    timeout: 8000,
    env: { PATH: "" },
  });
  if (status !== 0) return undefined;
  return stdout
    .split("\u0001\0")
    .slice(0, -1)
    .map((text) => {
      const words = text.split("\0").slice(0, -1);
      const calls: string[][] = [];
      while (words.length > 0) calls.push(words.splice(0, Number(words.shift())));
      return calls;
    });
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

describe.runIf(existsSync("/bin/bash"))("beside bash", () => {
  it("finds every call that bash makes, with the arguments that bash gives it", () => {
    const scripts = fc.sample(script, { numRuns: 500, seed: 20_261_121 });
    const ran = runBash(scripts);
    expect(ran).toHaveLength(scripts.length);
    let compared = 0;
    scripts.forEach((text, index) => {
      const fact = analyseShell(text, { paths: { cwd: "/", home: "/home/agent" } });
      const found = fact.commands.items.filter((item) => item.program === "c");
      for (const args of ran?.[index] ?? []) {
        const exact = found.some((item) => JSON.stringify(item.args) === JSON.stringify(args));
        const perhaps = fact.commands.open !== null || found.some((item) => item.args.some((arg) => typeof arg !== "string"));
        expect(exact || perhaps, `${text} ran with ${JSON.stringify(args)}, found ${JSON.stringify(found.map((item) => item.args))}`).toBe(
          true,
        );
        if (exact) compared += 1;
      }
    });
    expect(compared).toBeGreaterThan(400);
  }, 20_000);
});
