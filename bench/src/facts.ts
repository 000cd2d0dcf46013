// What it costs to understand a command and to judge it, beside reading it alone: by the parser that is underneath, and by a tokenizer that many
// projects use in the place of one. Each round runs all commands once through each of them, in turn, so that only what is in one row compares.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { evaluate, loadPolicy } from "@canopy-runtime/core/policy";
import { parse as tokenize } from "shell-quote";
import { parse } from "unbash";

import { writeResults } from "./results.ts";

const rounds = 60;
const agentCtx = { cwd: "/repo", home: "/home/agent", safe_paths: ["/repo/", "/tmp/"], safe_hosts: ["api.good.com"] };

interface Labelled {
  readonly command: string;
  readonly kind: "benign" | "threat";
}

const all = readFileSync(new URL("../../packages/core/vectors/shell.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Labelled);
const labelled = all.map(({ command }) => command);

/** One command or a short pipeline with a few words, as most of what agents run. */
function typical(kind: Labelled["kind"]): readonly string[] {
  return all
    .filter((each) => each.kind === kind)
    .map(({ command }) => command)
    .filter((command) => command.length <= 60 && !/[\n`$<{(]/.test(command) && command.split("|").length <= 3);
}

function longScript(index: number): string {
  let text = "";
  for (let line = 0; text.length < 5 * 1024; line += 1) text += `${labelled[(index * 31 + line * 7) % labelled.length] ?? ""}\n`;
  return text;
}

const shapes: Readonly<Record<string, readonly string[]>> = {
  "typical and harmless": typical("benign"),
  "as short, and threats": typical("threat"),
  "all labelled": labelled,
  "scripts of 5 KiB": Array.from({ length: 20 }, (_, index) => longScript(index)),
};

const policy = await loadPolicy({ name: "root", text: "version: 1\nextends: [canopy:default]\n" });

const readers: Readonly<Record<string, (command: string) => unknown>> = {
  "understood and judged": (command) => evaluate(policy, { agentCtx, actionType: "execute_shell", payload: { command } }),
  "parsed by unbash": (command) => parse(command),
  "split by shell-quote": (command) => split(command),
};

/** It throws on some of what bash runs. */
function split(command: string): unknown {
  try {
    return tokenize(command);
  } catch {
    return null;
  }
}

interface Cell {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

function measure(commands: readonly string[]): Readonly<Record<string, Cell>> {
  const samples = new Map<string, number[]>(Object.keys(readers).map((name) => [name, []]));
  for (let round = 0; round < rounds + 20; round += 1) {
    for (const [name, read] of Object.entries(readers)) {
      for (const command of commands) {
        const start = performance.now();
        read(command);
        const micros = (performance.now() - start) * 1000;
        // The first rounds warm the engine up.
        if (round >= 20) samples.get(name)?.push(micros);
      }
    }
  }
  return Object.fromEntries([...samples].map(([name, values]) => [name, cell(values)]));
}

function cell(values: readonly number[]): Cell {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 10) / 10;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}

/** In a process of its own: from its start to the first command that is judged, and of that what importing and loading took. */
function coldStart(): { readonly load: number; readonly first: number } {
  const script = `
    const start = performance.now();
    const { evaluate, loadPolicy } = await import("@canopy-runtime/core/policy");
    const policy = await loadPolicy({ name: "root", text: "version: 1\\nextends: [canopy:default]\\n" });
    const loaded = performance.now();
    evaluate(policy, { agentCtx: {}, actionType: "execute_shell", payload: { command: "git status" } });
    console.log(JSON.stringify({ load: loaded - start, first: performance.now() - loaded }));`;
  const runs = Array.from({ length: 9 }, () => {
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: new URL("..", import.meta.url),
      encoding: "utf8",
    });
    return JSON.parse(stdout) as { load: number; first: number };
  });
  const median = (pick: (run: { load: number; first: number }) => number): number =>
    runs.map(pick).toSorted((a, b) => a - b)[4] ?? Number.NaN;
  return { load: median(({ load }) => load), first: median(({ first }) => first) };
}

const results: Record<string, unknown> = {};
console.log("µs a command                    p50      p90      p99");
for (const [shape, commands] of Object.entries(shapes)) {
  const cells = measure(commands);
  results[shape] = { commands: commands.length, ...cells };
  console.log(`${shape}, ${commands.length} commands`);
  for (const [name, { p50, p90, p99 }] of Object.entries(cells)) {
    console.log(`  ${name.padEnd(24)} ${[p50, p90, p99].map((value) => value.toFixed(1).padStart(8)).join(" ")}`);
  }
}
const cold = coldStart();
console.log(
  `cold: ${cold.load.toFixed(1)} ms to import and load the bundled policy, ${cold.first.toFixed(1)} ms more for the first command`,
);
writeResults("facts", { ...results, cold });
