import { readFile, writeFile } from "node:fs/promises";

import { expect, test } from "vitest";

import type { AuditLog } from "./audit-log.ts";
import { decision, machine, open, readEntries, temporaryLogPath } from "./audit.test.fixture.ts";
import { createMemoryAuditSink } from "./memory-sink.ts";
import type { ScanFrom } from "./scan.ts";

async function scanned(log: Pick<AuditLog, "scan">, from: ScanFrom): Promise<readonly number[]> {
  const numbers: number[] = [];
  await log.scan(from, ({ seq, line }) => {
    expect(JSON.parse(line.toString())).toMatchObject({ seq });
    numbers.push(seq);
    return undefined;
  });
  return numbers;
}

test("while one writer works alone, no other writes, and what it reads is all that is on record", async () => {
  const path = await temporaryLogPath();
  const [one, other] = [await open(path), await open(path)];
  const before = one.append(decision());
  let waiting: Promise<unknown> | undefined;
  const entry = await one.exclusive(async (append) => {
    waiting = other.append(decision({ trace_id: "later" }));
    expect(await scanned(one, 0)).toEqual([0, 1]);
    const appended = await append(decision({ trace_id: "mine" }));
    expect(await scanned(one, 0)).toEqual([0, 1, 2]);
    return appended;
  });
  await Promise.all([before, waiting]);
  expect(entry.seq).toBe(2);
  expect((await readEntries(path)).map((each) => each["trace_id"])).toEqual([undefined, "t", "mine", "later"]);
});

test("an entry whose condition does not hold any more when it is about to be written is not written, and the log goes on", async () => {
  const path = await temporaryLogPath();
  const log = await open(path);
  const refused = log.exclusive(
    async (append) =>
      await append(decision(), () => {
        throw new Error("somebody else took it");
      }),
  );
  await expect(refused).rejects.toThrow("somebody else took it");
  await log.append(decision({ trace_id: "next" }));
  expect((await readEntries(path)).map((each) => each["trace_id"])).toEqual([undefined, "next"]);
});

test("work that throws gives the lock back, its error is its own, and its way to append ends with it", async () => {
  const log = await open(await temporaryLogPath());
  let kept: ((entry: ReturnType<typeof decision>) => Promise<unknown>) | undefined;
  await expect(
    log.exclusive(async (append) => {
      kept = append;
      await Promise.resolve();
      throw new TypeError("mine");
    }),
  ).rejects.toBeInstanceOf(TypeError);
  await expect(kept?.(decision())).rejects.toMatchObject({ code: "AUDIT_LOG_UNAVAILABLE" });
  await expect(log.append(decision())).resolves.toMatchObject({ seq: 1 });
  await log.close();
  await expect(log.exclusive(async () => await Promise.resolve())).rejects.toMatchObject({ code: "AUDIT_LOG_CLOSED" });
});

test("a lock that another holds too long refuses the work, which then never begins", async () => {
  const path = await temporaryLogPath();
  const holder = await open(path);
  const log = await open(path, machine({ lockTimeoutMs: 50 }));
  let began = false;
  await holder.exclusive(async () => {
    const work = log.exclusive(async () => {
      began = true;
      await Promise.resolve();
    });
    await expect(work).rejects.toMatchObject({ code: "AUDIT_LOG_UNAVAILABLE" });
  });
  expect(began).toBe(false);
});

test.each([4096, 256 * 1024 * 1024])(
  "a scan begins at any entry, and goes on where it ended, with segments of %i bytes",
  async (segmentBytes) => {
    const path = await temporaryLogPath();
    const log = await open(path, machine(), { segmentBytes });
    for (let round = 0; round < 5; round += 1) {
      // Of very different lengths, so that halving meets long lines and short ones.
      await Promise.all(
        Array.from(
          { length: 40 },
          async (_, index) =>
            await log.append(
              decision({ reason: "x".repeat((index * 97) % 4000), payload: { a: { b: "", type: "log.sealed", n: index } } }),
            ),
        ),
      );
    }
    const { seq: size, ...place } = await log.scan(0, () => undefined);
    expect(size).toBeGreaterThan(200);
    for (const from of [0, 1, 2, 57, 133, size - 1])
      expect(await scanned(log, from)).toEqual(Array.from({ length: size - from }, (_, index) => from + index));
    expect(await scanned(log, { seq: size, ...place })).toEqual([]);
    await log.append(decision());
    const later = await scanned(log, { seq: size, ...place });
    expect(later.at(-1)).toBeGreaterThanOrEqual(size);
    expect(await scanned(log, later.length + size + 50)).toEqual(later.slice(-1));
  },
);

test("a scan refuses a line that was changed, taken out or put in", async () => {
  const path = await temporaryLogPath();
  const log = await open(path);
  for (let index = 0; index < 6; index += 1) await log.append(decision({ trace_id: `t${index}` }));
  const text = await readFile(path, "utf8");
  const lines = text.split("\n");
  for (const changed of [
    text.replace('"trace_id":"t3"', '"trace_id":"t4"'),
    lines.toSpliced(3, 1).join("\n"),
    lines.toSpliced(3, 0, lines[3] ?? "").join("\n"),
    [...lines.slice(0, 3), "{}", ...lines.slice(4)].join("\n"),
  ]) {
    await writeFile(path, changed);
    await expect(log.scan(1, () => undefined)).rejects.toMatchObject({ code: "AUDIT_LOG_BROKEN" });
  }
  await writeFile(path, text);
});

test("a sink in memory has its turns and its scans too", async () => {
  const sink = createMemoryAuditSink();
  const order: number[] = [];
  await Promise.all(
    [0, 1, 2].map(
      async (each) =>
        await sink.exclusive?.(async (append) => {
          await append(decision());
          await new Promise((resolve) => setImmediate(resolve));
          order.push(sink.lines.length - 1, each);
        }),
    ),
  );
  expect(order).toEqual([0, 0, 1, 1, 2, 2]);
  const place = await sink.scan?.(1, ({ seq }) => {
    order.push(seq);
    return undefined;
  });
  expect([order.slice(6), place?.seq]).toEqual([[1, 2], 3]);
});
