import { appendFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { reportAuditLog } from "./report.ts";
import { record, temporaryFolder } from "./replay.test.fixture.ts";
import type { Asked } from "./replay.test.fixture.ts";

const policy = {
  name: "p.yaml",
  text: `version: 1
default: DENY
rules:
  - { id: look, action_type: look, allow: true }
  - { id: ask, action_type: touch, require_approval: true }
  - { id: ask-too, action_type: [touch, shove], require_approval: true }
`,
};

const asked: readonly Asked[] = [
  ["look", {}, { agent_id: "a" }],
  ["touch", { path: "x" }, { agent_id: "a" }],
  ["touch", { path: "y" }, { agent_id: "a" }],
  ["shove", {}, { agent_id: "b" }],
  ["break", {}, { agent_id: "b" }],
];

function forged(members: object): string {
  return `${JSON.stringify({ v: 1, seq: 1, ts: "2026", type: "decision", ...members })}\n`;
}

describe("the report of a log", () => {
  it("counts what was answered, by rule, agent and tool, with the first of what was not simply allowed", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    await record(
      path,
      [...asked, { agentCtx: { agent_id: "b" }, actions: [{ actionType: "touch", payload: {} }], tool: { name: "poke", args: {} } }],
      { policy },
    );
    const report = await reportAuditLog(path, { samples: 1 });
    expect(report).toMatchObject({
      decisions: 6,
      denied: 1,
      asked: 4,
      allowed: 1,
      letThrough: 0,
      malformed: 0,
      voided: 0,
      strangeLines: 0,
    });
    expect(report.rules.map(({ name, denied, asked: asks, allowed }) => [name, denied, asks, allowed])).toEqual([
      [null, 1, 0, 0],
      ["ask-too", 0, 4, 0],
      ["ask", 0, 3, 0],
      ["look", 0, 0, 1],
    ]);
    expect(report.agents.map(({ label, denied, asked: asks, allowed }) => [label, denied, asks, allowed])).toEqual([
      ["b", 1, 2, 0],
      ["a", 0, 2, 1],
    ]);
    expect(report.tools.map(({ name, denied, asked: asks, allowed }) => [name, denied, asks, allowed])).toEqual([
      ["break", 1, 0, 0],
      ["touch", 0, 2, 0],
      ["shove", 0, 1, 0],
      ["poke", 0, 1, 0],
      ["look", 0, 0, 1],
    ]);
    expect(report.rules[1]?.samples).toMatchObject([{ answer: "REQUIRE_APPROVAL", actionTypes: ["touch"], about: "x" }]);
    expect(report.rules[3]?.samples).toEqual([]);
    const [first, last] = [report.rules[2]?.first ?? "", report.rules[2]?.last ?? ""];
    expect([report.first ?? "" <= first, first <= last, last <= (report.last ?? "")]).not.toContain(false);
  });

  it("says in observe mode what would have been answered, and how much of it was let through", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    await record(path, asked, { policy });
    await record(path, asked, { policy, mode: "observe" });
    const report = await reportAuditLog(path);
    expect(report).toMatchObject({ decisions: 10, denied: 2, asked: 6, allowed: 2, letThrough: 4 });
    expect(report.rules.find(({ name }) => name === "ask")).toMatchObject({ asked: 4, letThrough: 2 });
    expect(await reportAuditLog(path, { filter: { decision: "DENY" } })).toMatchObject({ decisions: 2, denied: 2, letThrough: 1 });
  });

  it("is of the decisions that the filter wants, and of none where there are none", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    await record(path, asked, { policy });
    expect(await reportAuditLog(path, { filter: { rule: "ask" } })).toMatchObject({ decisions: 2 });
    expect(await reportAuditLog(path, { filter: { until: new Date(0) } })).toMatchObject({
      decisions: 0,
      first: null,
      last: null,
      rules: [],
    });
  });

  it("counts apart what is no entry and no decision, and what was voided, and keeps its memory with names made up by the thousand", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    await record(path, asked, { policy });
    const lines = [
      "not json\n",
      "7\n",
      forged({ decision: "MAYBE" }),
      forged({ type: "decision.voided", entries: [{ seq: 1 }, { seq: 2 }] }),
    ];
    for (let index = 0; index < 5000; index += 1)
      lines.push(forged({ decision: "DENY", rules: [{ id: `made-up-${index}`, decision: "DENY", file: "", line: 1 }] }));
    await appendFile(path, lines.join(""));
    const report = await reportAuditLog(path);
    expect(report).toMatchObject({ decisions: 5006, malformed: 1, strangeLines: 2, voided: 2, denied: 5001 });
    expect(report.firstStrange.every((place) => place.startsWith(path))).toBe(true);
    expect(report.rules.length).toBeLessThanOrEqual(2001);
    expect(report.rules.find(({ isRest }) => isRest)).toMatchObject({ name: null });
    expect(report.rules.reduce((sum, { denied }) => sum + denied, 0)).toBe(5001);
  });
});
