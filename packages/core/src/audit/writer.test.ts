import { appendFile, copyFile, readdir, readFile, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import fc from "fast-check";
import { expect, test } from "vitest";

import { altered, decision, linesOf, machine, open, readEntries, temporaryLogPath, writtenLog } from "./audit.test.fixture.ts";
import { localDisk } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { formatLine } from "./entry.ts";
import type { Lock } from "./lock.ts";
import { verifyAuditLog } from "./verify.ts";
import { Writer } from "./writer.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function torn(path: string): Promise<string[]> {
  return readdir(dirname(path)).then((names) => names.filter((name) => name.includes(".torn-")));
}

/** A disk whose next operation of one kind can be made to fail. */
function frailDisk(): {
  disk: Partial<Disk>;
  fail: (kind: "write" | "dataSync", how?: "at once" | "after half") => void;
  synced: number[];
} {
  let next: { kind: string; how: string } | null = null;
  let half = false;
  const synced: number[] = [];
  return {
    synced,
    fail: (kind, how = "at once") => {
      next = { kind, how };
    },
    disk: {
      write: async (fd, bytes, position) => {
        if (half) {
          half = false;
          throw systemError("ENOSPC");
        }
        if (next?.kind !== "write") return localDisk.write(fd, bytes, position);
        const { how } = next;
        next = null;
        if (how === "at once") throw systemError("ENOSPC");
        half = true;
        return localDisk.write(fd, bytes.subarray(0, Math.floor(bytes.length / 2)), position);
      },
      dataSync: async (fd) => {
        synced.push(fd);
        if (next?.kind === "dataSync") {
          next = null;
          throw systemError("EIO");
        }
        await localDisk.dataSync(fd);
      },
    },
  };
}

test("after a sync that failed, entries are voided by name and the log goes on from what is written anew", async () => {
  const path = await temporaryLogPath();
  const frail = frailDisk();
  const rewritten: number[] = [];
  const log = await open(
    path,
    machine({
      disk: {
        ...frail.disk,
        write: async (fd, bytes, position) => {
          if (position !== null) rewritten.push(position);
          return localDisk.write(fd, bytes, position);
        },
      },
    }),
  );
  await log.append(decision({ trace_id: "before" }));
  const size = (await readFile(path)).length;
  frail.fail("dataSync");
  const failed = await Promise.allSettled([log.append(decision({ trace_id: "lost 1" })), log.append(decision({ trace_id: "lost 2" }))]);
  expect(failed).toMatchObject([{ reason: { code: "AUDIT_LOG_UNAVAILABLE" } }, { reason: { code: "AUDIT_LOG_UNAVAILABLE" } }]);
  const before = await stat(path);
  expect((await log.append(decision({ trace_id: "after" }))).seq).toBe(6);
  // In another file, and so in other blocks of the device; from its first byte on.
  expect((await stat(path)).ino).not.toBe(before.ino);
  expect(before.size).toBeGreaterThan(size);
  expect(rewritten).toEqual([0]);
  const entries = await readEntries(path);
  expect(entries.slice(1).map((entry) => entry["trace_id"] ?? entry["type"])).toEqual([
    "before",
    "lost 1",
    "lost 2",
    "decision.voided",
    "recovery",
    "after",
  ]);
  expect(entries[5]).toMatchObject({ what: "copied", entries: 4 });
  expect(entries[4]?.["entries"]).toEqual(entries.slice(2, 4).map((entry) => ({ seq: entry["seq"], entry_hash: entry["entry_hash"] })));
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid" });
});

