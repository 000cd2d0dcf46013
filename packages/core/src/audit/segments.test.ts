import { copyFile, readFile, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";

import { CanopyError } from "../errors.ts";
import { openCanopy } from "../runtime/open-canopy.ts";
import { altered, decision, machine, open, readEntries, temporaryLogPath } from "./audit.test.fixture.ts";
import type { AuditLog } from "./audit-log.ts";
import { localDisk } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { formatLine } from "./entry.ts";
import { readAuditLog } from "./read.ts";
import { sealedSegments, segmentPaths } from "./segments.ts";
import { verifyAuditLog } from "./verify.ts";

const small = { segmentBytes: 4096 } as const;

async function append(log: AuditLog, count: number, name = "t"): Promise<readonly string[]> {
  const names = Array.from({ length: count }, (_, index) => `${name}${index}`);
  for (const trace_id of names) await log.append(decision({ trace_id }));
  return names;
}

async function traces(path: string): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for await (const { entry } of readAuditLog(path)) if (entry?.type === "decision") found.push(entry.members["trace_id"]);
  return found;
}

/** A closed log of several segments. */
async function segmented(): Promise<{ path: string; files: readonly string[]; written: readonly string[] }> {
  const path = await temporaryLogPath();
  const log = await open(path, machine(), small);
  const written = await append(log, 40);
  await log.close();
  return { path, files: segmentPaths(localDisk, path), written };
}

