import { generateText, streamText, tool } from "ai";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { fakeAuthorizer } from "./authorizer.test.fake.ts";
import type { FakeAuthorizer } from "./authorizer.test.fake.ts";
import { guardTools } from "./guard-tools.ts";
import { loops } from "./loops.test.fake.ts";
import { canopyToolApproval } from "./tool-approval.ts";

const agentCtx = { env: "production" };
const [, , seven] = loops as [unknown, unknown, (typeof loops)[0]];
const call = { tool: "pay", input: { amount: 5 } };

/** Wants a person for each payment; an approval, once given, is good for one. */
function personAuthorizer(): FakeAuthorizer & { approvals: number } {
  const person: FakeAuthorizer & { approvals: number } = Object.assign(
    fakeAuthorizer(() => ((person.approvals -= 1) >= 0 ? "ALLOW" : "REQUIRE_APPROVAL")),
    { approvals: 0 },
  );
  return person;
}

function payments(ran: unknown[], more: object = {}) {
  return { pay: tool({ inputSchema: z.object({ amount: z.number() }), execute: async ({ amount }) => ran.push(amount), ...more }) };
}

function resumed(approved: boolean): object {
  return {
    prompt: undefined,
    messages: [
      { role: "user", content: "go" },
      {
        role: "assistant",
        content: [
          { type: "tool-call", toolCallId: "1", toolName: "pay", input: { amount: 5 } },
          { type: "tool-approval-request", approvalId: "sdk", toolCallId: "1" },
        ],
      },
      { role: "tool", content: [{ type: "tool-approval-response", approvalId: "sdk", approved }] },
    ],
  };
}

