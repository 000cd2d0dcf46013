// What a durable audit entry costs, beside a loop that does nothing but write lines of the same length and sync them, with the same number
// of lines a sync: once blocking the process until the disk is done, and once as a server must, which lets it do other work meanwhile. All run in turns in one process on one disk, so that only the ratio is worth quoting.
import { closeSync, fdatasync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { openAuditLog } from "@canopy-runtime/core";
import type { AuditLog, DecisionEntry, JsonObject } from "@canopy-runtime/core";
import { cloneJson } from "@canopy-runtime/core/policy";

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
  rules: [{ id: "shell-harmless", decision: "ALLOW", file: "canopy:default", line: 12 }],
  policy_digest: "0".repeat(64),
  trace_id: "00000000000000000000000000000000",
  enforced: true,
};

/** Entries per second of both, for each number of callers that wait at once. */
async function measureAudit(): Promise<void> {
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
    closeSync(bare);
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

await measureAudit();
