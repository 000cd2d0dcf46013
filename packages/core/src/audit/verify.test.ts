import { hash } from "node:crypto";
import { appendFile, copyFile, mkdir, readFile, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

import fc from "fast-check";
import { expect, test } from "vitest";

import { altered, decision, linesOf, open, temporaryDirectory, temporaryLogPath, writtenLog } from "./audit.test.fixture.ts";
import { formatLine, noHash } from "./entry.ts";
import { verifyAuditLog, verifyPatiently } from "./verify.ts";

test("a log that nobody touched is valid, and the verdict says that no checkpoint anchors it", async () => {
  const path = await writtenLog(5);
  const verdict = await verifyAuditLog(path);
  expect(verdict).toMatchObject({ kind: "valid", entries: 6, lastSeq: 5, anchored: null, unanchored: { from: 0, to: 5 }, head: "matches" });
});

test("a log can be verified while it is written", async () => {
  const path = await temporaryLogPath();
  const log = await open(path);
  const kinds = new Set<string>();
  for (let round = 0; round < 40; round += 1) {
    const written = Promise.all(Array.from({ length: 50 }, () => log.append(decision())));
    kinds.add((await verifyAuditLog(path)).kind);
    await written;
  }
  expect([...kinds]).toEqual(["valid"]);
});

test("any changed byte breaks verification, and the line that holds it is named", async () => {
  const path = await writtenLog(3);
  const original = await readFile(path);
  const lines = linesOf(original);
  const lineAt = (offset: number): number => {
    let end = 0;
    return lines.findIndex((line) => (end += line.length) > offset) + 1;
  };
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: original.length - 1 }), fc.integer({ min: 1, max: 255 }), async (offset, change) => {
      const bytes = Buffer.from(original);
      bytes[offset] = (bytes[offset] ?? 0) ^ change;
      await writeFile(path, bytes);
      expect(await verifyPatiently(path, {}, 0)).toMatchObject({ kind: "tampered", line: lineAt(offset) });
    }),
    { numRuns: 1500 },
  );
});

test("a line that is deleted, also the first or the last, is named as the first bad one", async () => {
  const path = await writtenLog(6);
  const lines = linesOf(await readFile(path));
  for (const [index] of lines.entries()) {
    await writeFile(path, Buffer.concat(lines.toSpliced(index, 1)));
    const last = index === lines.length - 1;
    expect(await verifyAuditLog(path)).toMatchObject({ kind: last ? "truncated" : "tampered", line: index + 1 });
  }
});

test("a line that is repeated, anywhere, is named", async () => {
  const path = await writtenLog(5);
  const lines = linesOf(await readFile(path));
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: lines.length - 1 }), fc.nat({ max: lines.length }), async (from, to) => {
      await writeFile(path, Buffer.concat(lines.toSpliced(to, 0, lines[from] ?? Buffer.of())));
      // A copy right before the original reads as a copy right after it.
      expect(await verifyAuditLog(path)).toMatchObject({ kind: "tampered", line: to === from ? from + 2 : to + 1 });
    }),
  );
});

test("lines that are swapped are named by the first of them", async () => {
  const path = await writtenLog(6);
  const lines = linesOf(await readFile(path));
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: lines.length - 2 }), fc.integer({ min: 1, max: 6 }), async (first, distance) => {
      const second = Math.min(lines.length - 1, first + distance);
      const swapped = [...lines];
      [swapped[first], swapped[second]] = [lines[second] ?? Buffer.of(), lines[first] ?? Buffer.of()];
      await writeFile(path, Buffer.concat(swapped));
      expect(await verifyAuditLog(path)).toMatchObject({ kind: "tampered", line: first + 1 });
    }),
  );
});

test("a tail cut at any byte of the last three lines is noticed, with the head file as without it", async () => {
  const path = await writtenLog(5);
  const bytes = await readFile(path);
  const lines = linesOf(bytes);
  const from = bytes.length - Buffer.concat(lines.slice(-3)).length;
  const alone = join(await temporaryDirectory(), "alone.log");
  for (let size = from; size < bytes.length; size += 1) {
    await writeFile(path, bytes.subarray(0, size));
    const whole = bytes[size - 1] === 0x0a;
    const line = linesOf(bytes.subarray(0, size)).length + (whole ? 1 : 0);
    expect(await verifyPatiently(path, {}, 0)).toMatchObject({ kind: whole ? "truncated" : "tampered", line });
    if (whole) continue;
    await writeFile(alone, bytes.subarray(0, size));
    expect(await verifyPatiently(alone, {}, 0)).toMatchObject({ kind: "torn_tail", line });
  }
});

