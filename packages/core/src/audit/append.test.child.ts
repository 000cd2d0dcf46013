// A process that appends entries until it is told to stop, and prints `seq hash` for each one that was acknowledged.
import { setTimeout as sleep } from "node:timers/promises";
import { threadId } from "node:worker_threads";

import { openAuditLogOn } from "./audit-log.ts";
import type { AuditLog } from "./audit-log.ts";
import { localDisk } from "./disk.ts";
import { loadLock } from "./lock.ts";
import type { LockMechanism } from "./lock.ts";

const [path = "", mechanism = "fs-native-extensions", limit = "1000000", options = "{}"] = process.argv.slice(2);
const { callers = 4, lockTimeoutMs = 60_000, stopAfter = Infinity, ...log } = JSON.parse(options) as Readonly<Record<string, number>>;
let syncs = 0;
const machine = {
  disk: {
    ...localDisk,
    dataSync: async (fd: number): Promise<void> => {
      await localDisk.dataSync(fd);
      // With the lock in hand, and the entries of this flush not yet acknowledged.
      if ((syncs += 1) === stopAfter) process.kill(process.pid, "SIGSTOP");
    },
  },
  loadLock: async (wanted: LockMechanism) => (wanted === mechanism ? loadLock(wanted) : null),
  lockTimeoutMs,
};

async function openPatiently(): Promise<AuditLog> {
  for (;;) {
    try {
      return await openAuditLogOn(machine, { path, ...log });
    } catch (error) {
      if (!String(error).includes("has held the lock")) throw error;
      process.stdout.write("refused\n");
    }
  }
}

async function main(): Promise<void> {
  const opened = await openPatiently();
  let count = 0;
  process.stdout.write("ready\n");
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while ((count += 1) <= Number(limit)) {
        try {
          const entry = await opened.append({ type: "approval.test", writer: `${process.pid}.${threadId}`, count });
          process.stdout.write(`${entry.seq} ${entry.entryHash}\n`);
        } catch (error) {
          // As when another process holds the lock for too long: a caller is told so, and asks again later.
          process.stdout.write("refused\n");
          if (!String(error).includes("has held the lock")) throw error;
          await sleep(50);
        }
      }
    }),
  );
  await opened.close();
}

await main();