test("a log whose disk stays broken refuses every entry, and voids all that it left when the disk is back", async () => {
  const path = await temporaryLogPath();
  let broken = false;
  const log = await open(
    path,
    machine({
      disk: {
        dataSync: async (fd) => {
          if (broken) throw systemError("EIO");
          await localDisk.dataSync(fd);
        },
      },
    }),
  );
  broken = true;
  for (const trace of ["a", "b", "c"]) await expect(log.append(decision({ trace_id: trace }))).rejects.toThrow("EIO");
  broken = false;
  await log.append(decision({ trace_id: "d" }));
  const entries = await readEntries(path);
  const voided = entries.flatMap((entry) =>
    entry["type"] === "decision.voided" ? (entry["entries"] as { seq: number }[]).map(({ seq }) => seq) : [],
  );
  const lost = entries.filter((entry) => ["a", "b", "c"].includes(entry["trace_id"] as string)).map((entry) => entry["seq"]);
  expect(lost).toHaveLength(3);
  expect(new Set(voided)).toEqual(new Set(lost));
  // It is said, and that is that.
  await log.append(decision({ trace_id: "e" }));
  expect((await readEntries(path)).slice(entries.length).map((entry) => entry["trace_id"])).toEqual(["e"]);
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid" });
});

test("a write that fails leaves nothing behind, or whole lines that are voided", async () => {
  const path = await temporaryLogPath();
  const frail = frailDisk();
  const log = await open(path, machine({ disk: frail.disk }));
  frail.fail("write");
  await expect(log.append(decision())).rejects.toThrow("no space is left on the device (ENOSPC)");
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", entries: 1 });
  frail.fail("write", "after half");
  const failed = await Promise.allSettled(["a", "b", "c"].map((trace) => log.append(decision({ trace_id: trace }))));
  expect(failed.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", entries: 2 });
  await log.append(decision({ trace_id: "d" }));
  expect((await readEntries(path)).slice(1).map((entry) => entry["trace_id"] ?? entry["type"])).toEqual(["a", "decision.voided", "d"]);
  expect(await torn(path)).toEqual([]);
});

test("a write that the system cuts short is finished", async () => {
  const path = await temporaryLogPath();
  const log = await open(
    path,
    machine({ disk: { write: (fd, bytes, position) => localDisk.write(fd, bytes.subarray(0, 100), position) } }),
  );
  await Promise.all([log.append(decision()), log.append(decision())]);
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", entries: 3 });
});

test("the last line, torn at any byte, is cut, kept and recorded by the next writer", async () => {
  const path = await writtenLog(1);
  const lines = linesOf(await readFile(path));
  const fragmentOf = Buffer.from(lines[1] ?? "");
  const head = await readFile(`${path}.head`);
  const whole = await readFile(path);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: fragmentOf.length - 1 }), async (size) => {
      await writeFile(path, Buffer.concat([whole, fragmentOf.subarray(0, size)]));
      await writeFile(`${path}.head`, head);
      const log = await open(path);
      expect((await log.append(decision())).seq).toBe(3);
      await log.close();
      const [kept = ""] = await torn(path);
      expect((await readEntries(path))[2]).toMatchObject({ type: "recovery", what: "torn_tail", cut_bytes: size, kept_as: kept });
      expect((await readFile(join(dirname(path), kept))).equals(fragmentOf.subarray(0, size))).toBe(true);
      await rm(join(dirname(path), kept));
      expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", entries: 4 });
    }),
    { numRuns: 100 },
  );
});

test("a writer that is at work cuts what another left torn", async () => {
  const path = await temporaryLogPath();
  const log = await open(path);
  await log.append(decision());
  await appendFile(path, '{"v":1,"seq":2,');
  expect((await log.append(decision())).seq).toBe(3);
  expect((await readEntries(path))[2]).toMatchObject({ type: "recovery", cut_bytes: 15 });
});

test("whole lines that a dead writer never synced are written anew before anything rests on them", async () => {
  const path = await writtenLog(1);
  const head = await readFile(`${path}.head`);
  const size = (await readFile(path)).length;
  const writer = await open(path);
  await writer.append(decision());
  await writer.close();
  await writeFile(`${path}.head`, head);
  const rewritten: [number, number][] = [];
  const log = await open(
    path,
    machine({
      disk: {
        write: (fd, bytes, position) => {
          if (position !== null) rewritten.push([position, bytes.length]);
          return localDisk.write(fd, bytes, position);
        },
      },
    }),
  );
  expect(rewritten).toEqual([[size, (await readFile(path)).length - size]]);
  await log.append(decision());
  expect(rewritten).toHaveLength(1);
});

