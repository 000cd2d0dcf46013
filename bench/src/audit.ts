// `audit.ts PATH CALLERS MS` appends to the log at PATH for so long and prints how many entries were acknowledged: one of the several processes below.
// What a durable audit entry costs, beside a loop that does nothing but write lines of the same length and sync them, with the same number
// of lines a sync: once blocking the process until the disk is done, and once as a server must, which lets it do other work meanwhile. All run in turns in one process on one disk, so that only the ratio is worth quoting.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fdatasync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { openAuditLog, verifyAuditLog } from "@canopy-runtime/core";
import type { AuditLog, DecisionEntry, JsonObject } from "@canopy-runtime/core";
import { cloneJson } from "@canopy-runtime/core/policy";

import { writeResults } from "./results.ts";

const batches = [1, 8, 64, 512];
const turns = 6;
const turnMs = 250;

const entry: DecisionEntry = {
  type: "decision",
  avid: `AVID-${"0".repeat(64)}`,
  // As the runtime hands them on: copied at its door, and known to be.
  agent_ctx: cloneJson({ agent_id: "bench", env: "production" }) as JsonObject,
  action_type: "execute_shell",
  payload: cloneJson({ command: "git status --short" }),
  decision: "ALLOW",
  reason: "`git` only reads here; rule `shell-harmless` (canopy:default:12) allows it",
  rules: cloneJson([{ id: "shell-harmless", decision: "ALLOW", file: "canopy:default", line: 12 }]) as unknown as DecisionEntry["rules"],
  policy_digest: "0".repeat(64),
  trace_id: "00000000000000000000000000000000",
  enforced: true,
};

/** Entries per second of both, for each number of callers that wait at once, and what several processes, the writer's memory and a check cost. */
async function measureAudit(): Promise<void> {
  const rows: Record<string, unknown>[] = [];
  const directory = mkdtempSync(join(tmpdir(), "canopy-bench-"));
  try {
    const path = join(directory, "audit.log");
    await using log = await openAuditLog({ path });
    await log.append(entry);
    const line = Buffer.from(`${readFileSync(path, "utf8").split("\n")[1] ?? ""}\n`);
    const bare = openSync(join(directory, "bare"), "a");
    console.log(`audit: entries of ${line.length} bytes a second, durable`);
    console.log("  callers   bare, blocking        bare   audit log   of blocking   of bare   p50 ms   p99 ms");
    for (const batch of batches) {
      const counts = { blocking: 0, bare: 0, log: 0 };
      const latencies: number[] = [];
      for (let turn = 0; turn < turns; turn += 1) {
        const lines = Buffer.concat(Array.from({ length: batch }, () => line));
        counts.blocking += blockingTurn(bare, lines) * batch;
        counts.bare += (await bareTurn(bare, lines)) * batch;
        counts.log += await logTurn(log, batch, latencies);
      }
      latencies.sort((a, b) => a - b);
      const rate = (count: number): string => Math.round((count / turns / turnMs) * 1000).toLocaleString("en");
      const at = (share: number): string => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2);
      const ratio = (count: number): string => (counts.log / count).toFixed(2);
      rows.push({
        callers: batch,
        bareBlocking: Math.round((counts.blocking / turns / turnMs) * 1000),
        bare: Math.round((counts.bare / turns / turnMs) * 1000),
        log: Math.round((counts.log / turns / turnMs) * 1000),
        ofBare: counts.log / counts.bare,
      });
      const cells: [string, number][] = [
        [String(batch), 9],
        [rate(counts.blocking), 17],
        [rate(counts.bare), 12],
        [rate(counts.log), 12],
        [ratio(counts.blocking), 14],
        [ratio(counts.bare), 10],
        [at(0.5), 9],
        [at(0.99), 9],
      ];
      console.log(cells.map(([text, width]) => text.padStart(width)).join(""));
    }
    const single = rows[0]?.["bareBlocking"];
    console.log(`one write and one sync for each entry, blocking: ${String(single)} a second, which is the first row`);
    closeSync(bare);
    const processes = await severalProcesses(directory);
    const memory = await writerMemory(directory);
    const verified = await verification(path);
    writeResults("audit", { bytes: line.length, rows, processes, memory, verified });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function blockingTurn(fd: number, lines: Buffer): number {
  const end = performance.now() + turnMs;
  let rounds = 0;
  for (; performance.now() < end; rounds += 1) {
    writeSync(fd, lines);
    fdatasyncSync(fd);
  }
  return rounds;
}

const dataSync = promisify(fdatasync);

async function bareTurn(fd: number, lines: Buffer): Promise<number> {
  const end = performance.now() + turnMs;
  let rounds = 0;
  for (; performance.now() < end; rounds += 1) {
    writeSync(fd, lines);
    await dataSync(fd);
  }
  return rounds;
}

async function logTurn(log: AuditLog, callers: number, latencies: number[]): Promise<number> {
  const end = performance.now() + turnMs;
  let count = 0;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (let start = performance.now(); start < end;) {
        await log.append(entry);
        const now = performance.now();
        latencies.push(now - start);
        start = now;
        count += 1;
      }
    }),
  );
  return count;
}

