import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, it, onTestFinished } from "vitest";

import { verifyAuditLog } from "../audit/index.ts";
import { openAuditLogOn } from "../audit/audit-log.ts";
import { localDisk } from "../audit/disk.ts";
import { loadLock } from "../audit/lock.ts";
import type { LockMechanism } from "../audit/lock.ts";
import { approved, open, refund, temporaryFolder, uses } from "./approval.test.fixture.ts";

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

const races: readonly (readonly [string, number, LockMechanism])[] = [
  ["one approval", 1, "fs-native-extensions"],
  ...(isLong ? longRaces() : [["60 approvals", 60, "fs-native-extensions"] as const]),
];

function longRaces(): readonly (typeof races)[number][] {
  return [
    ["1,000 approvals", 1000, "fs-native-extensions"],
    ["200 approvals under the other lock", 200, "node:sqlite"],
  ];
}

it.each(races)(
  "eight processes that race to use %s use each exactly once",
  async (_what, count, only) => {
    const log = join(await temporaryFolder(), "audit.log");
    // The first to open a log chooses its lock, and the others follow.
    const machine = {
      disk: localDisk,
      loadLock: async (wanted: LockMechanism) => (wanted === only ? loadLock(wanted) : null),
      lockTimeoutMs: 10_000,
    };
    const audit = await openAuditLogOn(machine, { path: log });
    const canopy = await open(log, { audit, approvals: { maxPending: 10_000, maxPendingPerAgent: 10_000 } });
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
