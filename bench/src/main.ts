import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

// Runs every benchmark of this folder, one after the other, each in a process of its own so that none warms up or slows down the next.
const folder = fileURLToPath(new URL(".", import.meta.url));
const wanted = process.argv.slice(2);
const benchmarks = readdirSync(folder)
  .filter((file) => file.endsWith(".ts") && !["main.ts", "results.ts"].includes(file))
  .map((file) => file.replace(/\.ts$/, ""))
  .filter((name) => wanted.length === 0 || wanted.includes(name))
  .toSorted();

if (benchmarks.length === 0) console.error(`no benchmark is called ${wanted.join(", ")}`);
process.exitCode = benchmarks.length === 0 ? 2 : 0;
for (const name of benchmarks) {
  console.log(`\n── ${name} ──`);
  const { status } = spawnSync(process.execPath, ["--conditions=@canopy-runtime/source", `${folder}${name}.ts`], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
