// What a durable audit entry costs, beside a loop that does nothing but write lines of the same length and sync them, with the same number
// of lines a sync. Both run in turns in one process on one disk, so that only the ratio is worth quoting.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openAuditLog } from "../../packages/core/src/audit/index.ts";
import type { AuditLog, DecisionEntry } from "../../packages/core/src/audit/index.ts";

const batches = [1, 8, 64, 512];
const turns = 6;
const turnMs = 250;

const entry: DecisionEntry = {
  type: "decision",
  avid: `AVID-${"0".repeat(64)}`,
  agent_ctx: { agent_id: "bench", env: "production" },
  action_type: "execute_shell",
  payload: { command: "git status --short" },
  decision: "ALLOW",
  reason: "`git` only reads here; rule `shell-harmless` (canopy:default:12) allows it",
  rules: [{ id: "shell-harmless", decision: "ALLOW", file: "canopy:default", line: 12 }],
  policy_digest: "0".repeat(64),
  trace_id: "00000000000000000000000000000000",
  enforced: true,
};

/** Entries per second of both, for each number of callers that wait at once. */
export async function measureAudit(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "canopy-bench-"));
  try {
    const path = join(directory, "audit.log");
    await using log = await openAuditLog({ path });
    await log.append(entry);
    const line = Buffer.from(`${readFileSync(path, "utf8").split("\n")[1] ?? ""}\n`);
    const bare = openSync(join(directory, "bare"), "a");
    console.log(`audit: entries of ${line.length} bytes a second, durable`);
    console.log("  callers   bare write+fdatasync   audit log   ratio   p50 ms   p99 ms");
    for (const batch of batches) {
      const counts = { bare: 0, log: 0 };
      const latencies: number[] = [];
      for (let turn = 0; turn < turns; turn += 1) {
        counts.bare += bareTurn(bare, Buffer.concat(Array.from({ length: batch }, () => line))) * batch;
        counts.log += await logTurn(log, batch, latencies);
      }
      latencies.sort((a, b) => a - b);
      const rate = (count: number): string => Math.round((count / turns / turnMs) * 1000).toLocaleString("en");
      const at = (share: number): string => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2);
      console.log(
        `  ${String(batch).padStart(7)}${rate(counts.bare).padStart(23)}${rate(counts.log).padStart(12)}${(counts.log / counts.bare).toFixed(2).padStart(8)}` +
          `${at(0.5).padStart(9)}${at(0.99).padStart(9)}`,
      );
    }
    closeSync(bare);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function bareTurn(fd: number, lines: Buffer): number {
  const end = performance.now() + turnMs;
  let rounds = 0;
  while (performance.now() < end) {
    writeSync(fd, lines);
    fdatasyncSync(fd);
    rounds += 1;
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

if (import.meta.main) await measureAudit();
