import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

import { expect, onTestFinished, test } from "vitest";

import { temporaryDirectory, temporaryLogPath } from "./audit.test.fixture.ts";
import { createAuditKey } from "./audit-key.ts";
import type { LockMechanism } from "./lock.ts";
import { entryId } from "./query.ts";
import { readAuditLog } from "./read.ts";
import { verifyAuditLog } from "./verify.ts";

const child = fileURLToPath(new URL("./append.test.child.ts", import.meta.url));
const condition = "--conditions=@canopy-runtime/source";
const mechanisms: readonly LockMechanism[] = ["fs-native-extensions", "node:sqlite"];

/** Much more of the same, for whoever has minutes: `CANOPY_TEST_LONG=1`. */
const isLong = process.env["CANOPY_TEST_LONG"] === "1";
const longTimeoutMs = isLong ? 600_000 : 180_000;

interface Appender {
  readonly process: ChildProcess;
  /** How often an entry was refused. */
  refused: () => number;
  /** `seq hash` of each entry that was acknowledged. */
  readonly acked: string[];
  readonly ended: Promise<void>;
}

/** Starts a process that appends, and kills it at the end of the test if it still runs. */
function start(path: string, mechanism: LockMechanism, limit: number, options: object = {}, shell?: string): Appender {
  const args = [condition, child, path, mechanism, String(limit), JSON.stringify(options)];
  const command = shell === undefined ? process.execPath : "sh";
  const started = spawn(command, shell === undefined ? args : ["-c", `${shell}; exec "$@"`, "sh", process.execPath, ...args], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => {
    started.kill("SIGKILL");
  });
  const acked: string[] = [];
  let refusals = 0;
  let rest = "";
  started.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    acked.push(...lines.filter((line) => line.includes(" ")));
    refusals += lines.filter((line) => line === "refused").length;
  });
  return { process: started, acked, refused: () => refusals, ended: once(started, "close").then(() => undefined) };
}

/** The verdict on the log, the acknowledged entries that are not in it, and those that are in it more than once. */
async function soundness(path: string, acked: readonly string[], publicKey?: string): Promise<unknown> {
  const recorded = new Map<number, string>();
  const bodies = new Set<string>();
  const twice: string[] = [];
  for await (const { entry } of readAuditLog(path)) {
    if (entry === null) continue;
    recorded.set(entry.seq, entryId(entry)?.split("-")[1] ?? "");
    if (entry.type !== "approval.test") continue;
    const body = JSON.stringify([entry.members["writer"], entry.members["count"]]);
    if (bodies.has(body)) twice.push(body);
    bodies.add(body);
  }
  const lost = acked.filter((line) => {
    const [seq, hash] = line.split(" ");
    return recorded.get(Number(seq)) !== hash?.slice(0, 32);
  });
  const verdict = await verifyAuditLog(path, publicKey === undefined ? {} : { publicKeys: [publicKey] });
  return { verdict: verdict.kind === "valid" ? `valid, head ${verdict.head}` : verdict, lost, twice };
}

const sound = { verdict: "valid, head matches", lost: [], twice: [] };

/** Segments that are full soon, and a key whose checkpoints come often. */
async function crowded(path: string): Promise<{ readonly options: object; readonly publicKey: string }> {
  const keyPath = `${path}-key`;
  const publicKey = createAuditKey(keyPath);
  await Promise.resolve();
  return { options: { keyPath, segmentBytes: 262_144, checkpointEvery: 50 }, publicKey };
}

test.for(mechanisms)(
  "8 processes and 4 threads append to one log, through its segments, and every entry that was acknowledged is there once (%s)",
  { timeout: longTimeoutMs },
  async (mechanism) => {
    const path = await temporaryLogPath();
    const { options, publicKey } = await crowded(path);
    const [each, perThread] = isLong ? [5000, 2000] : [120, 60];
    const acked: string[] = [];
    const threads = Array.from({ length: 4 }, async () => await appendInThread(path, mechanism, perThread, options, acked));
    const appenders = Array.from({ length: 8 }, () => start(path, mechanism, each, { ...options, callers: 16 }));
    await Promise.all([...threads, ...appenders.map(async ({ ended }) => await ended)]);
    acked.push(...appenders.flatMap((appender) => appender.acked));
    expect(acked).toHaveLength(8 * each + 4 * perThread);
    expect(new Set(acked).size).toBe(acked.length);
    expect(await soundness(path, acked, publicKey)).toEqual(sound);
  },
);

async function appendInThread(path: string, mechanism: LockMechanism, limit: number, options: object, acked: string[]): Promise<void> {
  const worker = new Worker(child, {
    argv: [path, mechanism, String(limit), JSON.stringify(options)],
    execArgv: [condition],
    stdout: true,
  });
  let text = "";
  worker.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  await once(worker, "exit");
  acked.push(...text.split("\n").filter((line) => line.includes(" ")));
}

test.for(mechanisms)("several processes append to one chain, and every entry that was acknowledged is there (%s)", async (mechanism) => {
  const path = await temporaryLogPath();
  const appenders = Array.from({ length: 4 }, () => start(path, mechanism, 200));
  await Promise.all(appenders.map(({ ended }) => ended));
  const acked = appenders.flatMap((appender) => appender.acked);
  expect(acked).toHaveLength(800);
  expect(await soundness(path, acked)).toEqual(sound);
});

