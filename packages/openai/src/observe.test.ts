import { createMemoryAuditSink, openCanopy } from "@canopy-runtime/core";
import { describe, expect, it } from "vitest";

import { createToolDispatcher } from "./dispatcher.ts";
import { guardTools } from "./guard-tools.ts";
import { dispatching, handLoops } from "./loops.test.fake.ts";
import { sdks } from "./sdks.test.fake.ts";
import { loopback } from "./server.test.fake.ts";

const policy = { name: "p.yaml", text: "version: 1\ndefault: DENY\nrules: [{ id: pay, action_type: pay, require_approval: true }]\n" };
const script = [
  [
    { tool: "pay", args: { amount: 5 } },
    { tool: "wipe", args: { amount: 7 } },
  ],
];
const parameters = {
  type: "object" as const,
  properties: { amount: { type: "number" as const } },
  required: ["amount"],
  additionalProperties: false,
};

/** What policy would have answered, as it is on record, and how the calls ended. */
function onRecord(lines: readonly string[]): { readonly decisions: readonly unknown[]; readonly outcomes: readonly unknown[] } {
  const entries = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  return {
    decisions: entries
      .filter(({ type }) => type === "decision")
      .map(({ action_type: action, decision, would, enforced }) => [action, decision, would, enforced])
      .toSorted((a, b) => String(a[0]).localeCompare(String(b[0]))),
    outcomes: entries.filter(({ type }) => type === "outcome").map(({ status }) => status),
  };
}

function parse(text: string): { amount: number } {
  return JSON.parse(text) as { amount: number };
}

const observed = {
  decisions: [
    ["pay", "ALLOW", "REQUIRE_APPROVAL", false],
    ["wipe", "ALLOW", "DENY", false],
  ],
  outcomes: ["success", "success"],
};

describe("tools under a runtime that only observes", () => {
  it.each(sdks)("run in runTools of openai $major whatever policy says, and what it would have said is on record", async (sdk) => {
    const audit = createMemoryAuditSink();
    await using canopy = await openCanopy({ policy, audit, mode: "observe" });
    await using server = await loopback(script);
    const ran: string[] = [];
    const make = (name: string) => ({
      type: "function" as const,
      function: {
        name,
        description: name,
        parameters,
        parse,
        function: ({ amount }: { amount: number }) => `${name} ${ran.push(`${name} ${amount}`)}`,
      },
    });
    const tools = guardTools([make("pay"), make("wipe")], { agentCtx: {}, authorizer: canopy });
    const client = sdk.client(server.baseURL) as {
      chat: { completions: { runTools: (request: object) => { finalContent: () => Promise<unknown> } } };
    };
    const runner = client.chat.completions.runTools({ model: "m", messages: [{ role: "user", content: "go" }], tools });
    expect(await runner.finalContent()).toBe("done");
    expect(ran.toSorted((a, b) => a.localeCompare(b))).toEqual(["pay 5", "wipe 7"]);
    expect(onRecord(audit.lines)).toEqual(observed);
  });

  it.each(handLoops)("run in a loop by hand whatever policy says: $title", async ({ run, api }) => {
    const audit = createMemoryAuditSink();
    await using canopy = await openCanopy({ policy, audit, mode: "observe" });
    const ran: string[] = [];
    const make = (name: string): object => {
      const work = ({ amount }: { amount: number }): string => `${name} ${ran.push(`${name} ${amount}`)}`;
      return api === "chat"
        ? { type: "function", function: { name, parameters, strict: true, parse, function: work } }
        : { type: "function", name, parameters, strict: true, execute: work };
    };
    const tools = [make("pay"), make("wipe")];
    const dispatcher = createToolDispatcher(tools as never, { agentCtx: {}, authorizer: canopy });
    expect((await run(tools, script, dispatching(dispatcher))).text).toBe("done");
    expect(ran.toSorted((a, b) => a.localeCompare(b))).toEqual(["pay 5", "wipe 7"]);
    expect(onRecord(audit.lines)).toEqual(observed);
  });
});
