import { describe, expect, it } from "vitest";

import { createChangeGroups } from "./changes.ts";
import type { RecordedAnswer } from "./recorded-decision.ts";

function recorded(seq: number, id: string, actionType = "refund"): RecordedAnswer {
  return {
    seq,
    ts: "2026-01-01T00:00:00.000Z",
    avid: "AVID-0",
    answer: "DENY",
    enforced: true,
    reason: "",
    rules: [{ id, decision: "DENY", file: "p.yaml", line: 1 }],
    actionTypes: [actionType],
    policyDigest: "ab",
    engine: "0.1.0",
    tool: null,
    about: "x",
  };
}

const now = { decision: "ALLOW", reason: "because", rules: [] } as const;

describe("groups of changes", () => {
  it("hold what changes in the same way, the most frequent first, with the first decisions of each", () => {
    const groups = createChangeGroups(2);
    for (const [seq, id] of ["a", "b", "b", "b", "a"].entries()) groups.add(recorded(seq, id), now);
    groups.add(recorded(9, "b", "other"), now);
    expect(
      groups
        .list()
        .map(({ recordedRules, actionTypes, count, samples }) => [recordedRules, actionTypes, count, samples.map(({ seq }) => seq)]),
    ).toEqual([
      [["b"], ["refund"], 3, [1, 2]],
      [["a"], ["refund"], 2, [0, 4]],
      [["b"], ["other"], 1, [9]],
    ]);
  });

  it("are no more than so many, and none that comes later is lost, in a log that was made to have more", () => {
    const groups = createChangeGroups(1);
    const huge = "x".repeat(50_000);
    for (let seq = 0; seq < 1500; seq += 1) groups.add(recorded(seq, `${seq}${huge}`, `${huge}${seq}`), { ...now, reason: huge });
    for (let seq = 1500; seq < 1600; seq += 1) groups.add(recorded(seq, "late"), { ...now, decision: "REQUIRE_APPROVAL" });
    const list = groups.list();
    expect(list.length).toBeLessThanOrEqual(1002);
    expect(list.reduce((sum, { count }) => sum + count, 0)).toBe(1600);
    expect(list.filter(({ isRest }) => isRest).map(({ from, to, samples }) => [from, to, samples.length])).toEqual(
      expect.arrayContaining([
        ["DENY", "ALLOW", 1],
        ["DENY", "REQUIRE_APPROVAL", 1],
      ]),
    );
    // What is kept of each is short, however long it was.
    expect(JSON.stringify(list).length).toBeLessThan(2_000_000);
  });
});
