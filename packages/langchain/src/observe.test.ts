import { createMemoryAuditSink, openCanopy } from "@canopy-runtime/core";
import { tool } from "@langchain/core/tools";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { scriptedAgent } from "./agents.test.fake.ts";
import { guardTools } from "./guard-tools.ts";
import { canopyMiddleware } from "./middleware.ts";

const policy = { name: "p.yaml", text: "version: 1\ndefault: DENY\nrules: [{ id: pay, action_type: pay, require_approval: true }]\n" };
const calls = [
  { name: "pay", args: { amount: 5 } },
  { name: "wipe", args: { amount: 7 } },
];

describe("the tools of an agent under a runtime that only observes", () => {
  it.each(["guarded by themselves", "guarded by the middleware"])(
    "run whatever policy says, and what it would have said is on record: %s",
    async (how) => {
      const audit = createMemoryAuditSink();
      await using canopy = await openCanopy({ policy, audit, mode: "observe" });
      const ran: string[] = [];
      const make = (name: string) =>
        tool(({ amount }) => ran.push(`${name} ${amount}`), { name, description: name, schema: z.object({ amount: z.number() }) });
      const options = { agentCtx: {}, authorizer: canopy };
      const plain = [make("pay"), make("wipe")];
      const agent =
        how === "guarded by themselves"
          ? scriptedAgent(guardTools(plain, options), calls)
          : scriptedAgent(plain, calls, { middleware: [canopyMiddleware(options)] });
      const { results, interrupts } = await agent.start();
      expect(results.map(({ status }) => status)).toEqual(["success", "success"]);
      expect(interrupts).toEqual([]);
      expect(ran.toSorted((a, b) => a.localeCompare(b))).toEqual(["pay 5", "wipe 7"]);
      const entries = audit.lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
      const decisions = entries.filter(({ type }) => type === "decision");
      expect(decisions.map(({ action_type: action, decision, would, enforced }) => [action, decision, would, enforced])).toEqual(
        expect.arrayContaining([
          ["pay", "ALLOW", "REQUIRE_APPROVAL", false],
          ["wipe", "ALLOW", "DENY", false],
        ]),
      );
      expect(decisions).toHaveLength(2);
      expect(entries.filter(({ type }) => type === "outcome")).toHaveLength(2);
    },
  );
});