describe("a log in segments", () => {
  it("goes on in a new file when one is full, as one chain that verifies", async () => {
    const { path, files, written } = await segmented();
    expect(files.length).toBeGreaterThan(3);
    expect(await traces(path)).toEqual(written);
    expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", segments: files.length, head: "matches" });
    for (const file of files.slice(0, -1)) {
      const entries = await readEntries(file);
      const first = entries[0]?.["seq"] as number;
      expect(file).toBe(`${path}.${String(first).padStart(12, "0")}`);
      expect(entries.at(-1)).toMatchObject({ type: "log.sealed", entries: entries.length });
      expect((await stat(file)).size).toBeLessThan(6000);
    }
    const opening = await Promise.all(files.map(async (file) => (await readEntries(file))[0]));
    expect(opening.map((entry) => entry?.["type"])).toEqual(["log.opened", ...files.slice(1).map(() => "log.continued")]);
    expect(new Set(opening.map((entry) => entry?.["origin"])).size).toBe(1);
  });

  it("is sealed when it is old", async () => {
    const path = await temporaryLogPath();
    let now = Date.parse("2026-01-01T00:00:00Z");
    const log = await open(path, machine(), { segmentMs: 3_600_000, now: () => new Date(now) });
    await append(log, 2, "a");
    now += 3_599_000;
    await append(log, 1, "b");
    expect(sealedSegments(localDisk, path)).toEqual([]);
    now += 1000;
    await append(log, 1, "c");
    await log.close();
    expect(sealedSegments(localDisk, path)).toHaveLength(1);
    expect(await traces(path)).toEqual(["a0", "a1", "b0", "c0"]);
    expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid" });
  });

  it("is followed by every other writer, and opened again where it ended", async () => {
    const path = await temporaryLogPath();
    const [one, other, sleeper] = [
      await open(path, machine(), small),
      await open(path, machine(), small),
      await open(path, machine(), small),
    ];
    await append(sleeper, 1, "s");
    for (let round = 0; round < 15; round += 1) {
      await append(one, 2, `one${round}.`);
      await append(other, 2, `other${round}.`);
    }
    // It slept through several segments.
    await append(sleeper, 1, "late");
    await Promise.all([one.close(), other.close(), sleeper.close()]);
    await append(await open(path, machine(), small), 1, "again");
    const found = await traces(path);
    expect(found).toHaveLength(63);
    expect(new Set(found).size).toBe(63);
    expect(sealedSegments(localDisk, path).length).toBeGreaterThan(3);
    expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", head: "matches" });
  });

  it("has the text of the policy in each segment that has decisions of it", async () => {
    const path = await temporaryLogPath();
    const canopy = await openCanopy({ audit: { path, segmentBytes: 100_000 } });
    const command = `echo ${"x".repeat(3000)}`;
    for (let count = 0; count < 100; count += 1) await canopy.authorizeAction({}, "execute_shell", { command });
    await canopy.close();
    const files = segmentPaths(localDisk, path);
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) {
      const types = (await readEntries(file)).map(({ type }) => type);
      // The decision that filled the segment before may be the first of the next; no more than that comes before the policy.
      expect(types.slice(0, 3)).toContain("policy.loaded");
    }
  });

  it("is gone on with by the next writer, wherever the one that sealed it died", async () => {
    const steps = ["write", "dataSync", "rename", "open", "sync", "writeNow"] as const;
    let died = 0;
    for (const step of steps) {
      for (let count = 1; count <= 4; count += 1) {
        const path = await temporaryLogPath();
        const first = await open(path, machine(), { ...small, segmentBytes: 4096 });
        const acknowledged = [...(await append(first, 8))];
        await first.close();
        const disk = dyingAt(step, count);
        const second = await open(path, machine({ disk }), small).catch(() => null);
        for (let more = 0; more < 12; more += 1) {
          const entry = await second?.append(decision({ trace_id: `m${more}` })).catch(() => null);
          if (entry === null) died += 1;
          else if (entry !== undefined) acknowledged.push(`m${more}`);
        }
        await second?.close().catch(() => undefined);
        const third = await open(path, machine(), small);
        acknowledged.push(...(await append(third, 3, "z")));
        await third.close();
        const found = await traces(path);
        expect(found.filter((trace) => acknowledged.includes(trace as string))).toEqual(acknowledged);
        expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", head: "matches" });
      }
    }
    expect(died).toBeGreaterThan(10);
  });

  it.each([
    [
      "a byte of a sealed segment is another",
      async (files: readonly string[]) => await altered(files[1] ?? "", (bytes) => flip(bytes, 700)),
    ],
    ["a sealed segment is gone", async (files: readonly string[]) => await rm(files[1] ?? "")],
    ["the oldest segment is gone", async (files: readonly string[]) => await rm(files[0] ?? "")],
    ["a sealed segment lost its seal", async (files: readonly string[]) => await altered(files[1] ?? "", withoutLastLine)],
    ["two segments changed places", async (files: readonly string[]) => await swap(files[0] ?? "", files[1] ?? "")],
    ["a sealed segment stands twice", async (files: readonly string[]) => await copyFile(files[0] ?? "", files[1] ?? "")],
    [
      "a line follows the seal",
      async (files: readonly string[]) =>
        await altered(files[1] ?? "", (bytes) => Buffer.concat([bytes, bytes.subarray(bytes.length - 300)])),
    ],
    ["a sealed segment ends in the middle", async (files: readonly string[]) => await truncate(files[1] ?? "", 3000)],
    ["the active segment is empty", async (files: readonly string[]) => await truncate(files.at(-1) ?? "", 0)],
    ["the active segment is gone", async (files: readonly string[]) => await rm(files.at(-1) ?? "")],
    ["the active segment is an older one", async (files: readonly string[]) => await copyFile(files[1] ?? "", files.at(-1) ?? "")],
  ])("does not verify where %s, and is not written to where its end shows it", async (what, attack) => {
    const { path, files } = await segmented();
    await attack(files);
    const verdict = await verifyAuditLog(path);
    expect(["tampered", "truncated"]).toContain(verdict.kind);
    expect("file" in verdict ? files : []).toContain("file" in verdict ? verdict.file : "");
    const opened = await open(path, machine(), small).catch((error: unknown) => error);
    // Writers look at where the log ends; what stands further up is the verifier's.
    expect(opened instanceof CanopyError && opened.code === "AUDIT_LOG_BROKEN").toBe(what.startsWith("the active"));
  });

  it("names the file and the line that were changed", async () => {
    const { path, files } = await segmented();
    const lines = (await readFile(files[1] ?? "", "utf8")).split("\n");
    await writeFile(files[1] ?? "", lines.with(2, (lines[2] ?? "").replace("harmless", "harmful!")).join("\n"));
    expect(await verifyAuditLog(path)).toMatchObject({ kind: "tampered", file: files[1], line: 3 });
  });

  it("is not whole where a segment of another log goes on in it, with a chain that fits", async () => {
    const { path, files } = await segmented();
    await rm(`${path}.head`);
    const active = files.at(-1) ?? "";
    await rechained(active, (body, index) => (index === 0 ? body.replace(/"origin":"[^"]*"/, '"origin":"canopy-audit/other"') : body));
    expect(await verifyAuditLog(path)).toMatchObject({ kind: "tampered", file: active, line: 1, why: "begins a segment of another log" });
  });

  it("is not whole where a line that fits the chain follows a seal", async () => {
    const { path, files } = await segmented();
    const sealed = files[0] ?? "";
    const count = (await readEntries(sealed)).length;
    await rechained(sealed, (body) => body, ['"type":"decision","decision":"ALLOW"']);
    expect(await verifyAuditLog(path)).toMatchObject({
      kind: "tampered",
      file: sealed,
      line: count + 1,
      why: expect.stringContaining("follows the entry that sealed") as string,
    });
  });

  it("refuses to seal over a file that is there, and leaves both as they are", async () => {
    const path = await temporaryLogPath();
    const log = await open(path, machine(), small);
    await writeFile(`${path}.000000000000`, "something else");
    await expect(append(log, 40)).rejects.toThrow("cannot be sealed as `audit.log.000000000000`");
    expect(await readFile(`${path}.000000000000`, "utf8")).toBe("something else");
  });

  it("keeps a writer from going on where the log was put back to an older state", async () => {
    const path = await temporaryLogPath();
    const log = await open(path, machine(), small);
    await append(log, 5);
    await copyFile(path, `${path}-backup`);
    await append(log, 40);
    await rename(`${path}-backup`, path);
    await expect(log.append(decision())).rejects.toMatchObject({ code: "AUDIT_LOG_BROKEN" });
    expect((await verifyAuditLog(path)).kind).not.toBe("valid");
  });

  it("lets writers that run beside each other seal it, and loses nothing", async () => {
    const path = await temporaryLogPath();
    const logs = await Promise.all(Array.from({ length: 4 }, async () => await open(path, machine(), small)));
    const written = await Promise.all(
      logs.map(async (log, writer) => {
        const all = Array.from({ length: 60 }, (_, index) => `${writer}.${index}`);
        await Promise.all(all.map(async (trace_id) => await log.append(decision({ trace_id }))));
        return all;
      }),
    );
    await Promise.all(logs.map(async (log) => await log.close()));
    expect(new Set(await traces(path))).toEqual(new Set(written.flat()));
    expect(await traces(path)).toHaveLength(240);
    expect(sealedSegments(localDisk, path).length).toBeGreaterThan(2);
    expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid" });
  });
});

/** A disk on which the operation fails from its `count`-th time on, after the process has read what it opened. */
function dyingAt(step: keyof Disk, count: number): Partial<Disk> {
  let left = count;
  let isDead = false;
  const guard = (): void => {
    if (isDead || (left -= 1) < 0) {
      isDead = true;
      throw Object.assign(new Error("EIO"), { code: "EIO" });
    }
  };
  const operation = localDisk[step] as (...args: never[]) => unknown;
  return {
    [step]: (...args: never[]) => {
      // Reading goes on, or the process would not even learn what it has to refuse.
      if (step === "open" && ((args as unknown[])[1] as number) === 0) return operation(...args);
      guard();
      return operation(...args);
    },
  };
}

function flip(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}

function withoutLastLine(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.lastIndexOf(0x0a, -2) + 1);
}

async function swap(a: string, b: string): Promise<void> {
  await rename(a, `${a}-swap`);
  await rename(b, a);
  await rename(`${a}-swap`, b);
}

/** Writes a segment anew, each body as \`change\` gives it and \`more\` after them, in a chain that holds. */
async function rechained(file: string, change: (body: string, index: number) => string, more: readonly string[] = []): Promise<void> {
  const entries = await readEntries(file);
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  let prev = entries[0]?.["prev_hash"] as string;
  let seq = entries[0]?.["seq"] as number;
  const bodies = [
    ...lines.map((line) => /^\{.*?"ts":"[^"]*",(.*),"prev_hash":"[^"]*","entry_hash":"[^"]*"\}$/.exec(line)?.[1] ?? ""),
    ...more,
  ];
  const written = bodies.map((body, index) => {
    const { line, hash } = formatLine(seq, (entries[index]?.["ts"] ?? "2026-01-01T00:00:00.000Z") as string, change(body, index), prev);
    prev = hash;
    seq += 1;
    return `${line}\n`;
  });
  await writeFile(file, written.join(""));
}
