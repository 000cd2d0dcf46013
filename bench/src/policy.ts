import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Cell } from "./policy/cell.ts";
import { writeResults } from "./results.ts";

// One logical policy under every engine, with the answers checked against the truth before anything is timed; each cell in a process of its own.
const counts = [10, 100, 1000, 10_000];
/** Engines that look at every rule take this many rules and no more: a cell would take minutes. */
const most: Readonly<Record<string, number>> = { "json-rules-engine": 100, "casbin (eval)": 1000, "@microsoft/agent-governance-sdk": 1000 };
const names = [
  "canopy",
  "@casl/ability",
  "@marcbachmann/cel-js (its own evaluator)",
  "casbin (eval)",
  "cedar (wasm, preparsed)",
  "@microsoft/agent-governance-sdk",
  "json-rules-engine",
];

/** Each cell is measured this often, in processes of their own, and the one with the middle median counts: these machines are noisy. */
const rounds = 3;

function measure(engine: string, rules: number): Cell {
  const cells = Array.from({ length: rounds }, (): Cell => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [...process.execArgv, cell, engine, String(rules)], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`${engine} with ${rules} rules: ${stderr}`);
    return JSON.parse(stdout) as Cell;
  });
  const middle = cells.toSorted((a, b) => a.p50 - b.p50)[Math.floor(rounds / 2)];
  if (middle === undefined) throw new Error("nothing was measured");
  return middle;
}

const cell = fileURLToPath(new URL("policy/cell.ts", import.meta.url));
const rows: { engine: string; rules: number; result: Cell }[] = [];
console.log("engine                                      rules     p50 µs     p99 µs   decisions/s");
for (const engine of names) {
  for (const rules of counts) {
    if (rules > (most[engine] ?? Number.POSITIVE_INFINITY)) continue;
    const result = measure(engine, rules);
    rows.push({ engine, rules, result });
    const { p50, p99, perSecond } = result;
    console.log(
      `${engine.padEnd(42)} ${String(rules).padStart(6)} ${p50.toFixed(2).padStart(10)} ${p99.toFixed(2).padStart(10)} ${Math.round(perSecond).toLocaleString("en").padStart(13)}`,
    );
  }
}
const of = (rules: number): number => rows.find((row) => row.engine === "canopy" && row.rules === rules)?.result.p50 ?? Number.NaN;
console.log(`\ncanopy: the median at 1,000 rules is ${(of(1000) / of(10)).toFixed(2)} times that at 10`);
writeResults("policy", rows);
