import { describe, expect, it } from "vitest";

import { actionDigest } from "./digest.ts";
import type { ApprovalEvent, Decided, Ended, Requested, Used } from "./history.ts";
import { standingOf } from "./standing.ts";
import type { StoredApproval, StoredApprovalState } from "./store.ts";

const noon = Date.parse("2026-03-01T12:00:00Z");
const hour = 60 * 60 * 1000;
const action = '{"actions":[]}';
const digest = actionDigest(action);

function row(changes: Partial<StoredApproval> = {}): StoredApproval {
  const base = { id: "APR-1", origin: "log", digest, action, avid: "AVID-1", state: "pending" } as const;
  return { ...base, requestedSeq: 7, requestedHash: "h", decideBy: noon + 24 * hour, ...changes };
}

const requested: Requested = {
  kind: "requested",
  seq: 7,
  hash: "h",
  at: noon,
  digest,
  avid: "AVID-1",
  agent: null,
  actionTypes: ["refund"],
  reason: "",
  rules: [],
  severity: null,
  wants: "same_user",
  decideBy: noon + 24 * hour,
  useWithinMs: hour,
};

function decided(changes: Partial<Decided> = {}): Decided {
  const by = { digest, decision: "approve", by: "Ann", assurance: "same_user", note: null, signature: null, key: null } as const;
  return { kind: "decided", seq: 8, hash: "i", at: noon, decidedAt: noon, ...by, ...changes };
}

const used: Used = { kind: "used", seq: 9, hash: "j", at: noon, authorizationId: "9-j", outcome: null };
const cancelled: Ended = { kind: "cancelled", seq: 9, hash: "j", at: noon, by: "Bob" };

function standing(events: readonly ApprovalEvent[], now: number = noon, stored: StoredApproval = row(), useWithinMs: number = hour) {
  return standingOf(stored, events, now, useWithinMs);
}

describe("how long a yes may be used", () => {
  const yes = [requested, decided()];

  it("ends on the millisecond", () => {
    expect(standing(yes).useBy).toBe(noon + hour);
    expect([standing(yes, noon + hour - 1).state, standing(yes, noon + hour).state]).toEqual(["approved", "expired"]);
  });

  it("counts from when it was given or recorded, whichever is earlier: an entry cannot be dated forward", () => {
    expect(standing([requested, decided({ decidedAt: noon + 30_000 })]).useBy).toBe(noon + hour);
    expect(standing([requested, decided({ decidedAt: noon - hour / 2 })]).useBy).toBe(noon + hour / 2);
  });

  it("is the shorter of what the request said and what this host says", () => {
    expect(standing([{ ...requested, useWithinMs: 1000 * hour }, decided()]).useBy).toBe(noon + hour);
    expect(standing([{ ...requested, useWithinMs: 1000 }, decided()]).useBy).toBe(noon + 1000);
  });
});

it("is over for a question, too, on the millisecond", () => {
  expect([standing([requested], noon + 24 * hour - 1).state, standing([requested], noon + 24 * hour).state]).toEqual([
    "pending",
    "expired",
  ]);
});

it("is what the log says last of it: used before everything, then ended, then decided", () => {
  expect(standing([requested, decided(), cancelled, used]).state).toBe("used");
  expect(standing([requested, decided(), cancelled])).toMatchObject({ state: "cancelled", cancelledBy: "Bob" });
  expect(standing([requested, decided({ decision: "deny" })]).state).toBe("denied");
});

describe("nothing of it is relied on", () => {
  const unreadable: ApprovalEvent = { kind: "unreadable", seq: 9, hash: "j", at: noon };
  it.each<readonly [string, readonly ApprovalEvent[], Partial<StoredApproval>, string]>([
    ["where the log has no request", [], {}, "the log holds no such request"],
    ["where the request is another entry", [{ ...requested, seq: 6 }], {}, "the log holds no such request"],
    ["where the entry has another hash", [{ ...requested, hash: "x" }], {}, "the log holds no such request"],
    ["where another agent asked", [{ ...requested, avid: "AVID-2" }], {}, "the log holds no such request"],
    ["where the stored action is another", [requested], { action: "{}" }, "the action that is stored is not the one"],
    ["where the log names another action", [{ ...requested, digest: "d" }], {}, "the log holds this request for another action"],
    ["where an entry about it cannot be read", [requested, decided(), unreadable], {}, "cannot be read"],
    ["where the decision is about another action", [requested, decided({ digest: "d" })], {}, "is about another action"],
    ["where it was decided in the future", [requested, decided({ at: noon + hour, decidedAt: noon + hour })], {}, "a clock is wrong"],
  ])("%s", (_where, events, changes, problem) => {
    expect(standing(events, noon, row(changes)).problem).toContain(problem);
  });

  it("where a yes came when there was no more time for one; a no is one at any time", () => {
    const problemAt = (at: number, decision: "approve" | "deny"): string | null =>
      standing([requested, decided({ at, decidedAt: noon, decision })], at, row(decision === "deny" ? { state: "denied" } : {})).problem;
    const end = noon + 24 * hour;
    expect([problemAt(end, "approve"), problemAt(end + 59_000, "approve")]).toEqual([null, null]);
    expect(problemAt(end + 61_000, "approve")).toContain("no more time");
    expect(problemAt(end + 61_000, "deny")).toBeNull();
  });

  it("where the store is ahead of the log, and only there", () => {
    const log: Readonly<Record<string, readonly ApprovalEvent[]>> = {
      pending: [requested],
      approved: [requested, decided()],
      denied: [requested, decided({ decision: "deny" })],
      cancelled: [requested, cancelled],
      used: [requested, decided(), used],
    };
    const relied: Readonly<Record<string, readonly StoredApprovalState[]>> = {
      pending: ["pending"],
      approved: ["pending", "approved", "reserved"],
      denied: ["pending", "denied", "expired", "cancelled"],
      cancelled: ["pending", "denied", "expired", "cancelled"],
      used: ["pending", "approved", "reserved", "used", "denied", "expired", "cancelled"],
    };
    const states: readonly StoredApprovalState[] = ["pending", "approved", "reserved", "used", "denied", "expired", "cancelled"];
    for (const [name, events] of Object.entries(log)) {
      const fine = states.filter((state) => standing(events, noon, row({ state })).problem === null);
      expect([name, fine.toSorted()]).toEqual([name, relied[name]?.toSorted()]);
    }
  });
});
