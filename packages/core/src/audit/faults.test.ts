import { join } from "node:path";

import fc from "fast-check";
import { expect, test } from "vitest";

import { decision, machine, open, readEntries, temporaryDirectory } from "./audit.test.fixture.ts";
import type { AuditLog } from "./audit-log.ts";
import { localDisk } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { verifyAuditLog } from "./verify.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

type Fault = "none" | "throw" | "half";

/** A disk that does what each fault of a list says, one operation after the other, and works when the list is used up. */
function faultyDisk(faults: readonly Fault[]): Partial<Disk> {
  const rest = [...faults];
  const next = (): Fault => rest.shift() ?? "none";
  const orThrow = (): void => {
    if (next() !== "none") throw systemError("EIO");
  };
  return {
    write: async (fd, bytes, position) => {
      const fault = next();
      if (fault === "throw") throw systemError("ENOSPC");
      return localDisk.write(fd, fault === "half" ? bytes.subarray(0, Math.ceil(bytes.length / 2)) : bytes, position);
    },
    dataSync: async (fd) => {
      orThrow();
      await localDisk.dataSync(fd);
    },
    truncate: (fd, size) => {
      orThrow();
      localDisk.truncate(fd, size);
    },
    writeNow: (fd, bytes, position) => {
      orThrow();
      return localDisk.writeNow(fd, bytes, position);
    },
  };
}

async function appendAll(log: AuditLog | null, traces: readonly string[], acked: string[], refused: string[]): Promise<void> {
  await Promise.all(
    traces.map(async (trace) =>
      log?.append(decision({ trace_id: trace })).then(
        () => acked.push(trace),
        () => refused.push(trace),
      ),
    ),
  );
}

test("whatever fails and whenever: what was acknowledged is in the log once, and what was refused is absent or voided", async () => {
  const directory = await temporaryDirectory();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom<Fault>("none", "none", "throw", "half"), { maxLength: 40 }),
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 12 }),
      fc.boolean(),
      async (faults, batches, twoWriters) => {
        const path = join(directory, `${(run += 1)}.log`);
        const creator = await open(path);
        const logs = [await open(path, machine({ disk: faultyDisk(faults) })).catch(() => creator), creator];
        const acked: string[] = [];
        const refused: string[] = [];
        for (const [round, size] of batches.entries()) {
          const log = (twoWriters ? logs[round % 2] : logs[0]) ?? creator;
          await appendAll(
            log,
            Array.from({ length: size }, (_, index) => `${round}.${index}`),
            acked,
            refused,
          );
        }
        // The disk is in order again after as many operations as there were faults.
        for (let more = 0; more < 50; more += 1) await logs[0]?.append({ type: "approval.more" }).catch(() => undefined);
        await Promise.all(logs.map((log) => log.close()));
        const entries = await readEntries(path);
        const traces = entries.filter(({ type }) => type === "decision").map((entry) => entry["trace_id"] as string);
        const voidedSeqs = new Set(
          entries.flatMap((entry) =>
            entry["type"] === "decision.voided" ? (entry["entries"] as { seq: number }[]).map(({ seq }) => seq) : [],
          ),
        );
        const voided = entries
          .filter(({ seq, type }) => type === "decision" && voidedSeqs.has(seq as number))
          .map((entry) => entry["trace_id"] as string);
        expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", head: "matches" });
        expect(traces).toHaveLength(new Set(traces).size);
        expect(new Set(traces.filter((trace) => !voided.includes(trace)))).toEqual(new Set(acked));
        expect(voided.every((trace) => refused.includes(trace))).toBe(true);
      },
    ),
    { numRuns: 150 },
  );
});

/** A disk that stops after `operations` operations; with `half`, it dies in the middle of a write. */
function dyingDisk(operations: number, half: boolean): Partial<Disk> {
  let done = 0;
  const orDie = (): void => {
    if ((done += 1) > operations) throw systemError("EIO");
  };
  return {
    write: async (fd, bytes, position) => {
      if (half && done === operations) await localDisk.write(fd, bytes.subarray(0, bytes.length >> 1), position);
      orDie();
      return localDisk.write(fd, bytes, position);
    },
    writeNow: (fd, bytes, position) => {
      orDie();
      return localDisk.writeNow(fd, bytes, position);
    },
    truncate: (fd, size) => {
      orDie();
      localDisk.truncate(fd, size);
    },
    dataSync: async (fd) => {
      orDie();
      await localDisk.dataSync(fd);
    },
    sync: async (fd) => {
      orDie();
      await localDisk.sync(fd);
    },
  };
}

test("whenever the writer dies, the next one finds a sound log with all that was acknowledged", async () => {
  const directory = await temporaryDirectory();
  for (let operations = 0; operations < 80; operations += 1) {
    const path = join(directory, `${operations}.log`);
    const acked: string[] = [];
    const log = await open(path, machine({ disk: dyingDisk(operations >> 1, operations % 2 === 1) })).catch(() => null);
    for (const round of log === null ? [] : [0, 1, 2, 3, 4, 5, 6, 7]) await appendAll(log, [`${round}.0`, `${round}.1`], acked, []);
    await log?.close();
    const next = await open(path);
    await next.append(decision({ trace_id: "next" }));
    await next.close();
    const traces = (await readEntries(path)).map((entry) => entry["trace_id"] as string);
    expect(traces.filter((trace) => acked.includes(trace))).toEqual(acked);
    expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", head: "matches" });
  }
});