test.for<[string, (path: string) => Promise<void>]>([
  [
    "its last line was changed",
    (path) => altered(path, (bytes) => Buffer.from(bytes.toString().replace(/harmless(?![^]*harmless)/, "harmful!"))),
  ],
  ["its last line was deleted", (path) => altered(path, (bytes) => Buffer.concat(linesOf(bytes).slice(0, -1)))],
  ["it was cut inside its last line", (path) => altered(path, (bytes) => bytes.subarray(0, -5))],
  ["it was emptied", (path) => truncate(path, 0)],
  ["it was removed", (path) => rm(path)],
  ["its last line was repeated", (path) => altered(path, (bytes) => Buffer.concat([bytes, linesOf(bytes).at(-1) ?? bytes]))],
  ["something else was appended", (path) => appendFile(path, "hello\n")],
  ["a line without end was appended", (path) => appendFile(path, "x".repeat(70_000))],
  ["another log took its place", async (path) => copyFile(await writtenLog(9), path)],
])("a log is refused, by whoever has it open and by whoever opens it, when %s", async ([, change]) => {
  const path = await temporaryLogPath();
  const log = await open(path);
  await log.append(decision());
  await log.append(decision());
  const good = await readFile(path);
  await change(path);
  const changed = await readFile(path).catch(() => null);
  await expect(log.append(decision())).rejects.toThrow(/audit\.log/);
  await expect(log.append(decision())).rejects.toThrow(/audit\.log/);
  await expect(open(path)).rejects.toMatchObject({
    code: "AUDIT_LOG_BROKEN",
    message: expect.stringMatching(/^`audit\.log:\d+` /) as string,
  });
  expect(await readFile(path).catch(() => null)).toEqual(changed);
  // Put back as it was, it goes on.
  await writeFile(path, good);
  await log.append(decision());
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", entries: 4 });
});

/** The first two lines, and a third that is chained to them soundly but was made by somebody else. */
function forged(bytes: Buffer, size: number): Buffer {
  const lines = linesOf(bytes).slice(0, 2);
  const prev = /"entry_hash":"([0-9a-f]{64})"/.exec(lines[1]?.toString() ?? "")?.[1] ?? "";
  const { line } = formatLine(2, "2026-01-01T00:00:00.000Z", `"type":"decision","pad":"${"x".repeat(size)}"`, prev);
  return Buffer.concat([...lines, Buffer.from(`${line}\n`)]);
}

test("what others wrote cannot be replaced by another chain before a writer reads it", async () => {
  // One entry in the place of one, and one long entry in the place of two.
  for (const [written, size, words] of [
    [1, 500, "is not the entry that the head file names"],
    [2, 5000, "records 4 entries"],
  ] as const) {
    const path = await writtenLog(1);
    const log = await open(path);
    const other = await open(path);
    for (let count = 0; count < written; count += 1) await other.append(decision());
    await altered(path, (bytes) => forged(bytes, size));
    await expect(log.append(decision())).rejects.toThrow(words);
    await expect(open(path)).rejects.toMatchObject({ code: "AUDIT_LOG_BROKEN" });
  }
});

test("a log that was cut, or belongs to another head file, is refused in words", async () => {
  const path = await writtenLog(3);
  const bytes = await readFile(path);
  await writeFile(path, Buffer.concat(linesOf(bytes).slice(0, 2)));
  await expect(open(path)).rejects.toThrow("`audit.log.head` records 4 entries; restore the log");
  await writeFile(path, bytes);
  await copyFile(`${await writtenLog(1)}.head`, `${path}.head`);
  await expect(open(path)).rejects.toThrow("begins another log than the one that `audit.log.head` belongs to");
});

test("a log that was moved away under its writer is not begun anew in its place", async () => {
  const path = await temporaryLogPath();
  const log = await open(path);
  await log.append(decision());
  await rename(path, `${path}.1`);
  await expect(log.append(decision())).rejects.toThrow("removed or replaced");
  await expect(open(path)).rejects.toThrow("is missing");
  expect(await readdir(dirname(path))).not.toContain("audit.log");
  await rename(`${path}.1`, path);
  expect((await log.append(decision())).seq).toBe(2);
});

