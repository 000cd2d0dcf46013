import { readFile } from "node:fs/promises";

import { describe, expect, it } from "vitest";

import { openCanopy } from "../runtime/open-canopy.ts";
import { decision, open, readEntries, temporaryDirectory, temporaryLogPath } from "./audit.test.fixture.ts";
import { checkLine } from "./check-line.ts";
import { combineAuditSinks } from "./combined-sinks.ts";
import { noHash } from "./entry.ts";
import { createMemoryAuditSink } from "./memory-sink.ts";
import type { AuditSink } from "./sink.ts";
import { verifyAuditLog } from "./verify.ts";

const broken: AuditSink = {
  append: async () => await Promise.reject(new Error("the wire is cut")),
  close: async () => await Promise.resolve(),
};
const hanging: AuditSink = { append: async () => await new Promise(() => undefined), close: async () => await Promise.resolve() };

async function decideOnce(audit: AuditSink): Promise<void> {
  await using canopy = await openCanopy({ audit });
  await canopy.authorizeAction({}, "execute_shell", { command: "ls" });
}

function sent(lines: readonly string[]): readonly unknown[] {
  return lines.map((line) => (JSON.parse(line) as { trace_id?: unknown }).trace_id);
}

describe("a sink in memory", () => {
  it("chains its lines as a file does, redacted", async () => {
    const sink = createMemoryAuditSink({ now: () => new Date("2026-01-01T00:00:00Z") });
    const entries = await Promise.all([
      sink.append(decision()),
      sink.append(decision({ payload: { url: "https://example.com", headers: { authorization: "Bearer secret-of-mine" } } })),
    ]);
    let previous = noHash;
    for (const [seq, line] of sink.lines.entries()) {
      const checked = checkLine(Buffer.from(line), seq, previous);
      expect(checked).toMatchObject({ ok: true, hash: entries[seq]?.entryHash });
      if (checked.ok) previous = checked.hash;
    }
    expect(sink.lines[1]).toContain("$committed");
    expect(sink.lines[1]).not.toContain("secret-of-mine");
  });

  it("refuses what is no entry, and everything once it is closed", async () => {
    const sink = createMemoryAuditSink();
    await expect(sink.append({ type: "log.opened" } as never)).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
    await expect(sink.append({ type: "decision", at: new Date() } as never)).rejects.toMatchObject({ code: "NOT_JSON" });
    await sink.close();
    await expect(sink.append(decision())).rejects.toMatchObject({ code: "AUDIT_LOG_CLOSED" });
    expect(sink.lines).toEqual([]);
  });

  it("serves a runtime", async () => {
    const sink = createMemoryAuditSink();
    const canopy = await openCanopy({ audit: sink });
    expect(await canopy.authorizeAction({}, "execute_shell", { command: "ls" })).toMatchObject({ decision: "ALLOW" });
    expect(await canopy.authorizeAction({}, "execute_shell", { command: "rm -rf /" })).toMatchObject({ decision: "DENY" });
    await canopy.close();
    expect(sink.lines.map((line) => (JSON.parse(line) as { type: string }).type).slice(-2)).toEqual(["decision", "decision"]);
    await expect(sink.append(decision())).rejects.toMatchObject({ code: "AUDIT_LOG_CLOSED" });
  });
});