test("a log that was cut, emptied or deleted is told from one that never was, as long as its head file is there", async () => {
  const path = await writtenLog(2);
  await truncate(path, 0);
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "truncated", line: 1, headSeq: 2, sound: null });
  await rm(path);
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "truncated", line: 1, headSeq: 2 });
  await rm(`${path}.head`);
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "unreadable" });
  await writeFile(path, "");
  expect(await verifyAuditLog(path)).toEqual({ kind: "empty" });
});

test("a copy without its head file is valid and says that its end was not checked", async () => {
  const path = await writtenLog(2);
  const copy = join(await temporaryDirectory(), "copy.log");
  await copyFile(path, copy);
  expect(await verifyAuditLog(copy)).toMatchObject({ kind: "valid", head: "missing" });
  await writeFile(`${copy}.head`, "nonsense");
  expect(await verifyAuditLog(copy)).toMatchObject({ kind: "valid", head: "damaged" });
});

test("another log in the place of this one is noticed, also one that is longer", async () => {
  const path = await writtenLog(2);
  await copyFile(await writtenLog(9), path);
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "tampered", line: 1 });
});

test("a log rewritten from some entry on with a fresh chain is noticed at the entry that the head file names", async () => {
  const path = await writtenLog(4);
  await altered(path, (bytes) => {
    const lines = linesOf(bytes).slice(0, 3);
    let prev = /"entry_hash":"([0-9a-f]{64})"/.exec(lines[2]?.toString() ?? "")?.[1] ?? "";
    const forged = [3, 4, 5, 6].map((seq) => {
      const { line, hash: entryHash } = formatLine(seq, "2026-01-01T00:00:00.000Z", '"type":"decision","decision":"ALLOW"', prev);
      prev = entryHash;
      return Buffer.from(`${line}\n`);
    });
    return Buffer.concat([...lines, ...forged]);
  });
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "tampered", line: 5, seq: 4 });
});

test("an entry that is sound in itself but follows another than the one before it is named", async () => {
  const path = await writtenLog(3);
  await rm(`${path}.head`);
  await altered(path, (bytes) => {
    const { line } = formatLine(2, "2026-01-01T00:00:00.000Z", '"type":"decision","decision":"ALLOW"', "ab".repeat(32));
    return Buffer.concat(linesOf(bytes).toSpliced(2, 1, Buffer.from(`${line}\n`)));
  });
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "tampered", line: 3, why: expect.stringContaining("prev_hash") as string });
});

test("an unfinished last line that nobody was told of is a torn tail, not tampering", async () => {
  const path = await writtenLog(2);
  await appendFile(path, '{"v":1,"seq":3,"ts":"2026');
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "torn_tail", line: 4, bytes: 25, sound: { lastSeq: 2 } });
});

function sealed(text: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(text), Buffer.from(`,"entry_hash":"${hash("sha256", text)}"}\n`)]);
}

