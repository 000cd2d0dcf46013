import { createHash } from "node:crypto";
import { chmod, copyFile, cp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { describe, expect, it } from "vitest";

import { altered, decision, linesOf, machine, open, readEntries, temporaryDirectory, temporaryLogPath } from "./audit.test.fixture.ts";
import { createAuditKey, readAuditKey } from "./audit-key.ts";
import type { AuditLogOptions } from "./audit-log.ts";
import { openAuditLog, openAuditLogOn } from "./audit-log.ts";
import { localDisk } from "./disk.ts";
import { formatLine, noHash } from "./entry.ts";
import { parseCheckpoint } from "./tree/checkpoint.ts";
import { addLeaf, emptyFrontier, leafHash, rootOf } from "./tree/merkle.ts";
import { verifyAuditLog, verifyPatiently } from "./verify.ts";

interface Keyed {
  readonly path: string;
  readonly keyPath: string;
  readonly publicKey: string;
}

/** A path for a log, and a key beside it. */
async function keyed(): Promise<Keyed> {
  const path = await temporaryLogPath();
  const keyPath = join(dirname(path), "key");
  return { path, keyPath, publicKey: createAuditKey(keyPath, "example.com/key") };
}

async function append({ path, keyPath }: Keyed, count: number, options: Partial<AuditLogOptions> = {}): Promise<void> {
  const log = await openAuditLog({ path, keyPath, ...options });
  for (let index = 0; index < count; index += 1) await log.append(decision({ trace_id: `t${index}` }));
  await log.close();
}

async function checkpoint(path: string): Promise<{ text: string; size: number | undefined }> {
  const text = await readFile(`${path}.checkpoint`, "utf8");
  return { text, size: parseCheckpoint(text)?.size };
}

const quick = (path: string, options: Parameters<typeof verifyPatiently>[1] = {}): ReturnType<typeof verifyAuditLog> =>
  verifyPatiently(path, options, 0);

describe("a log with a key", () => {
  it("has a checkpoint over all of it once it is closed, over the very bytes of its lines", async () => {
    const log = await keyed();
    await append(log, 5);
    const { text, size } = await checkpoint(log.path);
    const tree = emptyFrontier();
    for (const line of linesOf(await readFile(log.path))) addLeaf(tree, leafHash(line.subarray(0, -1)));
    expect({ size, root: parseCheckpoint(text)?.root }).toEqual({ size: 6, root: rootOf(tree) });
    expect((await readEntries(log.path))[0]).toMatchObject({ public_key: log.publicKey });
    expect(await verifyAuditLog(log.path, { publicKeys: [log.publicKey] })).toMatchObject({
      kind: "valid",
      anchored: { from: 0, to: 5, checkpoint: "audit.log.checkpoint", key: log.publicKey, trust: "given" },
      unanchored: null,
    });
    expect(await verifyAuditLog(log.path)).toMatchObject({ kind: "valid", anchored: { trust: "named_by_log" } });
  });

  it("has a checkpoint from its first entry on, every so many entries, and after a while", async () => {
    const log = await keyed();
    const writer = await openAuditLog({ path: log.path, keyPath: log.keyPath, checkpointEvery: 10, checkpointMs: 1e9 });
    expect((await checkpoint(log.path)).size).toBe(1);
    for (let count = 0; count < 9; count += 1) await writer.append(decision());
    const before = (await checkpoint(log.path)).size;
    await writer.append(decision());
    expect([before, (await checkpoint(log.path)).size]).toEqual([1, 11]);
    await writer.close();
    const timed = await openAuditLog({ path: log.path, keyPath: log.keyPath, checkpointMs: 50 });
    await timed.append(decision());
    await expect.poll(async () => (await checkpoint(log.path)).size, { timeout: 30_000 }).toBe(12);
    await timed.close();
    expect(await verifyAuditLog(log.path)).toMatchObject({ kind: "valid", anchored: { to: 11 } });
  });

  it("is never signed over a line that stands there in the place of the one that was written", async () => {
    const log = await keyed();
    let forges = false;
    const disk = {
      dataSync: async (fd: number): Promise<void> => {
        await localDisk.dataSync(fd);
        if (forges) await altered(log.path, lastForged);
      },
    };
    const writer = await openAuditLogOn(machine({ disk }), { path: log.path, keyPath: log.keyPath, checkpointEvery: 1 });
    await writer.append(decision());
    const before = await checkpoint(log.path);
    forges = true;
    await expect(writer.append(decision({ decision: "DENY" }))).rejects.toMatchObject({ code: "AUDIT_LOG_BROKEN" });
    await expect(writer.close()).rejects.toMatchObject({ code: "AUDIT_LOG_BROKEN" });
    expect(await checkpoint(log.path)).toEqual(before);
  });

  it("is never signed over a line that is sound in itself, and not the one that the next line follows", async () => {
    const log = await keyed();
    const writer = await openAuditLog({ path: log.path, keyPath: log.keyPath });
    for (const trace_id of ["t1", "t2", "t3"]) await writer.append(decision({ trace_id }));
    await altered(log.path, (bytes) => {
      const lines = linesOf(bytes);
      const line = (lines[2]?.toString() ?? "").replace('"t2"', '"tX"').slice(0, -82);
      return Buffer.concat(lines.with(2, Buffer.from(`${line},"entry_hash":"${createHash("sha256").update(line).digest("hex")}"}\n`)));
    });
    await expect(writer.close()).rejects.toMatchObject({ code: "AUDIT_LOG_BROKEN" });
    expect((await checkpoint(log.path)).size).toBe(1);
  });

  it("tells which entries came after the checkpoint", async () => {
    const log = await keyed();
    await append(log, 3);
    // A writer without the key: its entries are chained, and signed by whoever has it next.
    const keyless = await openAuditLog({ path: log.path });
    await keyless.append(decision());
    await keyless.close();
    expect(await verifyAuditLog(log.path)).toMatchObject({ kind: "valid", anchored: { to: 3 }, unanchored: { from: 4, to: 4 } });
    await append(log, 0);
    expect(await verifyAuditLog(log.path)).toMatchObject({ kind: "valid", anchored: { to: 4 }, unanchored: null });
  });

  it("is signed by several processes' writers in turn, none of which contradicts another", async () => {
    const log = await keyed();
    const options = { path: log.path, keyPath: log.keyPath, checkpointEvery: 3, segmentBytes: 4096 };
    const writers = await Promise.all([openAuditLog(options), openAuditLog(options), openAuditLog({ path: log.path, segmentBytes: 4096 })]);
    const kept: { name: string; text: string }[] = [];
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(writers.map(async (writer) => await writer.append(decision({ trace_id: `${round}` }))));
      kept.push({ name: `${round}`, text: (await checkpoint(log.path)).text });
    }
    for (const writer of writers) await writer.close();
    expect(await verifyAuditLog(log.path, { checkpoints: kept, publicKeys: [log.publicKey] })).toMatchObject({
      kind: "valid",
      unanchored: null,
    });
    expect(new Set(kept.map(({ text }) => text)).size).toBeGreaterThan(10);
  });

  it("is opened without reading it from its beginning", async () => {
    const log = await keyed();
    await append(log, 400);
    let read = 0;
    const disk = {
      read: (fd: number, into: Buffer, position: number): number => {
        const got = localDisk.read(fd, into, position);
        read += got;
        return got;
      },
    };
    const { size } = await stat(log.path);
    const writer = await open(log.path, machine({ disk }), { keyPath: log.keyPath });
    expect(size).toBeGreaterThan(150_000);
    // A line at each end, and what is left of the blocks that they are read in.
    expect(read).toBeLessThan(2 * 65_536 + 20_000 + 65_536);
    await writer.close();
  });

  it("goes on where the kept tree is gone or somebody else's: it is computed anew", async () => {
    const log = await keyed();
    await append(log, 3);
    const other = await keyed();
    await append(other, 3);
    for (const spoil of [
      async () => await rm(`${log.path}.tree`),
      async () => await writeFile(`${log.path}.tree`, "{"),
      async () => await copyFile(`${other.path}.tree`, `${log.path}.tree`),
      async () => await altered(`${log.path}.tree`, (bytes) => Buffer.from(bytes.toString().replace(/"end":\d+/, '"end":7'))),
    ]) {
      await spoil();
      await append(log, 1);
      expect(await verifyAuditLog(log.path)).toMatchObject({ kind: "valid", unanchored: null });
    }
  });

  it.each([
    ["lost entries that were signed", async ({ path }: Keyed) => await truncateLines(path, 3), "is missing"],
    ["was written anew, soundly chained", async ({ path }: Keyed) => await rewriteSoundly(path), "is not the log that"],
    ["has no checkpoint any more", async ({ path }: Keyed) => await rm(`${path}.checkpoint`), "so there was a checkpoint"],
    ["has a checkpoint that is none", async ({ path }: Keyed) => await writeFile(`${path}.checkpoint`, "hello\n"), "damaged checkpoint"],
    ["has an empty checkpoint", async ({ path }: Keyed) => await writeFile(`${path}.checkpoint`, ""), "damaged checkpoint"],
    ["has the checkpoint of another log", async ({ path, keyPath }: Keyed) => await otherCheckpoint(path, keyPath), "begins another log"],
    ["has a checkpoint of a strange key", async ({ path }: Keyed) => await strangeCheckpoint(path), "did not sign"],
    ["is gone", async ({ path }: Keyed) => await rm(path), "is missing"],
  ])("is not written to where it %s", async (_what, attack, message) => {
    const log = await keyed();
    await append(log, 6);
    await attack(log);
    // Without the head file, which whoever changes the log can bring into line.
    await rm(`${log.path}.head`);
    await expect(append(log, 1)).rejects.toMatchObject({ code: "AUDIT_LOG_BROKEN", message: expect.stringContaining(message) as string });
  });

  it("denies from then on where its checkpoint is removed or rolled back under a writer", async () => {
    const log = await keyed();
    const writer = await openAuditLog({ path: log.path, keyPath: log.keyPath, checkpointEvery: 2 });
    const first = (await checkpoint(log.path)).text;
    await writer.append(decision());
    await writer.append(decision());
    await rm(`${log.path}.checkpoint`);
    await writer.append(decision());
    await expect(writer.append(decision())).rejects.toThrow("was removed while it was in use");
    await writeFile(`${log.path}.checkpoint`, first);
    await expect(writer.append(decision())).rejects.toThrow("was rolled back while it was in use");
    // The last checkpoint cannot be made either, and whoever closes is told.
    await expect(writer.close()).rejects.toMatchObject({ code: "AUDIT_LOG_BROKEN" });
  });

  it("does not sign what was changed on the disk since it was written", async () => {
    const log = await keyed();
    const writer = await openAuditLog({ path: log.path, keyPath: log.keyPath, checkpointEvery: 4 });
    for (let count = 0; count < 3; count += 1) await writer.append(decision({ trace_id: `t${count}` }));
    const before = (await checkpoint(log.path)).text;
    await altered(log.path, (bytes) => Buffer.from(bytes.toString().replace('"t1"', '"tX"')));
    await expect(writer.append(decision())).rejects.toThrow("was changed after it was written");
    expect((await checkpoint(log.path)).text).toBe(before);
    // The last checkpoint cannot be made either, and whoever closes is told.
    await expect(writer.close()).rejects.toMatchObject({ code: "AUDIT_LOG_BROKEN" });
  });
});

