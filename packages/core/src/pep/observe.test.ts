import { describe, expect, it } from "vitest";

import { createMemoryAuditSink } from "../audit/index.ts";
import type { MemoryAuditSink } from "../audit/index.ts";
import { openCanopy } from "../runtime/open-canopy.ts";
import { ActionDeniedError } from "./denial.ts";
import { guardTool } from "./guard-tool.ts";

const policy = {
  name: "p.yaml",
  text: `version: 1
default: DENY
rules:
  - { id: pay, action_type: pay, require_approval: true }
  - { id: look, action_type: look, allow: true }
`,
};

/** What is on record of decisions and outcomes, in order. */
function told({ lines }: MemoryAuditSink): readonly unknown[] {
  return lines
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    .filter(({ type }) => type === "decision" || type === "outcome")
    .map(({ type, decision, would, enforced, status }) => (type === "outcome" ? status : [decision, would, enforced]));
}

describe("guarded functions of a runtime that only observes", () => {
  it("run whatever policy says, on the arguments that were judged, and what it would have said is on record before", async () => {
    const audit = createMemoryAuditSink();
    await using canopy = await openCanopy({ policy, audit, mode: "observe" });
    const ran: unknown[] = [];
    const guard = (name: string): ((args: { readonly n: number }) => Promise<number>) =>
      guardTool(({ n }: { readonly n: number }) => ran.push([name, n, told(audit).length]), { name, agentCtx: {}, authorizer: canopy });
    for (const name of ["look", "pay", "wipe"]) await guard(name)({ n: 1 });
    expect(ran).toEqual([
      ["look", 1, 1],
      ["pay", 1, 3],
      ["wipe", 1, 5],
    ]);
    expect(told(audit)).toEqual([
      ["ALLOW", undefined, true],
      "success",
      ["ALLOW", "REQUIRE_APPROVAL", false],
      "success",
      ["ALLOW", "DENY", false],
      "success",
    ]);
    expect(audit.lines.some((line) => line.includes('"type":"approval.'))).toBe(false);
  });

  it("do not run on arguments that could not be judged, nor where the log cannot record", async () => {
    const audit = createMemoryAuditSink();
    await using canopy = await openCanopy({ policy, audit, mode: "observe" });
    const ran: unknown[] = [];
    const look = guardTool((args: { readonly n: unknown }) => ran.push(args), { name: "look", agentCtx: {}, authorizer: canopy });
    await expect(look({ n: 1n })).rejects.toThrow("not JSON");
    expect(told(audit)).toEqual([["DENY", undefined, true]]);
    await audit.close();
    await expect(look({ n: 1 })).rejects.toBeInstanceOf(ActionDeniedError);
    expect(ran).toEqual([]);
  });
});
