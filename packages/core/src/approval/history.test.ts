import { expect, it } from "vitest";

import type { AuditSink, OnEntry, ScanFrom } from "../audit/index.ts";
import { ApprovalHistory } from "./history.ts";

const id = `APR-${"0".repeat(32)}`;
const ts = "2026-03-01T12:00:00.000Z";

function line(seq: number, type: string, members: object, at: string = ts): string {
  const { type: _type, ...rest } = { type, ...members } as Record<string, unknown>;
  return JSON.stringify({ v: 1, seq, ts: at, type, ...rest, prev_hash: "0", entry_hash: `${seq}`.padStart(64, "0") });
}

/** A log of these lines that counts how many of them were read. */
function log(lines: readonly string[]): { readonly scan: NonNullable<AuditSink["scan"]>; readonly read: () => number } {
  let read = 0;
  return {
    read: () => read,
    scan: async (from: ScanFrom, onEntry: OnEntry) => {
      const first = typeof from === "number" ? from : from.seq;
      for (const [index, text] of lines.slice(first).entries()) {
        read += 1;
        onEntry({ seq: first + index, line: Buffer.from(text) });
      }
      return await Promise.resolve({ first: 0, offset: 0, seq: lines.length, hash: null });
    },
  };
}

const decided = { approval_id: id, digest: "d", decision: "approve", decided_by: "Ann", decided_at: ts, assurance: "same_user" };

async function kinds(...lines: readonly string[]): Promise<readonly string[]> {
  const history = new ApprovalHistory(log(lines).scan);
  await history.readFrom(0);
  return history.of(id).map(({ kind }) => kind);
}

it.each([
  ["no digest", { digest: undefined }],
  ["a commitment where a name belongs", { decided_by: { $committed: "x" } }],
  ["another decision", { decision: "maybe" }],
  ["another assurance", { assurance: "root" }],
  ["a time that is none", { decided_at: "soon" }],
])("a decision with %s is one that cannot be read, and never one that is not there", async (_what, changes) => {
  expect(await kinds(line(0, "approval.decided", decided))).toEqual(["decided"]);
  expect(await kinds(line(0, "approval.decided", { ...decided, ...changes }))).toEqual(["unreadable"]);
});

it("an entry whose own time is none cannot be read: it would never be over", async () => {
  expect(await kinds(line(0, "approval.decided", decided, "soon"))).toEqual(["unreadable"]);
});

it("what an action holds is not taken for an entry about an approval", async () => {
  const approval = { id, digest: "d" };
  expect(
    await kinds(
      line(0, "decision", { decision: "ALLOW", payload: { approval, type: "approval.decided", approval_id: id } }),
      line(1, "decision", { decision: "DENY", approval }),
      line(2, "outcome", { approval, type: "approval.decided", approval_id: id }),
      line(3, "approval.other", { approval_id: id }),
    ),
  ).toEqual([]);
  expect(await kinds(line(0, "decision", { decision: "ALLOW", approval }))).toEqual(["used"]);
});

it("a yes of which its person was told that it is not on record is none, and a no stands", async () => {
  const voided = (seq: number): string => line(2, "decision.voided", { entries: [{ seq, entry_hash: `${seq}`.padStart(64, "0") }] });
  const [yes, no] = [line(1, "approval.decided", decided), line(1, "approval.decided", { ...decided, decision: "deny" })];
  const other = line(0, "outcome", {});
  expect(await kinds(other, yes, voided(1))).toEqual([]);
  expect(await kinds(other, yes, voided(1), line(3, "approval.decided", decided))).toEqual(["decided"]);
  expect(await kinds(other, yes, voided(0))).toEqual(["decided"]);
  expect(await kinds(other, no, voided(1))).toEqual(["decided"]);
});

it("a log is read once, as it grows, and again from further back where that is asked for", async () => {
  const lines = [line(0, "outcome", {}), line(1, "approval.decided", decided), line(2, "outcome", {})];
  const { scan, read } = log(lines);
  const history = new ApprovalHistory(scan);
  await Promise.all([history.readFrom(1), history.readFrom(1), history.readFrom(2)]);
  expect([read(), history.of(id).length, history.covers(1), history.covers(0)]).toEqual([2, 1, true, false]);
  lines.push(line(3, "decision", { decision: "ALLOW", approval: { id } }));
  await history.readFrom(1);
  expect([read(), history.of(id).length]).toEqual([3, 2]);
  await history.readFrom(0);
  expect([read(), history.of(id).length]).toEqual([7, 2]);
});

it("what was read in part before it failed is read again, and nothing of it twice", async () => {
  let fails = true;
  const { scan } = log([line(0, "approval.decided", decided), line(1, "outcome", {})]);
  const history = new ApprovalHistory(async (from, onEntry) => {
    const place = await scan(from, onEntry);
    if (fails) throw new Error("broken");
    return place;
  });
  await expect(history.readFrom(0)).rejects.toThrow("broken");
  fails = false;
  await history.readFrom(0);
  expect(history.of(id)).toHaveLength(1);
});