test("a log may be set aside with its head file, and a new one begun", async () => {
  const path = await writtenLog(2);
  await rename(path, `${path}.1`);
  await rename(`${path}.head`, `${path}.1.head`);
  const log = await open(path);
  await log.append(decision());
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", entries: 2, head: "matches" });
  expect(await verifyAuditLog(`${path}.1`)).toMatchObject({ kind: "valid", entries: 3, head: "matches" });
});

test("a head file that is gone or damaged is made anew, and the log says that it was", async () => {
  const path = await writtenLog(2);
  await rm(`${path}.head`);
  const log = await open(path);
  expect((await readEntries(path))[3]).toMatchObject({ type: "recovery", what: "head_missing" });
  await writeFile(`${path}.head`, "nonsense");
  await log.append(decision());
  expect((await readEntries(path))[4]).toMatchObject({ type: "recovery", what: "head_damaged" });
  await log.append(decision());
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", entries: 7, head: "matches" });
});

test("without a head file the whole log is checked when it is opened", async () => {
  const path = await writtenLog(5);
  await rm(`${path}.head`);
  await altered(path, (bytes) => Buffer.concat(linesOf(bytes).toSpliced(2, 1)));
  await expect(open(path)).rejects.toThrow("`audit.log:3` is entry 3 where entry 2 belongs");
});

test("a head file that cannot be written costs no entry", async () => {
  const path = await temporaryLogPath();
  let broken = false;
  const log = await open(
    path,
    machine({
      disk: {
        writeNow: (fd, bytes, position) => {
          if (broken) throw systemError("EIO");
          return localDisk.writeNow(fd, bytes, position);
        },
      },
    }),
  );
  broken = true;
  await log.append(decision());
  await log.append(decision());
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", entries: 3, head: "matches" });
  broken = false;
  await log.append(decision());
  await altered(path, (bytes) => Buffer.concat(linesOf(bytes).slice(0, -1)));
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "truncated" });
});

test("a flush takes no more than a few megabytes, so that others get the lock in between", async () => {
  const path = await temporaryLogPath();
  const frail = frailDisk();
  const log = await open(path, machine({ disk: frail.disk }));
  const before = frail.synced.length;
  const lines = Array.from({ length: 15 }, (_, index) => `${index}`.repeat(2000).slice(0, 4000));
  await Promise.all(Array.from({ length: 200 }, () => log.append(decision({ payload: { lines } }))));
  const flushes = frail.synced.length - before;
  expect((await stat(path)).size).toBeGreaterThan(7_000_000);
  expect(flushes).toBeGreaterThan(1);
  expect(flushes).toBeLessThan(10);
});

test("what waits to be written is bounded: more is refused at once, and what waits is not lost", async () => {
  const lock: Lock = { acquire: async () => await Promise.resolve(false), release: () => undefined, close: () => undefined };
  const writer = new Writer({
    path: await temporaryLogPath(),
    disk: localDisk,
    lock,
    lockTimeoutMs: 1000,
    mechanism: "node:sqlite",
    durability: "fsync",
    origin: "canopy-audit/test",
    now: () => new Date(),
    segmentBytes: Infinity,
    segmentMs: Infinity,
    checkpointMs: 60_000,
    reserveBytes: 0,
    follows: null,
    checkpointer: null,
  });
  const body = "x".repeat(100 * 1024 * 1024);
  const outcomes = await Promise.allSettled([body, body, body, "x"].map(async (each) => await writer.append(each)));
  const why = outcomes.map((each) => (each.status === "rejected" ? String(each.reason) : "written"));
  expect(why).toEqual([
    expect.stringContaining("has held the lock"),
    expect.stringContaining("has held the lock"),
    expect.stringContaining("too many entries wait to be written"),
    expect.stringContaining("has held the lock"),
  ]);
  await writer.close();
});