describe("several sinks at once", () => {
  it("have the same entries in the same order, and the first names them", async () => {
    const path = await temporaryLogPath();
    const memory = createMemoryAuditSink();
    const sink = combineAuditSinks({ required: [await open(path), memory] });
    const entries = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => await sink.append(decision({ trace_id: `t${index}` }))),
    );
    await sink.close();
    const inFile = (await readEntries(path)).filter(({ type }) => type === "decision");
    expect(inFile.map(({ trace_id }) => trace_id)).toEqual(sent(memory.lines));
    expect(entries.map(({ seq }) => seq)).toEqual(inFile.map(({ seq }) => seq));
    expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid" });
  });

  it.each([
    ["fails", broken, "a required audit sink did not take the entry"],
    ["hangs", hanging, "did not answer within 2000 ms"],
    ["answers nonsense", { ...broken, append: async () => await Promise.resolve({} as never) }, "an audit sink named no entry"],
    [
      "throws",
      {
        ...broken,
        append: () => {
          throw new Error("at once");
        },
      },
      "a required audit sink did not take the entry",
    ],
  ])("deny when a required one %s, and mark the entry void where it stands", async (_what, other, message) => {
    const path = await temporaryLogPath();
    const log = await open(path);
    const canopy = await openCanopy({ audit: combineAuditSinks({ required: [log, other], timeoutMs: 2000 }) });
    const answer = await canopy.authorizeAction({}, "execute_shell", { command: "ls" });
    expect(answer).toMatchObject({ decision: "DENY", authorizationId: null, reason: expect.stringContaining(message) as string });
    await canopy.close();
    const entries = await readEntries(path);
    const orphans = entries.filter(({ type }) => type === "policy.loaded" || type === "decision").map(({ seq }) => seq);
    const voided = entries
      .filter(({ type }) => type === "decision.voided")
      .flatMap((entry) => entry["entries"] as unknown as { seq: number }[]);
    expect(orphans).not.toEqual([]);
    expect(voided.map(({ seq }) => seq)).toEqual(orphans);
    expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid" });
  });

  it("mark an entry void also where the slow sink takes it after all", async () => {
    const memory = createMemoryAuditSink();
    const { promise: isReleased, resolve: release } = Promise.withResolvers<undefined>();
    const voided: string[] = [];
    const slow: AuditSink = {
      ...memory,
      append: async (body) => {
        await isReleased;
        return await memory.append(body);
      },
      markVoided: async (entries) => {
        voided.push(...entries.map(({ id }) => id));
        await Promise.resolve();
      },
    };
    const sink = combineAuditSinks({ required: [slow], timeoutMs: 20 });
    await expect(sink.append(decision())).rejects.toThrow("did not answer");
    expect(memory.lines).toEqual([]);
    release(undefined);
    await expect.poll(() => voided.length).toBe(1);
    expect(memory.lines).toHaveLength(1);
  });

  it("wait for no optional one, and say what it dropped", async () => {
    const memory = createMemoryAuditSink();
    const copy = createMemoryAuditSink();
    const dropped: unknown[] = [];
    const sink = combineAuditSinks({
      required: [memory],
      optional: [copy, broken, hanging],
      onDropped: (which, error) => dropped.push([which === broken, error instanceof Error ? error.message : error]),
    });
    await sink.append(decision({ trace_id: "a" }));
    await sink.append(decision({ trace_id: "b" }));
    await expect.poll(() => dropped.length).toBe(2);
    expect(dropped).toEqual([
      [true, "the wire is cut"],
      [true, "the wire is cut"],
    ]);
    expect(sent(memory.lines)).toEqual(["a", "b"]);
    expect(sent(copy.lines)).toEqual(["a", "b"]);
  });

  it("do not pile up entries for an optional one that hangs", async () => {
    const dropped: unknown[] = [];
    const memory = createMemoryAuditSink();
    const sink = combineAuditSinks({ required: [memory], optional: [hanging], onDropped: (_, error) => dropped.push(error) });
    for (let count = 0; count < 10_005; count += 1) await sink.append({ type: "approval.test" });
    expect(dropped).toHaveLength(5);
    expect(memory.lines).toHaveLength(10_005);
  });

  it("keep agents from the files of all of them", async () => {
    const first = await temporaryLogPath();
    const second = await temporaryLogPath();
    const sink = combineAuditSinks({ required: [await open(first)], optional: [await open(second)] });
    expect(sink.ownFiles?.()).toEqual([first, second]);
    await using canopy = await openCanopy({ audit: sink });
    for (const path of [first, second, `${second}.head`]) {
      expect(await canopy.authorizeAction({ safe_paths: ["/"] }, "modify_file", { path, content: "" })).toMatchObject({ decision: "DENY" });
    }
  });

  it("record the policy's text again where one of them does not have it", async () => {
    const path = await temporaryLogPath();
    const count = async (): Promise<number> => (await readFile(path, "utf8")).match(/"type":"policy.loaded"/g)?.length ?? 0;
    await decideOnce(await open(path));
    const texts = await count();
    await decideOnce(combineAuditSinks({ required: [await open(path)] }));
    expect(await count()).toBe(texts);
    const memory = createMemoryAuditSink();
    await decideOnce(combineAuditSinks({ required: [await open(path), memory] }));
    expect(await count()).toBe(2 * texts);
    expect(memory.lines.filter((line) => line.includes('"type":"policy.loaded"'))).toHaveLength(texts);
  });

  it("are refused where they make no sense", async () => {
    expect(() => combineAuditSinks({ required: [] as never })).toThrow("names no audit sink");
    expect(() => combineAuditSinks({ required: [broken], optional: [broken] })).toThrow("named twice");
    for (const timeoutMs of [0, -1, Number.NaN, Infinity])
      expect(() => combineAuditSinks({ required: [broken], timeoutMs })).toThrow("timeoutMs");
    await expect(openCanopy({ audit: { append: "x", path: `${await temporaryDirectory()}/a` } as never })).rejects.toThrow(
      "no option `append`",
    );
  });
});
