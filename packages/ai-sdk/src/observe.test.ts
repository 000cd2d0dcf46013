import { createMemoryAuditSink, openCanopy } from "@canopy-runtime/core";
import { tool } from "ai";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { guardTools } from "./guard-tools.ts";
import { loops } from "./loops.test.fake.ts";
import { canopyToolApproval } from "./tool-approval.ts";

const policy = { name: "p.yaml", text: "version: 1\ndefault: DENY\nrules: [{ id: pay, action_type: pay, require_approval: true }]\n" };
const calls = [
  { tool: "pay", input: { amount: 5 } },
  { tool: "wipe", input: { amount: 7 } },
];

describe.each(loops)("the tools of AI SDK $major under a runtime that only observes", ({ generate, stream, major }) => {
  it.each([
    ["generated", generate, false],
    ["streamed", stream, false],
    ["generated with the SDK's approvals", generate, true],
  ] as const)("run whatever policy says, and what it would have said is on record: %s", async (_, run, approvals) => {
    const audit = createMemoryAuditSink();
    await using canopy = await openCanopy({ policy, audit, mode: "observe" });
    const ran: unknown[] = [];
    const make = (name: string) =>
      tool({ inputSchema: z.object({ amount: z.number() }), execute: async ({ amount }) => ran.push([name, amount]) });
    const tools = guardTools({ pay: make("pay"), wipe: make("wipe") }, { agentCtx: {}, authorizer: canopy });
    const settings = approvals && major === "7" ? { toolApproval: canopyToolApproval(tools) } : {};
    expect((await run(tools, calls, settings)).text).toBe("done");
    expect(ran).toHaveLength(2);
    const entries = audit.lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    const decisions = entries.filter(({ type }) => type === "decision");
    expect(decisions.map(({ action_type: action, decision, would, enforced }) => [action, decision, would, enforced])).toEqual(
      expect.arrayContaining([
        ["pay", "ALLOW", "REQUIRE_APPROVAL", false],
        ["wipe", "ALLOW", "DENY", false],
      ]),
    );
    expect(decisions).toHaveLength(2);
    expect(entries.filter(({ type }) => type === "outcome").map(({ status }) => status)).toEqual(["success", "success"]);
  });
});