describe("the SDK's approvals with Canopy behind them", () => {
  it("fit the settings of the SDK", () => {
    const tools = guardTools(payments([]), { agentCtx, authorizer: fakeAuthorizer() });
    const toolApproval = canopyToolApproval(tools);
    const typed = (model: never): unknown[] => [
      generateText({ model, tools, prompt: "go", toolApproval }),
      streamText({ model, tools, prompt: "go", toolApproval }),
    ];
    expect(typed).toBeTypeOf("function");
  });

  it("pause the loop where a person is needed", async () => {
    const ran: unknown[] = [];
    const authorizer = personAuthorizer();
    const tools = guardTools(payments(ran), { agentCtx, authorizer });
    const { parts } = await seven.generate(tools, [call], { toolApproval: canopyToolApproval(tools) });
    expect(parts.map((part) => part["type"])).toEqual(["tool-call", "tool-approval-request"]);
    expect(parts[1]?.["reason"]).toBe("the fake says REQUIRE_APPROVAL (approval id `approval-1`)");
    expect([ran, authorizer.requests.length]).toEqual([[], 1]);
  });

  it("resume with one approval, one decision and one run", async () => {
    const ran: unknown[] = [];
    const authorizer = personAuthorizer();
    const tools = guardTools(payments(ran), { agentCtx, authorizer });
    authorizer.approvals = 1;
    await seven.generate(tools, [], { ...resumed(true), toolApproval: canopyToolApproval(tools) }).catch(() => "the script ends here");
    expect(ran).toEqual([5]);
    expect([authorizer.requests.length, authorizer.outcomes.length]).toEqual([1, 1]);
  });

  it("do not believe the client's yes where no approval is on record", async () => {
    const ran: unknown[] = [];
    const tools = guardTools(payments(ran), { agentCtx, authorizer: personAuthorizer() });
    await seven.generate(tools, [], { ...resumed(true), toolApproval: canopyToolApproval(tools) }).catch(() => "the script ends here");
    expect(ran).toEqual([]);
  });

  it("tell the model why a call is denied, and go on", async () => {
    const ran: unknown[] = [];
    const tools = guardTools(payments(ran), { agentCtx, authorizer: fakeAuthorizer("DENY") });
    const { text, seen } = await seven.generate(tools, [call], { toolApproval: canopyToolApproval(tools) });
    expect([text, ran]).toEqual(["done", []]);
    expect(seen).toContain("denied, the tool did not run: the fake says DENY");
  });

  it.each(["generate", "stream"] as const)("ask once for a call that is allowed, in %s", async (way) => {
    const ran: unknown[] = [];
    const authorizer = fakeAuthorizer();
    const tools = guardTools(payments(ran), { agentCtx, authorizer });
    await seven[way](tools, [call], { toolApproval: canopyToolApproval(tools) });
    expect(ran).toEqual([5]);
    expect([authorizer.requests.length, authorizer.outcomes.length]).toEqual([1, 1]);
  });

  it("ask again where the input changed after the hook's answer", async () => {
    const ran: unknown[] = [];
    const authorizer = fakeAuthorizer(({ actions: [{ payload }] }) => ((payload as { amount: number }).amount > 10 ? "DENY" : "ALLOW"));
    const tools = guardTools(payments(ran), { agentCtx, authorizer });
    await seven.generate(tools, [call], {
      toolApproval: canopyToolApproval(tools),
      onToolExecutionStart: ({ toolCall }: { toolCall: { input: { amount: number } } }) => {
        toolCall.input.amount = 999;
      },
    });
    expect(ran).toEqual([]);
    expect(authorizer.requests).toHaveLength(2);
  });

  it("give an answer for one run only: another run with the same ids asks anew", async () => {
    const ran: unknown[] = [];
    const authorizer = personAuthorizer();
    const tools = guardTools(payments(ran), { agentCtx, authorizer });
    authorizer.approvals = 1;
    const hook = canopyToolApproval(tools);
    const question = { toolCall: { toolName: "pay", toolCallId: "1", input: { amount: 5 } }, toolsContext: {} };
    const [mine, other] = [[], []];
    expect(await hook({ ...question, messages: mine })).toBe("not-applicable");
    const rest = { toolCallId: "1", context: {} };
    await expect(tools.pay.execute({ amount: 5 }, { ...rest, messages: other })).rejects.toThrow("approval required");
    await expect(tools.pay.execute({ amount: 5 }, { ...rest, messages: mine, toolCallId: "2" })).rejects.toThrow("approval required");
    expect(await tools.pay.execute({ amount: 5 }, { ...rest, messages: mine })).toBe(1);
    await expect(tools.pay.execute({ amount: 5 }, { ...rest, messages: mine })).rejects.toThrow("approval required");
  });

  it("keep what a tool itself says about approval", async () => {
    const ran: unknown[] = [];
    const tools = guardTools(payments(ran, { needsApproval: async ({ amount }: { amount: number }) => amount > 1 }), {
      agentCtx,
      authorizer: fakeAuthorizer(),
    });
    const { parts } = await seven.generate(tools, [call], { toolApproval: canopyToolApproval(tools) });
    expect(parts.map((part) => part["type"])).toEqual(["tool-call", "tool-approval-request"]);
    await seven.generate(tools, [{ tool: "pay", input: { amount: 1 } }], { toolApproval: canopyToolApproval(tools) });
    expect(ran).toEqual([1]);
  });

  it.each(["generate", "stream"] as const)(
    "tell their agent by the context that the tool's schema makes, as the guard does, in %s",
    async (way) => {
      const ran: unknown[] = [];
      const asked: unknown[] = [];
      const authorizer = personAuthorizer();
      authorizer.approvals = 1;
      const needsApproval = (_: unknown, { context }: { context: unknown }): boolean => asked.push(context) < 0;
      const contextSchema = z.object({ user: z.string().default("nobody") });
      const tools = guardTools(payments(ran, { contextSchema, needsApproval }), {
        agentCtx: ({ context }) => ({ user: (context as { user: string }).user.toUpperCase() }),
        authorizer,
      });
      await seven[way](tools, [call], { toolApproval: canopyToolApproval(tools), toolsContext: { pay: {} } });
      expect(ran).toEqual([5]);
      expect(authorizer.requests.map((request) => request.agentCtx)).toEqual([{ user: "NOBODY" }]);
      expect(asked).toEqual([{ user: "nobody" }]);
    },
  );

  it("deny a call whose context does not fit, on record, and so do they for a tool that nobody guards", async () => {
    const authorizer = fakeAuthorizer();
    const unguarded = payments([], { contextSchema: z.object({ user: z.string() }), needsApproval: false });
    const tools = guardTools(unguarded, { agentCtx, authorizer });
    const question = {
      toolCall: { toolName: "pay", toolCallId: "1", input: { amount: 5 } },
      messages: [],
      toolsContext: { pay: { user: 5 } },
    };
    const why = "the context of the tool does not fit its schema";
    expect(await canopyToolApproval(tools)(question)).toMatchObject({ type: "denied", reason: expect.stringContaining(why) as string });
    expect(authorizer.requests).toMatchObject([{ refused: why, tool: { name: "pay", args: { amount: 5 } } }]);
    expect(await canopyToolApproval(unguarded)(question)).toEqual({ type: "denied", reason: why });
  });

  it.each([
    ["a tool that is not there", {}, "not-applicable"],
    ["a tool that the client runs", { pay: { inputSchema: z.object({}) } }, "not-applicable"],
    ["a name that every object inherits", Object.create(payments([], { needsApproval: true })) as object, "not-applicable"],
    [
      "a `needsApproval` that throws",
      {
        pay: {
          inputSchema: z.object({}),
          needsApproval: () => {
            throw new Error("no");
          },
        },
      },
      { type: "denied", reason: "the tool could not tell whether it needs approval" },
    ],
  ])("have an answer about %s", async (_, tools, status) => {
    const hook = canopyToolApproval(tools as never);
    expect(await hook({ toolCall: { toolName: "pay", toolCallId: "1", input: {} }, messages: [], toolsContext: undefined })).toEqual(
      status,
    );
  });
});