/** Entries a second that four processes have acknowledged together, on one log. */
async function severalProcesses(directory: string): Promise<readonly Record<string, number>[]> {
  const rows: Record<string, number>[] = [];
  for (const callers of batches) {
    const path = join(directory, `shared-${callers}.log`);
    const counts = await Promise.all(Array.from({ length: 4 }, async () => await appendElsewhere(path, callers, 2000)));
    const perSecond = Math.round(counts.reduce((sum, count) => sum + count, 0) / 2);
    rows.push({ processes: 4, callers, perSecond });
    console.log(`4 processes with ${callers} callers each: ${perSecond.toLocaleString("en")} entries a second`);
  }
  return rows;
}

async function appendElsewhere(path: string, callers: number, ms: number): Promise<number> {
  const args = ["--conditions=@canopy-runtime/source", fileURLToPath(import.meta.url), path, String(callers), String(ms)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  await once(child, "close");
  return Number(text);
}

/** What the process holds, in MiB, before and after a quarter of a million entries. */
async function writerMemory(directory: string): Promise<{ readonly before: number; readonly after: number }> {
  await using log = await openAuditLog({ path: join(directory, "memory.log") });
  for (let count = 0; count < 20_000; count += 512) await Promise.all(Array.from({ length: 512 }, async () => await log.append(entry)));
  const before = rss();
  for (let count = 0; count < 250_000; count += 512) await Promise.all(Array.from({ length: 512 }, async () => await log.append(entry)));
  const after = rss();
  console.log(`memory of the writer: ${before} MiB after 20,000 entries, ${after} MiB after 250,000 more`);
  return { before, after };
}

function rss(): number {
  return Math.round(process.memoryUsage.rss() / 2 ** 20);
}

async function verification(path: string): Promise<{ readonly lines: number; readonly perSecond: number }> {
  const started = performance.now();
  const verdict = await verifyAuditLog(path);
  if (verdict.kind !== "valid") throw new Error(`the log is ${verdict.kind}`);
  const perSecond = Math.round((verdict.entries / (performance.now() - started)) * 1000);
  console.log(`verification: ${verdict.entries.toLocaleString("en")} lines, ${perSecond.toLocaleString("en")} a second`);
  return { lines: verdict.entries, perSecond };
}

const [path, callers, ms] = process.argv.slice(2);
if (path === undefined || callers === undefined || ms === undefined) {
  await measureAudit();
} else {
  await using log = await openAuditLog({ path });
  const end = performance.now() + Number(ms);
  let count = 0;
  await Promise.all(
    Array.from({ length: Number(callers) }, async () => {
      for (; performance.now() < end; count += 1) await log.append(entry);
    }),
  );
  console.log(count);
}
