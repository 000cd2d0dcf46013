// A process that appends entries until it is told to stop, and prints `seq hash` for each one that was acknowledged.
import { openAuditLogOn } from "./audit-log.ts";
import { localDisk } from "./disk.ts";
import { loadLock } from "./lock.ts";
import type { LockMechanism } from "./lock.ts";

const [path = "", mechanism = "fs-native-extensions", limit = "1000000", callers = "4"] = process.argv.slice(2);
const machine = {
  disk: localDisk,
  loadLock: async (wanted: LockMechanism) => (wanted === mechanism ? loadLock(wanted) : null),
  lockTimeoutMs: 60_000,
};

async function main(): Promise<void> {
  const log = await openAuditLogOn(machine, { path });
  let count = 0;
  process.stdout.write("ready\n");
  await Promise.all(
    Array.from({ length: Number(callers) }, async () => {
      while ((count += 1) <= Number(limit)) {
        const entry = await log.append({ type: "approval.test", pid: process.pid, count });
        process.stdout.write(`${entry.seq} ${entry.entryHash}\n`);
      }
    }),
  );
  await log.close();
}

await main();