test("hostile files get a verdict", async () => {
  const path = await temporaryLogPath();
  const good = await readFile(await writtenLog(1));
  const start = '{"v":1,"seq":0,"ts":"x","type":"log.opened","origin":"o","lock":"l","durability":"os"';
  const end = `,"prev_hash":"${noHash}"`;
  const files: Record<string, Buffer> = {
    "a line without end": Buffer.alloc(3_000_000, "a"),
    "nothing but NUL": Buffer.alloc(200_000),
    "nothing but newlines": Buffer.alloc(200_000, "\n"),
    "a byte order mark": Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), good]),
    "CRLF line ends": Buffer.from(good.toString().replaceAll("\n", "\r\n")),
    "UTF-16": Buffer.from(good.toString(), "utf16le"),
    "invalid UTF-8": Buffer.concat([Buffer.from(`${start},"x":"`), Buffer.from([0xff, 0xfe]), Buffer.from(`"${end}}\n`)]),
    "invalid UTF-8 under a good hash": sealed(Buffer.concat([Buffer.from(`${start},"x":"`), Buffer.from([0xff]), Buffer.from(`"${end}`)])),
    "a key twice": sealed(`${start},"decision":"ALLOW","decision":"DENY"${end}`),
    "a key twice, deep inside": sealed(`${start},"a":[{"b":{"c":1,"c":1}}]${end}`),
    "`seq` twice": sealed(`${start},"seq":7${end}`),
    "deep nesting": sealed(`${start},"a":${"[".repeat(30_000)}${"]".repeat(30_000)}${end}`),
    "deep nesting of objects": sealed(`${start},"a":${'{"a":'.repeat(8000)}1${"}".repeat(8000)}${end}`),
    "text that is not JSON": sealed(`${start},"a":nope${end}`),
    "a JSON array": Buffer.from("[]\n"),
    "an empty object": Buffer.from("{}\n"),
    "another application's log": Buffer.from("Nov 21 00:00:00 sshd[1]: hello\n"),
  };
  const verdicts: Record<string, string> = {};
  for (const [name, bytes] of Object.entries(files)) {
    await writeFile(path, bytes);
    const verdict = await verifyAuditLog(path);
    verdicts[name] = verdict.kind === "tampered" ? `tampered at ${verdict.line}` : verdict.kind;
  }
  expect(verdicts).toEqual(
    Object.fromEntries(Object.keys(files).map((name) => [name, name.startsWith("deep nesting") ? "valid" : "tampered at 1"])),
  );
});

test("any bytes at all get a verdict", async () => {
  const path = await temporaryLogPath();
  const good = (await readFile(await writtenLog(2))).toString("latin1");
  const piece = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...good.split(/(?<=[,\n"])/)));
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async (pieces) => {
      await writeFile(path, Buffer.from(pieces.join(""), "latin1"));
      expect(["tampered", "torn_tail", "empty"]).toContain((await verifyPatiently(path, {}, 0)).kind);
    }),
    { numRuns: 1000 },
  );
});

test("what is not a regular file is unreadable, and never waited for", async () => {
  const directory = await temporaryDirectory();
  const kinds = [];
  for (const path of [directory, join(directory, "none"), join(directory, "none", "none"), "/dev/zero", "/dev/stdin", "a\0b"]) {
    kinds.push((await verifyAuditLog(path)).kind);
  }
  expect(kinds).toEqual(Array.from({ length: 6 }, () => "unreadable"));
});

test("a checkpoint that is there and cannot be read is a bad one, and not none", async () => {
  for (const put of [async (file: string) => await symlink(file, file), async (file: string) => await mkdir(file)]) {
    const path = await writtenLog(2);
    await put(`${path}.checkpoint`);
    expect(await verifyAuditLog(path)).toMatchObject({ kind: "bad_checkpoint", checkpoint: "audit.log.checkpoint" });
  }
});

test("a line of a newer format is not called tampering", async () => {
  const path = await temporaryLogPath();
  const text = `{"v":2,"seq":0,"ts":"x","type":"log.opened","prev_hash":"${noHash}"`;
  await writeFile(path, `${text},"entry_hash":"${hash("sha256", text)}"}\n`);
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "unreadable", why: expect.stringContaining("version 2") as string });
});

test("memory stays flat on a file that is much larger", async () => {
  const path = await temporaryLogPath();
  await writeFile(path, "");
  // Sparse: two gigabytes of NUL that take no room.
  await truncate(path, 2 * 1024 ** 3);
  const before = process.memoryUsage().rss;
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "tampered", line: 1 });
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 ** 2);
});

test("verification says how far it is, and stops when it is told to", async () => {
  const path = await writtenLog(3);
  const seen: number[] = [];
  await verifyAuditLog(path, { onProgress: (_bytes, entries) => seen.push(entries) });
  expect(seen).toEqual([4]);
  await expect(verifyAuditLog(path, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
});

test("a head file that cannot be understood is said to be damaged", async () => {
  const path = await writtenLog(3);
  await rename(`${path}.head`, `${path}.old`);
  await mkdir(`${path}.head`);
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", head: "damaged" });
});