test.for(mechanisms)(
  "processes that are killed at any moment leave a sound log, and lose nothing that was acknowledged (%s)",
  { timeout: longTimeoutMs },
  async (mechanism) => {
    const path = await temporaryLogPath();
    const { options, publicKey } = await crowded(path);
    const all: Appender[] = [];
    const running = Array.from({ length: 3 }, () => start(path, mechanism, 1_000_000, options));
    all.push(...running);
    let kills = 0;
    while (kills < (isLong ? 150 : 20)) {
      await sleep(30 + Math.random() * 150);
      expect(running.map(({ process: { exitCode } }) => exitCode)).toEqual(running.map(() => null));
      // One that never got to append proves nothing, and on a busy machine the lock may pass it by for long.
      const index = [0, 1, 2].map((ahead) => (kills + ahead) % running.length).find((at) => running[at]?.acked.length !== 0) ?? 0;
      const victim = running[index];
      if (victim === undefined || victim.acked.length === 0) continue;
      victim.process.kill("SIGKILL");
      await victim.ended;
      kills += 1;
      const next = start(path, mechanism, 1_000_000, options);
      running[index] = next;
      all.push(next);
    }
    for (const appender of running) appender.process.kill("SIGKILL");
    await Promise.all(all.map(({ ended }) => ended));
    const last = start(path, mechanism, 1, options);
    await last.ended;
    const acked = [...all, last].flatMap((appender) => appender.acked);
    expect(acked.length).toBeGreaterThanOrEqual(kills);
    expect(await soundness(path, acked, publicKey)).toEqual(sound);
  },
);

/** Whether the system has stopped the process. */
function isStopped(pid: number | undefined): boolean {
  const status = `/proc/${String(pid)}/status`;
  if (existsSync(status)) return /^State:\s+[Tt]/m.test(readFileSync(status, "utf8"));
  return spawnSync("ps", ["-o", "state=", "-p", String(pid)], { encoding: "utf8" })
    .stdout.trim()
    .startsWith("T");
}

test.skipIf(process.platform === "win32").for(mechanisms)(
  "a holder of the lock that is stopped for longer than anybody waits, and goes on later, forks nothing (%s)",
  { timeout: longTimeoutMs },
  async (mechanism) => {
    const path = await temporaryLogPath();
    const { options, publicKey } = await crowded(path);
    const appenders = Array.from({ length: 2 }, () => start(path, mechanism, 1_000_000, { ...options, lockTimeoutMs: 250 }));
    const stopped: Appender[] = [];
    while (appenders.some((appender) => appender.acked.length === 0)) await sleep(20);
    for (let round = 1; round <= (isLong ? 30 : 3); round += 1) {
      const stopping = start(path, mechanism, 1_000_000, { ...options, lockTimeoutMs: 250, stopAfter: 3 * round });
      await expect.poll(() => isStopped(stopping.process.pid), { timeout: 60_000 }).toBe(true);
      // From here on all of the others are refused, because the one that is stopped holds the lock.
      const before = appenders.map(({ refused }) => refused());
      await expect.poll(() => appenders.every(({ refused }, index) => refused() > (before[index] ?? 0)), { timeout: 20_000 }).toBe(true);
      // What they had printed before is read by then.
      await sleep(300);
      const acked = appenders.map((appender) => appender.acked.length);
      await sleep(600);
      expect(appenders.map((appender) => appender.acked.length)).toEqual(acked);
      stopping.process.kill("SIGCONT");
      await expect.poll(() => stopping.acked.length, { timeout: 20_000 }).toBeGreaterThan(12 * round);
      stopping.process.kill("SIGKILL");
      await stopping.ended;
      stopped.push(stopping);
    }
    for (const appender of appenders) appender.process.kill("SIGKILL");
    await Promise.all(appenders.map(async ({ ended }) => await ended));
    const last = start(path, mechanism, 1, options);
    await last.ended;
    const acked = [...appenders, ...stopped, last].flatMap((appender) => appender.acked);
    expect(await soundness(path, acked, publicKey)).toEqual(sound);
  },
);

test.skipIf(process.platform === "win32")("a file that may not grow further costs entries, never the log", async () => {
  const path = await temporaryLogPath();
  const limited = start(path, "fs-native-extensions", 1_000_000, {}, "ulimit -f 8");
  await limited.ended;
  expect(limited.acked.length).toBeGreaterThan(3);
  const next = start(path, "fs-native-extensions", 2);
  await next.ended;
  expect(await soundness(path, [...limited.acked, ...next.acked])).toEqual(sound);
});

test.skipIf(process.getuid?.() !== 0)("in a directory that may not be written, a log is refused in words", async () => {
  const directory = await temporaryDirectory();
  const script = `
    process.setgid(65534); process.setuid(65534);
    const { openAuditLog } = await import(${JSON.stringify(new URL("./index.ts", import.meta.url).href)});
    await openAuditLog({ path: ${JSON.stringify(`${directory}/audit.log`)} }).catch((error) => console.log(error.code, error.message));`;
  const refused = spawn(process.execPath, [condition, "--input-type=module", "--eval", script], { stdio: ["ignore", "pipe", "inherit"] });
  const output = await refused.stdout.setEncoding("utf8").toArray();
  expect(output.join("")).toMatch(/^AUDIT_LOG_UNAVAILABLE .*permission denied \(EACCES\)$/m);
});

test("importing the log loads neither lock", async () => {
  const script = `
    await import(${JSON.stringify(new URL("./index.ts", import.meta.url).href)});
    console.log(process.moduleLoadList.filter((name) => /sqlite/.test(name)).length, Object.keys((await import("node:module")).default._cache).length);`;
  const importing = spawn(process.execPath, [condition, "--input-type=module", "--eval", script], { stdio: ["ignore", "pipe", "inherit"] });
  expect((await importing.stdout.setEncoding("utf8").toArray()).join("").trim()).toBe("0 0");
});
