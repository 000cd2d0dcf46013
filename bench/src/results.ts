import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

/** Writes what was measured beside the machine and the versions that it was measured on, to `bench/results/NAME.json`. */
export function writeResults(name: string, results: unknown): void {
  const folder = fileURLToPath(new URL("../results/", import.meta.url));
  const { devDependencies } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform}-${process.arch}`,
  };
  mkdirSync(folder, { recursive: true });
  const report = { measured: new Date().toISOString(), machine, node: process.versions.node, versions: devDependencies, results };
  writeFileSync(`${folder}${name}.json`, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`written: bench/results/${name}.json`);
}
