import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

import { expect, it, onTestFinished } from "vitest";

import { verifyAuditLog } from "../audit/index.ts";
import { approved, refund, runtime, uses } from "./approval.test.fixture.ts";

const child = fileURLToPath(new URL("./race.test.child.ts", import.meta.url));

/** Many more of the same, for whoever has minutes: `CANOPY_TEST_LONG=1`. */
const isLong = process.env["CANOPY_TEST_LONG"] === "1";
const racers = 8;

interface Racer {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  readonly lines: string[];
  readonly ready: Promise<unknown>;
  readonly ended: Promise<unknown>;
}

function race(log: string, count: number): Racer {
  const started = spawn(process.execPath, ["--conditions=@canopy-runtime/source", child, log, String(count)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => {
    started.kill("SIGKILL");
  });
  const lines: string[] = [];
  let rest = "";
  const ready = new Promise<void>((resolve) => {
    started.stdout.setEncoding("utf8").on("data", (text: string) => {
      const found = (rest + text).split("\n");
      rest = found.pop() ?? "";
      lines.push(...found);
      if (lines.includes("ready")) resolve();
    });
  });
  return { process: started, lines, ready, ended: once(started, "close") };
}

it.each([
  ["one approval", 1],
  [isLong ? "1,000 approvals" : "60 approvals", isLong ? 1000 : 60],
])(
  "eight processes that race to use %s use each exactly once",
  async (_what, count) => {
    const { canopy, log } = await runtime({ approvals: { maxPending: 10_000, maxPendingPerAgent: 10_000 } });
    const ids = new Set<string>();
    for (let amount = 1; amount <= count; amount += 1) {
      ids.add(await approved(canopy, refund({ actions: [{ actionType: "refund", payload: { amount } }] })));
    }
    await canopy.close();
    const all = Array.from({ length: racers }, () => race(log, count));
    await Promise.all(all.map(async ({ ready }) => await ready));
    for (const { process: racer } of all) racer.stdin.write("go\n");
    await Promise.all(all.map(async ({ ended }) => await ended));
    const allowed = all.flatMap(({ lines }) => lines.filter((line) => line.startsWith("allow ")));
    const used = allowed.map((line) => line.split(" ")[2] ?? "");
    expect([allowed.length, new Set(used)]).toEqual([count, ids]);
    // The amounts that ran are those that were approved, each with its own approval.
    expect(new Set(allowed.map((line) => line.split(" ")[1])).size).toBe(count);
    expect(await uses(log)).toHaveLength(count);
    expect(await verifyAuditLog(log)).toMatchObject({ kind: "valid" });
  },
  isLong ? 600_000 : 60_000,
);
