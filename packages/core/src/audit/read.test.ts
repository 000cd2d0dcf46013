import { appendFile, mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { describe, expect, it } from "vitest";

import { decision, open, readEntries, temporaryLogPath, writtenLog } from "./audit.test.fixture.ts";
import { pendingDecisions } from "./pending.ts";
import { entryId, matchesFilter } from "./query.ts";
import type { EntryFilter } from "./query.ts";
import { readAuditLog } from "./read.ts";
import type { AuditRecord, ReadOptions } from "./read.ts";

async function seqs(path: string, options: ReadOptions = {}): Promise<readonly (number | null)[]> {
  const found: (number | null)[] = [];
  for await (const { entry } of readAuditLog(path, options)) found.push(entry === null ? null : entry.seq);
  return found;
}

const line = (seq: number): string => `{"v":1,"seq":${seq},"ts":"2026-01-01T00:00:00.000Z","type":"decision"}\n`;

/** Three files of a log: lines 0 to 2, 3 and 4, and 5 in the one that is written. */
async function segmented(): Promise<string> {
  const path = await temporaryLogPath();
  await writeFile(`${path}.000000000000`, line(0) + line(1) + line(2));
  await writeFile(`${path}.000000000003`, line(3) + line(4));
  await writeFile(path, line(5));
  return path;
}

describe("reading a log", () => {
  it("gives every line in order, with its file, its number and its text", async () => {
    const path = await writtenLog(3);
    const records: AuditRecord[] = [];
    for await (const record of readAuditLog(path)) records.push(record);
    expect(records.map(({ file, line: number, entry }) => [file, number, entry?.seq, entry?.type])).toEqual([
      [path, 1, 0, "log.opened"],
      [path, 2, 1, "decision"],
      [path, 3, 2, "decision"],
      [path, 4, 3, "decision"],
    ]);
    expect(records.map(({ text }) => JSON.parse(text) as unknown)).toEqual(await readEntries(path));
  });

  it("gives the sealed segments first, and begins anywhere from the end", async () => {
    const path = await segmented();
    expect(await seqs(path)).toEqual([0, 1, 2, 3, 4, 5]);
    for (let last = 0; last <= 8; last += 1) {
      expect(await seqs(path, { last })).toEqual([0, 1, 2, 3, 4, 5].slice(Math.max(0, 6 - last)));
    }
  });

  it("finds the last lines also where one is longer than what is read at once", async () => {
    const path = await temporaryLogPath();
    const long = `{"v":1,"seq":1,"ts":"2026-01-01T00:00:00.000Z","type":"decision","reason":"${"x".repeat(65_000)}"}\n`;
    await writeFile(path, line(0) + long + long.replace('"seq":1', '"seq":2') + line(3));
    expect(await seqs(path, { last: 2 })).toEqual([2, 3]);
    expect(await seqs(path, { last: 3 })).toEqual([1, 2, 3]);
    expect(await seqs(path, { last: 99 })).toEqual([0, 1, 2, 3]);
  });

  it("leaves out a line that is not finished, and says of a line that is no entry that it is none", async () => {
    const path = await temporaryLogPath();
    await writeFile(path, `${line(0)}hello\n[]\n{"seq":"1"}\n${line(1).slice(0, -5)}`);
    expect(await seqs(path)).toEqual([0, null, null, null]);
  });

  it("refuses what cannot be read, in one line", async () => {
    const path = await temporaryLogPath();
    await expect(seqs(path)).rejects.toMatchObject({ code: "AUDIT_LOG_UNAVAILABLE", message: expect.stringContaining("ENOENT") as string });
    await mkdir(path);
    await expect(seqs(path)).rejects.toMatchObject({ code: "AUDIT_LOG_UNAVAILABLE" });
    await expect(seqs(path, { last: -1 })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
    await expect(seqs(path, { last: 0.5 })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  });

  it("follows a log while it is written, across a rotation, until it is told to stop", async () => {
    const path = await segmented();
    const stop = new AbortController();
    const seen: number[] = [];
    const steps: Record<number, () => Promise<void>> = {
      5: async () => await appendFile(path, line(6).slice(0, 20)),
      6: async () => {
        await appendFile(path, line(7));
        await rename(path, `${path}.000000000005`);
        await writeFile(path, line(8));
      },
      8: async () => await appendFile(path, line(9)),
      9: async () => await Promise.resolve(stop.abort()),
    };
    const finishLine = setTimeout(() => void appendFile(path, line(6).slice(20)), 500);
    for await (const { entry } of readAuditLog(path, { last: 1, follow: true, signal: stop.signal })) {
      seen.push(entry?.seq ?? -1);
      await steps[entry?.seq ?? -1]?.();
    }
    clearTimeout(finishLine);
    expect(seen).toEqual([5, 6, 7, 8, 9]);
  });

  it("stops at once where it is aborted before", async () => {
    const path = await segmented();
    expect(await seqs(path, { follow: true, signal: AbortSignal.abort() })).toEqual([]);
  });

  it("reads beside writers", async () => {
    const path = await temporaryLogPath();
    const log = await open(path);
    const stop = new AbortController();
    const reading = (async (): Promise<readonly number[]> => {
      const found: number[] = [];
      for await (const { entry } of readAuditLog(path, { follow: true, signal: stop.signal })) {
        found.push(entry?.seq ?? -1);
        if (found.length === 501) stop.abort();
      }
      return found;
    })();
    for (let round = 0; round < 10; round += 1) await Promise.all(Array.from({ length: 50 }, async () => await log.append(decision())));
    expect(await reading).toEqual(Array.from({ length: 501 }, (_, seq) => seq));
  });

  it("takes only segments of this log, whatever else lies beside it", async () => {
    const path = await segmented();
    for (const name of ["audit.log.head", "audit.log.00000000000x", "other.log.000000000001", "audit.log.0000000000001"]) {
      await writeFile(join(dirname(path), name), line(77));
    }
    expect(await seqs(path)).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe("asking for entries", () => {
  const entry = {
    seq: 4,
    ts: "2026-01-02T03:04:05.678Z",
    type: "decision",
    members: {
      avid: "AVID-1",
      action_type: "read_file",
      actions: [{ action_type: "read_file" }, { action_type: "call_external_api" }],
      decision: "DENY",
      rules: [{ id: "a" }, { id: "b" }],
      trace_id: "t",
    },
  };

  const wanted: readonly [EntryFilter, boolean][] = [
    [{}, true],
    [{ type: "decision", avid: "AVID-1", decision: "DENY", rule: "b", traceId: "t", actionType: "call_external_api" }, true],
    [{ actionType: "read_file" }, true],
    [{ since: new Date("2026-01-02T03:04:05.678Z"), until: new Date("2026-01-02T03:04:05.679Z") }, true],
    [{ type: "outcome" }, false],
    [{ avid: "AVID-2" }, false],
    [{ decision: "ALLOW" }, false],
    [{ rule: "c" }, false],
    [{ traceId: "u" }, false],
    [{ actionType: "execute_shell" }, false],
    [{ since: new Date("2026-01-02T03:04:05.679Z") }, false],
    [{ until: new Date("2026-01-02T03:04:05.678Z") }, false],
  ];
  it.each(wanted)("%j: %s", (filter, matches) => {
    expect(matchesFilter(entry, filter)).toBe(matches);
  });

  it("gives no entry whose time cannot be read where a time is asked for, nor one that lacks the member", () => {
    expect(matchesFilter({ ...entry, ts: "yesterday" }, { since: new Date(0) })).toBe(false);
    expect(matchesFilter({ ...entry, members: {} }, { rule: "a" })).toBe(false);
    expect(matchesFilter({ ...entry, members: { rules: "a", actions: null } }, { rule: "a", actionType: "a" })).toBe(false);
  });
});

it("says where it cannot go on, because a line is longer than one can be, instead of passing over what follows", async () => {
  const path = await temporaryLogPath();
  await writeFile(path, `${line(0)}${"x".repeat(1_000_000)}\n${line(1)}`);
  const found: unknown[] = [];
  const reading = async (): Promise<void> => {
    for await (const { entry } of readAuditLog(path)) found.push(entry?.seq);
  };
  await expect(reading()).rejects.toMatchObject({
    code: "AUDIT_LOG_UNAVAILABLE",
    message: expect.stringContaining(`past byte ${line(0).length}:`) as string,
  });
  expect(found).toEqual([0]);
});

describe("what is pending", () => {
  it("is allowed and has no outcome, whatever the order in which the others ended", async () => {
    const path = await temporaryLogPath();
    const log = await open(path);
    const outcome = (id: string): Promise<unknown> =>
      log.append({ type: "outcome", authorization_id: id, trace_id: "t", status: "success", output_hash: null, duration_ms: 1 });
    const [a, b, c, d] = await Promise.all([
      log.append(decision()),
      log.append(decision({ decision: "DENY" })),
      log.append(decision()),
      log.append(decision({ decision: "REQUIRE_APPROVAL" })),
    ]);
    const e = await log.append(decision());
    await outcome(e.id);
    await outcome(a.id);
    // Of another log, or made up: it settles nothing.
    await outcome(`${c.seq}-${"0".repeat(32)}`);
    expect([...(await pendingDecisions(readAuditLog(path)))]).toEqual([c.seq]);
    expect([b.seq, d.seq]).not.toContain(c.seq);
  });

  it("does not count what was marked void", async () => {
    const path = await temporaryLogPath();
    const hash = "ab".repeat(32);
    const text = (seq: number, rest: object): string =>
      `${JSON.stringify({ v: 1, seq, ts: "2026-01-01T00:00:00.000Z", ...rest, entry_hash: hash })}\n`;
    await writeFile(
      path,
      text(0, { type: "decision", decision: "ALLOW" }) +
        text(1, { type: "decision", decision: "ALLOW" }) +
        text(2, { type: "decision.voided", entries: [{ seq: 0, entry_hash: hash }, 7, { seq: 1, entry_hash: "cd".repeat(32) }] }),
    );
    expect([...(await pendingDecisions(readAuditLog(path)))]).toEqual([1]);
  });

  it("takes each entry's id from its number and its hash", () => {
    expect(entryId({ seq: 3, ts: "", type: "decision", members: { entry_hash: "ab".repeat(32) } })).toBe(`3-${"ab".repeat(16)}`);
    expect(entryId({ seq: 3, ts: "", type: "decision", members: {} })).toBeNull();
  });
});
