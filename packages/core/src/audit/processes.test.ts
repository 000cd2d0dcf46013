import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

import { expect, onTestFinished, test } from "vitest";

import { readEntries, temporaryDirectory, temporaryLogPath } from "./audit.test.fixture.ts";
import type { LockMechanism } from "./lock.ts";
import { verifyAuditLog } from "./verify.ts";

const child = fileURLToPath(new URL("./append.test.child.ts", import.meta.url));
const condition = "--conditions=@canopy-runtime/source";
const mechanisms: readonly LockMechanism[] = ["fs-native-extensions", "node:sqlite"];

interface Appender {
  readonly process: ChildProcess;
  /** `seq hash` of each entry that was acknowledged. */
  readonly acked: string[];
  readonly ended: Promise<void>;
}

/** Starts a process that appends, and kills it at the end of the test if it still runs. */
function start(path: string, mechanism: LockMechanism, limit: number, shell?: string): Appender {
  const args = [condition, child, path, mechanism, String(limit)];
  const command = shell === undefined ? process.execPath : "sh";
  const started = spawn(command, shell === undefined ? args : ["-c", `${shell}; exec "$@"`, "sh", process.execPath, ...args], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => {
    started.kill("SIGKILL");
  });
  const acked: string[] = [];
  let rest = "";
  started.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    acked.push(...lines.filter((line) => line.includes(" ")));
  });
  return { process: started, acked, ended: once(started, "close").then(() => undefined) };
}

/** The verdict on the log, and the acknowledged entries that are not in it. */
async function soundness(path: string, acked: readonly string[]): Promise<unknown> {
  const recorded = new Map((await readEntries(path)).map((entry) => [entry["seq"], entry["entry_hash"]]));
  const lost = acked.filter((line) => {
    const [seq, hash] = line.split(" ");
    return recorded.get(Number(seq)) !== hash;
  });
  const verdict = await verifyAuditLog(path);
  return { verdict: verdict.kind === "valid" ? `valid, head ${verdict.head}` : verdict, lost };
}

const sound = { verdict: "valid, head matches", lost: [] };

test.for(mechanisms)("several processes append to one chain, and every entry that was acknowledged is there (%s)", async (mechanism) => {
  const path = await temporaryLogPath();
  const appenders = Array.from({ length: 4 }, () => start(path, mechanism, 200));
  await Promise.all(appenders.map(({ ended }) => ended));
  const acked = appenders.flatMap((appender) => appender.acked);
  expect(acked).toHaveLength(800);
  expect(await soundness(path, acked)).toEqual(sound);
  expect(await readEntries(path)).toHaveLength(801);
});

test.for(mechanisms)(
  "processes that are killed at any moment leave a sound log, and lose nothing that was acknowledged (%s)",
  async (mechanism) => {
    const path = await temporaryLogPath();
    const all: Appender[] = [];
    const running = Array.from({ length: 3 }, () => start(path, mechanism, 1_000_000));
    all.push(...running);
    let kills = 0;
    while (kills < 20) {
      await sleep(30 + Math.random() * 150);
      const index = kills % running.length;
      const victim = running[index];
      // One that never got to append proves nothing.
      if (victim === undefined || victim.acked.length === 0) continue;
      victim.process.kill("SIGKILL");
      await victim.ended;
      kills += 1;
      const next = start(path, mechanism, 1_000_000);
      running[index] = next;
      all.push(next);
    }
    for (const appender of running) appender.process.kill("SIGKILL");
    await Promise.all(all.map(({ ended }) => ended));
    const last = start(path, mechanism, 1);
    await last.ended;
    const acked = [...all, last].flatMap((appender) => appender.acked);
    expect(acked.length).toBeGreaterThanOrEqual(kills);
    expect(await soundness(path, acked)).toEqual(sound);
  },
);

test.skipIf(process.platform === "win32").for(mechanisms)(
  "a holder of the lock that is stopped and goes on later forks nothing (%s)",
  async (mechanism) => {
    const path = await temporaryLogPath();
    const appenders = Array.from({ length: 3 }, () => start(path, mechanism, 1_000_000));
    while (appenders.some(({ acked }) => acked.length === 0)) await sleep(20);
    for (let round = 0; round < 6; round += 1) {
      const stopped = appenders[round % appenders.length];
      stopped?.process.kill("SIGSTOP");
      await sleep(400);
      stopped?.process.kill("SIGCONT");
      await sleep(100);
    }
    for (const appender of appenders) appender.process.kill("SIGKILL");
    await Promise.all(appenders.map(({ ended }) => ended));
    const last = start(path, mechanism, 1);
    await last.ended;
    const acked = [...appenders, last].flatMap((appender) => appender.acked);
    expect(await soundness(path, acked)).toEqual(sound);
  },
);

test.for(mechanisms)("threads of one process append to one chain (%s)", async (mechanism) => {
  const path = await temporaryLogPath();
  const acked: string[] = [];
  const workers = Array.from({ length: 3 }, () => {
    const worker = new Worker(child, { argv: [path, mechanism, "150"], execArgv: [condition], stdout: true });
    let text = "";
    worker.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
    return once(worker, "exit").then(() => acked.push(...text.split("\n").filter((line) => line.includes(" "))));
  });
  const process = start(path, mechanism, 150);
  await Promise.all([...workers, process.ended]);
  acked.push(...process.acked);
  expect(acked).toHaveLength(600);
  expect(await soundness(path, acked)).toEqual(sound);
});

test.skipIf(process.platform === "win32")("a file that may not grow further costs entries, never the log", async () => {
  const path = await temporaryLogPath();
  const limited = start(path, "fs-native-extensions", 1_000_000, "ulimit -f 8");
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