describe("a key", () => {
  it("that is new to a log signs all that came before it, and the change is on record", async () => {
    const log = await keyed();
    const keyless = await openAuditLog({ path: log.path });
    await keyless.append(decision());
    await keyless.close();
    await append(log, 1);
    expect(await readEntries(log.path)).toMatchObject([
      { public_key: null },
      {},
      { type: "key.rotated", public_key: log.publicKey, previous: null },
      {},
    ]);
    expect(await verifyAuditLog(log.path, { publicKeys: [log.publicKey] })).toMatchObject({ kind: "valid", unanchored: null });
  });

  it("is changed where the host names the old one, and not otherwise", async () => {
    const log = await keyed();
    await append(log, 1);
    const newKey = join(dirname(log.path), "new-key");
    const publicKey = createAuditKey(newKey);
    const next = { ...log, keyPath: newKey };
    await expect(append(next, 1)).rejects.toThrow("a checkpoint that this key did not sign");
    await append(next, 1, { previousKeys: [log.publicKey] });
    expect((await readEntries(log.path)).filter(({ type }) => type === "key.rotated")).toMatchObject([
      { public_key: publicKey, previous: log.publicKey },
    ]);
    expect(await verifyAuditLog(log.path, { publicKeys: [publicKey] })).toMatchObject({ kind: "valid", unanchored: null });
    // From here on the new one is enough.
    await append(next, 1);
    await expect(append(next, 1, { previousKeys: ["nonsense"] })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  });

  it("lies in a file that is its owner's alone, and is never overwritten", async () => {
    const path = join(await temporaryDirectory(), "key");
    createAuditKey(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const text = await readFile(path, "utf8");
    expect(() => createAuditKey(path)).toThrow("exists already");
    expect(await readFile(path, "utf8")).toBe(text);
    for (const mode of [0o640, 0o604, 0o620]) {
      await chmod(path, mode);
      expect(() => readAuditKey(path)).toThrow(`mode ${mode.toString(8)}`);
    }
    expect(() => createAuditKey(join(path, "x"))).toThrow("cannot write the key");
    expect(() => createAuditKey(`${path}-2`, "two words")).toThrow("no name for a key");
  });

  it("is refused where the file holds none", async () => {
    const folder = await temporaryDirectory();
    const path = join(folder, "key");
    for (const text of ["", "hello", "x".repeat(10_000), createAuditKey(join(folder, "other"))]) {
      await writeFile(path, text, { mode: 0o600 });
      expect(() => readAuditKey(path)).toThrow("holds no key");
    }
    expect(() => readAuditKey(folder)).toThrow("is not a regular file");
    expect(() => readAuditKey(join(folder, "none"))).toThrow("no such file");
    await symlink(join(folder, "other"), join(folder, "link"));
    await expect(openAuditLog({ path: join(folder, "audit.log"), keyPath: join(folder, "none") })).rejects.toMatchObject({
      code: "AUDIT_LOG_UNAVAILABLE",
    });
  });
});

describe("what an attacker leaves of a log that was closed", () => {
  it("is found out with its checkpoint: every bit that is another, in every file", async () => {
    const log = await keyed();
    await append(log, 1);
    const publicKeys = [log.publicKey];
    for (const name of ["audit.log", "audit.log.checkpoint"]) {
      const whole = await readFile(join(dirname(log.path), name));
      const unseen = await unseenChanges(log.path, name, flips(whole), publicKeys);
      expect({ name, changes: flips(whole).length, unseen }).toEqual({ name, changes: whole.length * 8, unseen: [] });
    }
    expect((await quick(log.path, { publicKeys })).kind).toBe("valid");
  });

  it("is found out with its checkpoint: every cut, with the head file and without", async () => {
    const log = await keyed();
    await append(log, 2);
    const cuts = await cutsOf(log.path);
    expect(await unseenChanges(log.path, "audit.log", cuts, [log.publicKey])).toEqual([]);
    await rm(`${log.path}.head`);
    expect(await unseenChanges(log.path, "audit.log", cuts, [log.publicKey])).toEqual([]);
  });

  it("without a checkpoint shows every bit, and says that a cut at the end of a line would not show", async () => {
    const path = await temporaryLogPath();
    const log = await openAuditLog({ path });
    await log.append(decision());
    await log.close();
    await rm(`${path}.head`);
    const whole = await readFile(path);
    expect(await unseenChanges(path, "audit.log", flips(whole), [])).toEqual([]);
    expect(await quick(path)).toMatchObject({ kind: "valid", anchored: null, unanchored: { from: 0, to: 1 }, head: "missing" });
    const [opened = Buffer.alloc(0)] = linesOf(whole);
    const cuts = await cutsOf(path);
    expect(await unseenChanges(path, "audit.log", cuts, [])).toEqual([opened.length]);
    await truncateLines(path, 1);
    expect(await quick(path)).toMatchObject({ kind: "valid", anchored: null, unanchored: { from: 0, to: 0 }, head: "missing" });
  });

  it("put back to an older state is found out with a newer checkpoint that was kept elsewhere", async () => {
    const log = await keyed();
    await append(log, 3);
    const folder = dirname(log.path);
    const backup = join(await temporaryDirectory(), "backup");
    await cp(folder, backup, { recursive: true });
    await append(log, 3);
    const { text } = await checkpoint(log.path);
    for (const name of await readdir(folder)) await rm(join(folder, name));
    await cp(backup, folder, { recursive: true });
    const publicKeys = [log.publicKey];
    expect((await quick(log.path, { publicKeys })).kind).toBe("valid");
    expect(await quick(log.path, { publicKeys, checkpoints: [{ name: "kept", text }] })).toMatchObject({
      kind: "truncated",
      headSeq: 6,
      why: expect.stringContaining("`kept` records 7") as string,
    });
    // And where it has grown again since, by other entries.
    await append(log, 5);
    expect(await quick(log.path, { publicKeys, checkpoints: [{ name: "kept", text }] })).toMatchObject({
      kind: "forked",
      checkpoint: "kept",
      size: 7,
    });
  });

  it("written anew with a key of the attacker's own is valid for nobody who knows the right one", async () => {
    const log = await keyed();
    await append(log, 3);
    const { text } = await checkpoint(log.path);
    const [origin = ""] = text.split("\n");
    const folder = dirname(log.path);
    for (const name of await readdir(folder)) if (name.startsWith("audit.log")) await rm(join(folder, name));
    const strange = join(folder, "strange");
    const theirs = createAuditKey(strange, "example.com/key");
    const forged = await openAuditLog({ path: log.path, keyPath: strange, randomBytes: () => Buffer.from(origin.slice(-32), "hex") });
    for (let count = 0; count < 3; count += 1) await forged.append(decision());
    await forged.close();
    expect(await quick(log.path)).toMatchObject({ kind: "valid", origin, anchored: { key: theirs, trust: "named_by_log" } });
    expect(await quick(log.path, { publicKeys: [log.publicKey] })).toMatchObject({ kind: "bad_checkpoint" });
    await rm(`${log.path}.checkpoint`);
    expect(await quick(log.path, { publicKeys: [log.publicKey] })).toMatchObject({ kind: "valid", anchored: null });
    expect(await quick(log.path, { publicKeys: [log.publicKey], checkpoints: [{ name: "kept", text }] })).toMatchObject({ kind: "forked" });
  });

  it("is not vouched for by what is no checkpoint, is of another log, or by a key that nobody named", async () => {
    const log = await keyed();
    await append(log, 1);
    const other = await keyed();
    await append(other, 1);
    const theirs = (await checkpoint(other.path)).text;
    expect(await quick(log.path, { checkpoints: [{ name: "k", text: "no" }] })).toMatchObject({ kind: "bad_checkpoint", checkpoint: "k" });
    expect(await quick(log.path, { checkpoints: [{ name: "k", text: theirs }] })).toMatchObject({ kind: "bad_checkpoint" });
    expect(
      await quick(log.path, { checkpoints: [{ name: "k", text: theirs }], publicKeys: [log.publicKey, other.publicKey] }),
    ).toMatchObject({
      kind: "bad_checkpoint",
      why: expect.stringContaining("it is of the log") as string,
    });
    await expect(quick(log.path, { publicKeys: ["nobody"] })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  });
});

/** The file with each of its bits changed in turn. */
function flips(bytes: Buffer): readonly (() => Buffer)[] {
  return Array.from({ length: bytes.length * 8 }, (_, bit) => () => {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return changed;
  });
}

async function cutsOf(path: string): Promise<readonly (() => Buffer)[]> {
  const whole = await readFile(path);
  return Array.from({ length: whole.length }, (_, size) => () => whole.subarray(0, size));
}

/** Which of the changes to the file leave a log that counts as valid; each is tried, in copies of the log's folder side by side. */
async function unseenChanges(
  path: string,
  name: string,
  changes: readonly (() => Buffer)[],
  publicKeys: readonly string[],
): Promise<readonly number[]> {
  const unseen: number[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const copy = await temporaryDirectory();
      await cp(dirname(path), copy, { recursive: true });
      for (let index = next; index < changes.length; index = next) {
        next += 1;
        await writeFile(join(copy, name), changes[index]?.() ?? "");
        if ((await quick(join(copy, "audit.log"), { publicKeys })).kind === "valid") unseen.push(index);
      }
    }),
  );
  return unseen;
}

async function truncateLines(path: string, count: number): Promise<void> {
  await altered(path, (bytes) => Buffer.concat(linesOf(bytes).slice(0, -count)));
}

/** The same entries with one word changed, numbered and chained as if they had been written so. */
async function rewriteSoundly(path: string): Promise<void> {
  let hash = noHash;
  const lines = linesOf(await readFile(path)).map((line, seq) => {
    const [, ts = "", body = ""] =
      /^\{"v":1,"seq":\d+,"ts":"([^"]+)",(.*),"prev_hash":"[0-9a-f]+","entry_hash":"[0-9a-f]+"\}\n$/.exec(line.toString()) ?? [];
    const formatted = formatLine(seq, ts, body.replace("harmless", "harmful!"), hash);
    ({ hash } = formatted);
    return `${formatted.line}\n`;
  });
  await writeFile(path, lines.join(""));
}

async function otherCheckpoint(path: string, keyPath: string): Promise<void> {
  const other = await temporaryLogPath();
  const log = await openAuditLog({ path: other, keyPath });
  await log.close();
  await copyFile(`${other}.checkpoint`, `${path}.checkpoint`);
}

async function strangeCheckpoint(path: string): Promise<void> {
  const other = await keyed();
  await append(other, 1);
  await copyFile(`${other.path}.checkpoint`, `${path}.checkpoint`);
}

/** The lines with the last one replaced by another that fits the chain as well. */
function lastForged(bytes: Buffer): Buffer {
  const lines = linesOf(bytes);
  const { seq, prev_hash: prev } = JSON.parse(lines.at(-1)?.toString() ?? "") as { seq: number; prev_hash: string };
  const { line } = formatLine(seq, "2026-01-01T00:00:00.000Z", '"type":"decision","decision":"ALLOW"', prev);
  return Buffer.concat([...lines.slice(0, -1), Buffer.from(`${line}\n`)]);
}
