import { guardTool as guardFunction } from "@canopy-runtime/core";
import { tool } from "@langchain/core/tools";
import { createMiddleware } from "langchain";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { scriptedAgent } from "./agents.test.fake.ts";
import { fakeAuthorizer } from "./authorizer.test.fake.ts";
import { guardTool } from "./guard-tools.ts";
import { canopyMiddleware } from "./middleware.ts";

const agentCtx = { env: "production" };

function reader(ran: unknown[]) {
  return tool(({ path }) => ran.push(path), { name: "read", schema: z.object({ path: z.string() }) });
}

const call = { name: "read", args: { path: "a" } };

describe("the middleware", () => {
  it("guards the tools of an agent, by the actions that it is told", async () => {
    const ran: unknown[] = [];
    const authorizer = fakeAuthorizer("DENY");
    const actions = { read: { action_type: "read_file", payload: { path: "args.path" } } } as const;
    const agent = scriptedAgent([reader(ran)], [call, call], { middleware: [canopyMiddleware({ agentCtx, authorizer, actions })] });
    const { results } = await agent.start();
    expect(ran).toEqual([]);
    expect(results).toMatchObject([{ status: "error" }, { status: "error" }]);
    expect(authorizer.requests[0]?.actions).toEqual([{ actionType: "read_file", payload: { path: "a", args: { path: "a" } } }]);
  });

  it("asks once about a tool that is guarded already, whose guard holds", async () => {
    const ran: unknown[] = [];
    const inTool = fakeAuthorizer();
    const inMiddleware = fakeAuthorizer("DENY");
    const guarded = guardTool(reader(ran), { agentCtx, authorizer: inTool });
    const middleware = [canopyMiddleware({ agentCtx, authorizer: inMiddleware })];
    const { results } = await scriptedAgent([guarded], [call], { middleware }).start();
    expect([ran, results.map(({ status }) => status)]).toEqual([["a"], ["success"]]);
    expect([inTool.requests.length, inTool.outcomes.length, inMiddleware.requests.length]).toEqual([1, 1, 0]);
  });

  it("guards a tool that another middleware brings along at run time", async () => {
    const ran: unknown[] = [];
    const brings = createMiddleware({
      name: "Brings",
      wrapToolCall: async (request, handler) => handler({ ...request, tool: reader(ran) }),
    });
    const authorizer = fakeAuthorizer("DENY");
    const other = tool(() => "other", { name: "other", schema: z.object({}) });
    const middleware = [brings, canopyMiddleware({ agentCtx, authorizer })];
    const { results } = await scriptedAgent([other], [call], { middleware }).start();
    expect(ran).toEqual([]);
    expect(results[0]?.content).toContain("denied, the tool did not run");
    expect(authorizer.requests).toMatchObject([{ tool: { name: "read", args: { path: "a" } } }]);
  });

  it("denies a call of a tool that is not there, and puts the attempt on record", async () => {
    const authorizer = fakeAuthorizer();
    const { results } = await scriptedAgent([], [{ name: "wipe\n\u202e", args: { all: true } }], {
      middleware: [canopyMiddleware({ agentCtx, authorizer })],
    }).start();
    expect(results).toMatchObject([{ status: "error", content: expect.stringContaining("there is no such tool here") as string }]);
    expect(authorizer.requests).toMatchObject([{ refused: "there is no such tool here", tool: { name: "wipe", args: { all: true } } }]);
  });

  it("denies a tool that cannot be guarded, unless it is named", async () => {
    const ran: unknown[] = [];
    const sneaky = Object.assign(reader(ran), { invoke: async () => ran.push("around") });
    const authorizer = fakeAuthorizer();
    const guarding = canopyMiddleware({ agentCtx, authorizer });
    const { results } = await scriptedAgent([sneaky], [call], { middleware: [guarding] }).start();
    expect(results[0]?.content).toContain("the tool overrides `invoke`");
    expect([ran, authorizer.requests.length]).toEqual([[], 1]);
    const letting = canopyMiddleware({ agentCtx, authorizer, allowUnguarded: ["read"] });
    await scriptedAgent([sneaky], [call], { middleware: [letting] }).start();
    expect([ran, authorizer.requests.length]).toEqual([["around"], 1]);
  });

  it("is not content with a guard on a function that the agent's call does not come to", async () => {
    const ran: unknown[] = [];
    const inner = fakeAuthorizer();
    const options = { name: "read", agentCtx, authorizer: inner };
    const besides = Object.assign(reader(ran), { execute: guardFunction(async () => "guarded", options) });
    const patched = Object.assign(guardTool(reader(ran), { agentCtx, authorizer: inner }), { invoke: async () => ran.push("around") });
    for (const offered of [besides, patched]) {
      const middleware = [canopyMiddleware({ agentCtx, authorizer: fakeAuthorizer("DENY") })];
      const { results } = await scriptedAgent([offered], [call], { middleware }).start();
      expect(results).toMatchObject([{ status: "error", content: expect.stringContaining("denied, the tool did not run") as string }]);
    }
    expect([ran, inner.requests]).toEqual([[], []]);
  });

  it.each([
    [{}, "`agentCtx` is missing"],
    [{ agentCtx, action: {} }, "unknown option `action`, did you mean `actions`?"],
    [{ agentCtx, actions: { read: { action_type: "read_file", payload: {} } } }, "does not map `path`"],
    [{ agentCtx, allowUnguarded: "read" }, "not a list"],
    [{ agentCtx, onApproval: "wait" }, "`onApproval`"],
    [undefined, "not an object"],
  ])("refuses options that it cannot understand: %j", (options, message) => {
    expect(() => canopyMiddleware(options as never)).toThrow(message);
  });
});
