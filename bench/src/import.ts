import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// What importing the built core costs a program that starts: fresh processes, in turn with ones that import nothing of ours.
const rounds = 21;
const folder = mkdtempSync(join(tmpdir(), "canopy-bench-"));
const core = import.meta.resolve("@canopy-runtime/core").replace("/src/index.ts", "/dist/index.js");
const programs = {
  "node:crypto, node:fs": `import "node:crypto"; import "node:fs";`,
  "@canopy-runtime/core": `import ${JSON.stringify(core)};`,
};

const times = new Map<string, number[]>(Object.keys(programs).map((name) => [name, []]));
for (const [index, source] of Object.values(programs).entries()) writeFileSync(join(folder, `${index}.mjs`), source);
for (let round = 0; round < rounds; round += 1) {
  for (const [index, name] of Object.keys(programs).entries()) {
    const url = pathToFileURL(join(folder, `${index}.mjs`)).href;
    const measure = `const t = performance.now(); await import(${JSON.stringify(url)}); process.stdout.write(String(performance.now() - t));`;
    const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "-e", measure], { encoding: "utf8" });
    if (status !== 0) throw new Error(`importing ${name} failed`);
    times.get(name)?.push(Number(stdout));
  }
}
rmSync(folder, { recursive: true });

console.log(`import in a fresh process, median of ${rounds}, milliseconds (Node ${process.versions.node})`);
for (const [name, samples] of times) {
  const sorted = samples.toSorted((a, b) => a - b);
  console.log(`  ${name.padEnd(24)} ${(sorted[Math.floor(rounds / 2)] ?? Number.NaN).toFixed(1).padStart(6)}`);
}
