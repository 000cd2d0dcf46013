import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";

import type { Unknown } from "../unknown.ts";
import type { ShellFact } from "./findings.ts";
import { preamble, programs, script } from "./script-grammar.test.support.ts";
import { analyseShell } from "./shell.ts";

const bash = "/bin/bash";
/** How many scripts, and the seed that they come from: `CANOPY_TEST_SCRIPTS=20000 CANOPY_TEST_SEED=7`. */
const count = Number(process.env["CANOPY_TEST_SCRIPTS"] ?? 500);
const seed = Number(process.env["CANOPY_TEST_SEED"] ?? 20_261_121);

/** What bash did with a script: the programs that it ran with their arguments, and the files that it made. */
interface Ran {
  readonly calls: readonly (readonly string[])[];
  readonly files: readonly string[];
}

/** Runs the scripts, each in a subshell and a directory of its own, with nothing on the PATH but programs that note how they are called. */
function runBash(root: string, scripts: readonly string[]): readonly Ran[] {
  const [bin, home, log] = [join(root, "bin"), join(root, "home"), join(root, "log")];
  for (const folder of [bin, home, log]) mkdirSync(folder);
  for (const name of programs) {
    const status = name === "false" ? 1 : 0;
    writeFileSync(join(bin, name), `#!${bash} --norc\nprintf '%s\\0' "$(($# + 1))" "\${0##*/}" "$@" > "$LOG.$$"\nexit ${status}\n`, {
      mode: 0o755,
    });
  }
  // Some of them are builtins; so that they are run like any other program, bash is told that they are not.
  const setup = join(root, "setup");
  writeFileSync(setup, "enable -n true false test\n");
  for (const name of ["bash", "sh", "cat"]) writeFileSync(join(bin, name), `#!/bin/sh\nexec /bin/${name} "$@"\n`, { mode: 0o755 });
  const steps = scripts.map((text, index) => {
    const folder = join(root, String(index));
    mkdirSync(folder);
    writeFileSync(join(folder, "f1"), "");
    writeFileSync(join(folder, "f2"), "");
    writeFileSync(join(root, `${index}.sh`), preamble + text);
    // A shell of its own, so that syntax that bash refuses, and what a script sets, stays with it.
    return `cd '${folder}' && LOG='${root}/log/${index}' BASH_ENV='${setup}' timeout ${bash} --norc --noprofile '${root}/${index}.sh' >/dev/null 2>&1 </dev/null`;
  });
  const runner = join(root, "run.sh");
  writeFileSync(runner, `timeout() { /usr/bin/timeout 10 "$@"; }\n${steps.join("\n")}\ntrue\n`);
  // Nine in ten finish in milliseconds; side by side, so that those that wait for a child do not add up.
  const { status } = spawnSync(bash, ["--norc", "--noprofile", runner], {
    env: { PATH: bin, HOME: home, LC_ALL: "C.UTF-8" },
    timeout: 100_000 + 100 * scripts.length,
    stdio: "ignore",
  });
  expect(status).toBe(0);
  const calls = scripts.map((): (readonly string[])[] => []);
  // A file for each process: what several write to one would mingle.
  for (const name of readdirSync(log)) calls[Number.parseInt(name, 10)]?.push(...readCalls(join(log, name)));
  return calls.map((each, index) => ({
    calls: each,
    files: readdirSync(join(root, String(index))).filter((name) => !["f1", "f2"].includes(name)),
  }));
}

function readCalls(file: string): readonly (readonly string[])[] {
  const words = readFileSync(file, "utf8").split("\0").slice(0, -1);
  const calls: string[][] = [];
  while (words.length > 0) calls.push(words.splice(0, Number(words.shift())));
  return calls;
}

/** Whether the words may be what was found: a word that was not known may stand for any number of them. */
function fits(found: readonly (string | Unknown)[], words: readonly string[]): boolean {
  const [first, ...rest] = found;
  if (first === undefined) return words.length === 0;
  if (typeof first === "string") return words[0] === first && fits(rest, words.slice(1));
  return words.some((_, index) => fits(rest, words.slice(index))) || fits(rest, []);
}

function missedCall(fact: ShellFact, call: readonly string[]): "exact" | "perhaps" | "missed" {
  const found = fact.commands.items.filter(({ program }) => typeof program !== "string" || program === call[0]);
  if (
    found.some(
      ({ program, args }) => program === call[0] && args.length === call.length - 1 && args.every((arg, index) => arg === call[index + 1]),
    )
  )
    return "exact";
  if (fact.commands.open !== null || found.some(({ args }) => fits(args, call.slice(1)))) return "perhaps";
  return "missed";
}

function missedFile(fact: ShellFact, file: string): boolean {
  if (fact.writes.open !== null) return false;
  return !fact.writes.items.some(({ path }) => !("absolute" in path) || typeof path.absolute !== "string" || path.absolute === file);
}

test(
  `whatever bash runs and writes for ${count} scripts (seed ${seed}), the analysis has found or says that it may be missing`,
  { timeout: 120_000 + 150 * count },
  ({ annotate }) => {
    if (!existsSync(bash) || !existsSync("/usr/bin/timeout")) {
      return annotate(`there is no ${bash} or no timeout here, so nothing was compared`);
    }
    const root = realpathSync(mkdtempSync(join(tmpdir(), "canopy-scripts-")));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    const pieces = fc.sample(script, { numRuns: count, seed });
    const ran = runBash(
      root,
      pieces.map(({ text }) => text),
    );
    expect(ran).toHaveLength(count);
    const made = new Map<string, number>();
    const seen = { exact: 0, perhaps: 0, wholly: 0, closed: 0, files: 0, filesExact: 0 };
    const missed: string[] = [];
    for (const [index, { text, made: productions }] of pieces.entries()) {
      for (const name of new Set(productions)) made.set(name, (made.get(name) ?? 0) + 1);
      const folder = join(root, String(index));
      const fact = analyseShell(preamble + text, { paths: { cwd: folder, home: join(root, "home") } });
      if (fact.commands.open === null && fact.programs.open === null) seen.closed += 1;
      const { calls = [], files = [] } = ran[index] ?? {};
      const judged = calls.map((call) => missedCall(fact, call));
      if (judged.length > 0 && judged.every((found) => found === "exact")) seen.wholly += 1;
      for (const [at, found] of judged.entries()) {
        if (found === "missed") missed.push(`ran ${JSON.stringify(calls[at])} in ${JSON.stringify(text)}`);
        else seen[found] += 1;
      }
      for (const file of files) {
        seen.files += 1;
        if (missedFile(fact, join(folder, file))) missed.push(`wrote ${JSON.stringify(file)} in ${JSON.stringify(text)}`);
        else if (fact.writes.items.some(({ path }) => "absolute" in path && path.absolute === join(folder, file))) seen.filesExact += 1;
      }
    }
    console.info(`seed ${seed}, ${count} scripts: ${JSON.stringify(seen)}`);
    expect(missed).toEqual([]);
    // All of the grammar was tried, and what was found was mostly found out, not merely left open.
    expect([...made].filter(([, times]) => times < 2)).toEqual([]);
    expect(made.size).toBeGreaterThan(65);
    expect(seen.exact).toBeGreaterThan(count);
    expect(seen.wholly).toBeGreaterThan(count / 4);
    expect(seen.closed).toBeGreaterThan(count / 3);
    expect(seen.filesExact).toBeGreaterThan(seen.files / 2);
    return undefined;
  },
);
