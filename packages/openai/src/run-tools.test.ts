import { describe, expect, it } from "vitest";

import { fakeAuthorizer } from "./authorizer.test.fake.ts";
import { guardTools } from "./guard-tools.ts";
import { sdks } from "./sdks.test.fake.ts";
import type { Sdk } from "./sdks.test.fake.ts";
import { loopback } from "./server.test.fake.ts";
import type { ScriptedCall, Turn } from "./server.test.fake.ts";

const agentCtx = { env: "production" };

/** One tool of each form that `runTools` takes. */
function toolset({ zodFunction, z }: Sdk, ran: unknown[]) {
  return [
    zodFunction({
      name: "read",
      parameters: z.object({ path: z.string() }),
      function: async ({ path }) => {
        ran.push(["read", path]);
        return { length: path.length };
      },
    }),
    {
      type: "function" as const,
      function: {
        name: "pay",
        description: "Pays",
        parameters: { type: "object" as const, properties: { amount: { type: "number" as const } } },
        parse: (text: string) => JSON.parse(text) as { amount: number },
        function: (args: { amount: number }, _runner: unknown, toolContext: unknown) => {
          ran.push(["pay", args, toolContext]);
          if (args.amount < 0) throw new Error("no such amount");
          return `paid ${args.amount}`;
        },
      },
    },
    {
      type: "function" as const,
      function: {
        description: "Deletes; its name is that of its function",
        parameters: { type: "object" as const },
        function: function delete_all(args: string) {
          ran.push(["delete_all", args]);
        },
      },
    },
  ];
}

interface Run {
  readonly events: unknown[];
  readonly messages: unknown;
  readonly final: unknown;
  readonly requests: unknown;
  readonly ran: unknown[];
}

/** The whole of what a run shows to the host and to the model. */
async function runOf(sdk: Sdk, script: readonly Turn[], stream: boolean, wrap: (tools: never) => unknown, more: object = {}): Promise<Run> {
  await using server = await loopback(script);
  const ran: unknown[] = [];
  const tools = wrap(toolset(sdk, ran) as never);
  const body = { model: "scripted", messages: [{ role: "user", content: "go" }], tools, ...(stream ? { stream } : {}), ...more };
  const runner = sdk.client(server.baseURL).chat.completions.runTools(body as never);
  const events: unknown[] = [];
  for (const event of ["message", "functionToolCall", "functionToolCallResult", "content", "finalContent", "end"] as const) {
    runner.on(event, (...args: unknown[]) => events.push([event, ...args]));
  }
  const final = await runner.finalContent().catch((error: unknown) => [(error as Error).constructor.name, (error as Error).message]);
  return { events, messages: runner.messages, final, requests: server.requests, ran };
}

const calls: readonly ScriptedCall[] = [
  { tool: "read", args: { path: "abc" } },
  { tool: "pay", args: { amount: 5 } },
  { tool: "delete_all", args: { sure: true } },
];

const ways = sdks.flatMap((sdk) => [
  { sdk, major: sdk.major, stream: false, way: "plain" },
  { sdk, major: sdk.major, stream: true, way: "streamed" },
]);

describe.each(ways)("runTools of openai $major, $way", ({ sdk, stream }) => {
  it.each<readonly [string, readonly Turn[], object]>([
    ["calls of every form beside each other", [calls], {}],
    ["one call after the other", calls.map((call) => [call]), {}],
    ["calls that may not run in parallel", [calls], { parallel_tool_calls: false }],
    ["a host's own context", [calls], { toolContext: { user: "ann" } }],
    ["a call of a tool that is not there", [[{ tool: "raed", args: {} }, ...calls]], {}],
    ["arguments that do not fit", [[{ tool: "read", args: { path: 1 } }]], {}],
    ["a tool that throws", [[{ tool: "pay", args: { amount: -1 } }]], {}],
    ["no call at all", ["hello"], {}],
  ])("shows host and model the same where all is allowed: %s", async (_, script, more) => {
    const authorizer = fakeAuthorizer();
    const bare = await runOf(sdk, script, stream, (tools) => tools, more);
    const guarded = await runOf(sdk, script, stream, (tools) => guardTools(tools, { agentCtx, authorizer }), more);
    expect(guarded).toEqual(bare);
    expect(authorizer.requests).toHaveLength(bare.ran.length);
    expect(authorizer.outcomes).toHaveLength(bare.ran.length);
  });

  it("tells the model what is refused, runs the rest, and goes on to the end", async () => {
    const authorizer = fakeAuthorizer(({ tool }) =>
      tool?.name === "delete_all" ? "DENY" : tool?.name === "pay" ? "REQUIRE_APPROVAL" : "ALLOW",
    );
    const { ran, final, messages } = await runOf(sdk, [calls], stream, (tools) => guardTools(tools, { agentCtx, authorizer }));
    expect([ran, final]).toEqual([[["read", "abc"]], "done"]);
    expect((messages as { role: string; content: string }[]).flatMap(({ role, content }) => (role === "tool" ? content : []))).toEqual([
      '{"length":3}',
      expect.stringContaining(
        "approval required, the tool did not run: the fake says REQUIRE_APPROVAL (approval id `approval-1`",
      ) as string,
      "denied, the tool did not run: the fake says DENY (do not retry this call)",
    ]);
    // Version 7 asks about all at once, and the tool without a parser is the first to be there.
    expect(authorizer.requests).toHaveLength(3);
    expect(authorizer.requests.map(({ tool }) => tool?.args)).toEqual(
      expect.arrayContaining([{ path: "abc" }, { amount: 5 }, { sure: true }]),
    );
    expect(authorizer.outcomes).toMatchObject([{ status: "success" }]);
  });

  it.each([
    ["a repeated key", '{"sure":false,"sure":true}'],
    ["no JSON", "{sure:true}"],
    ["nothing", ""],
    ["a number that readers round differently", '{"n":9007199254740993}'],
    ["something after the object", '{"sure":true}{}'],
    ["a lone surrogate", '{"a":"\\ud800"}'],
  ])("does not run a text that its tool may read otherwise than Canopy: %s", async (_, args) => {
    const authorizer = fakeAuthorizer();
    const bare = await runOf(sdk, [[{ tool: "delete_all", args }]], stream, (tools) => tools);
    expect(bare.ran).toEqual([["delete_all", args]]);
    const { ran, final, messages } = await runOf(sdk, [[{ tool: "delete_all", args }]], stream, (tools) =>
      guardTools(tools, { agentCtx, authorizer }),
    );
    expect([ran, final]).toEqual([[], "done"]);
    expect(JSON.stringify(messages)).toContain("the arguments cannot be judged (not JSON at");
    expect(authorizer.requests).toMatchObject([{ refused: expect.stringContaining("not JSON") as string, tool: { name: "delete_all" } }]);
    expect(authorizer.outcomes).toEqual([]);
  });

  it("does not run a tool whose run is aborted while its answer is awaited", async () => {
    await using server = await loopback([calls]);
    const ran: unknown[] = [];
    let abort: (() => void) | undefined;
    const authorizer = fakeAuthorizer(() => {
      abort?.();
      return "ALLOW";
    });
    const tools = guardTools(toolset(sdk, ran), { agentCtx, authorizer });
    const body = { model: "scripted", messages: [{ role: "user", content: "go" }], tools, ...(stream ? { stream } : {}) };
    const runner = sdk.client(server.baseURL).chat.completions.runTools(body as never);
    abort = () => runner.abort();
    await expect(runner.finalContent()).rejects.toThrow("aborted");
    expect(ran).toEqual([]);
  });
});
