import * as ai7 from "ai";
import * as ai5 from "ai-5";
import * as ai6 from "ai-6";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { fakeAuthorizer } from "./authorizer.test.fake.ts";
import { guardTools } from "./guard-tools.ts";
import { loops } from "./loops.test.fake.ts";

const agentCtx = { env: "production" };

/** The tools as the SDK's MCP client makes them of what a server lists: dynamic ones, or typed ones where the host names their schemas. */
function mcpClient({ dynamicTool, tool, jsonSchema }: Pick<typeof ai7, "dynamicTool" | "jsonSchema" | "tool">) {
  const received: unknown[] = [];
  const callTool = async (name: string, args: unknown): Promise<{ content: { type: "text"; text: string }[]; isError: boolean }> => {
    received.push({ name, arguments: args });
    return { content: [{ type: "text", text: `${name} says hello` }], isError: name === "broken" };
  };
  const parts = (name: string) => ({
    description: `the server's ${name}`,
    execute: async (args: unknown, { abortSignal }: { abortSignal?: AbortSignal }) => {
      abortSignal?.throwIfAborted();
      return callTool(name, args);
    },
  });
  // Nobody checks what the model says against such a schema: it has no validator.
  const inputSchema = jsonSchema({ type: "object", properties: { path: { type: "string" } }, additionalProperties: false });
  const dynamic = (name: string) => ({ ...dynamicTool({ inputSchema, toModelOutput, ...parts(name) }), _meta: { server: "files" } });
  return {
    received,
    tools: async (): Promise<Record<string, ReturnType<typeof dynamic>>> =>
      Object.fromEntries(["read", "wipe", "broken"].map((name) => [name, dynamic(name)])),
    typedTools: async () => ({ read: tool({ inputSchema: z.object({ path: z.string() }), ...parts("read") }) }),
  };
}

/** Version 5 hands over the output, later ones an object with it. */
function toModelOutput(given: unknown): never {
  const { output = given } = given as { output?: unknown };
  return { type: "content", value: (output as { content: unknown[] }).content } as never;
}

/** Denies `wipe`, allows the rest. */
const noWiping = () => fakeAuthorizer(({ tool }) => (tool?.name === "wipe" ? "DENY" : "ALLOW"));

describe.each([
  [loops[0], ai5 as unknown as typeof ai7],
  [loops[1], ai6 as unknown as typeof ai7],
  [loops[2], ai7],
])("the tools of an MCP client in the loop of ai $major", (loop, sdk) => {
  it.each(["generate", "stream"] as const)("reach the server where they are allowed, and only there, in %s", async (way) => {
    const client = mcpClient(sdk);
    const authorizer = noWiping();
    const tools = guardTools(await client.tools(), { agentCtx, authorizer });
    const told = await loop?.[way](tools, [
      { tool: "read", input: { path: "a", extra: [1] } },
      { tool: "wipe", input: { path: "a" } },
      { tool: "broken", input: {} },
    ]);
    expect(told?.text).toBe("done");
    expect(client.received).toHaveLength(2);
    expect(client.received).toEqual(
      expect.arrayContaining([
        { name: "read", arguments: { path: "a", extra: [1] } },
        { name: "broken", arguments: {} },
      ]),
    );
    expect(told?.seen).toContain("read says hello");
    expect(told?.seen).toContain("denied, the tool did not run: the fake says DENY");
    expect(authorizer.requests.map(({ tool }) => [tool?.name, tool?.args])).toEqual([
      ["read", { path: "a", extra: [1] }],
      ["wipe", { path: "a" }],
      ["broken", {}],
    ]);
    expect(authorizer.outcomes).toHaveLength(2);
  });

  it("stay dynamic, and keep what the server said of them", async () => {
    const tools = await mcpClient(sdk).tools();
    const guarded = guardTools(tools, { agentCtx, authorizer: noWiping() });
    expect(guarded["read"]).toMatchObject({ type: "dynamic", description: "the server's read", _meta: { server: "files" } });
    expect(guarded["read"]?.toModelOutput).toBe(tools["read"]?.toModelOutput);
    expect(guarded["read"]?.inputSchema).toBe(tools["read"]?.inputSchema);
  });

  it("are judged as what they are bound to, and an argument that nobody bound leaves the call open", async () => {
    const client = mcpClient(sdk);
    const authorizer = noWiping();
    const actions = { read: { action_type: "read_file", payload: { path: "args.path" } } } as const;
    await loop?.generate(guardTools(await client.tools(), { agentCtx, authorizer, actions }), [
      { tool: "read", input: { path: "a" } },
      { tool: "read", input: { path: "a", follow: true } },
    ]);
    expect(authorizer.requests.map((request) => request.actions)).toMatchObject([
      [{ actionType: "read_file", payload: { path: "a" } }],
      [{ actionType: "read_file", payload: { path: "a" }, open: ["argument `follow` is neither bound nor ignored"] }],
    ]);
  });

  it("with schemas that the host names are guarded too", async () => {
    const client = mcpClient(sdk);
    const tools = guardTools(await client.typedTools(), { agentCtx, authorizer: fakeAuthorizer("DENY") });
    await loop?.generate(tools, [{ tool: "read", input: { path: "a" } }]);
    expect(client.received).toEqual([]);
  });
});

it("a server that names a tool `__proto__` does not get it past the guard", async () => {
  const tools = await mcpClient(ai7).tools();
  const assigned: typeof tools = {};
  for (const name of ["read", "__proto__"]) assigned[name] = tools["wipe"] as never;
  expect(() => guardTools(assigned, { agentCtx })).toThrow("the tools are not a plain object");
});
