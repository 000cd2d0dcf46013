import { dynamicTool, experimental_toolCaller, jsonSchema, tool, toolSearch } from "ai";
import type { Tool as SevenTool, ToolSet } from "ai";
import * as ai5 from "ai-5";
import * as ai6 from "ai-6";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";

import { ActionDeniedError, ApprovalRequiredError, isGuarded } from "@canopy-runtime/core";
import type { AgentContext } from "@canopy-runtime/core";

import { fakeAuthorizer } from "./authorizer.test.fake.ts";
import { guardTools } from "./guard-tools.ts";

const agentCtx = { env: "production" };
const inputSchema = z.object({ path: z.string() });
const options = { toolCallId: "1", messages: [], context: {} };

function named(context: unknown): AgentContext {
  return { agent_id: String(context) };
}

function refusalOf(tools: object, more: object = {}): unknown {
  try {
    return guardTools(tools as ToolSet, { agentCtx, authorizer: fakeAuthorizer(), ...more });
  } catch (error) {
    return error;
  }
}

describe("guarded tools", () => {
  it("have the type of the tools, in every major", () => {
    const seven = {
      read: tool({ inputSchema, execute: async ({ path }) => path.length }),
      many: tool({
        inputSchema,
        execute: async function* ({ path }) {
          yield path;
        },
      }),
      any: dynamicTool({ inputSchema: jsonSchema({}), execute: async () => 1 }),
      ask: tool({ inputSchema, outputSchema: z.string() }),
    };
    const six = {
      read: ai6.tool({ inputSchema, execute: async ({ path }) => path.length }),
      ask: ai6.tool({ inputSchema, outputSchema: z.string() }),
    };
    const five = {
      read: ai5.tool({ inputSchema, execute: async ({ path }) => path.length }),
      ask: ai5.tool({ inputSchema, outputSchema: z.string() }),
    };
    const guard = { agentCtx, authorizer: fakeAuthorizer() };
    expect(Object.keys(guardTools(seven, guard))).toEqual(Object.keys(seven));
    expectTypeOf(guardTools(seven, guard)).toEqualTypeOf(seven);
    expectTypeOf(guardTools(six, guard)).toEqualTypeOf(six);
    expectTypeOf(guardTools(five, guard)).toEqualTypeOf(five);
    const set: ai5.ToolSet = {};
    expectTypeOf(guardTools(set, guard)).toEqualTypeOf(set);
    const sixSet: ai6.ToolSet = {};
    expectTypeOf(guardTools(sixSet, guard)).toEqualTypeOf(sixSet);
  });

  it("tell the host's words by their names where only the running program knows the tools, as those of an MCP server", () => {
    const authorizer = fakeAuthorizer();
    const seven: Record<string, SevenTool & { _meta?: unknown }> = {};
    const [six, five]: [Record<string, ai6.Tool>, Record<string, ai5.Tool>] = [{}, {}];
    const [sevenSet, sixSet, fiveSet]: [ToolSet, ai6.ToolSet, ai5.ToolSet] = [{}, {}, {}];
    expect(guardTools(seven, { authorizer, agentCtx: ({ context }) => named(context) })).toEqual({});
    expect(guardTools(six, { authorizer, agentCtx: ({ experimental_context: context }) => named(context) })).toEqual({});
    expect(guardTools(five, { authorizer, agentCtx: ({ experimental_context: context }) => named(context) })).toEqual({});
    expect(guardTools(sevenSet, { authorizer, agentCtx: ({ context }) => named(context) })).toEqual({});
    expect(guardTools(sixSet, { authorizer, agentCtx: ({ experimental_context: context }) => named(context) })).toEqual({});
    expect(guardTools(fiveSet, { authorizer, agentCtx: ({ experimental_context: context }) => named(context) })).toEqual({});
    // @ts-expect-error: what a model had a hand in is not there
    expect(guardTools(sevenSet, { authorizer, agentCtx: ({ messages }) => named(messages) })).toEqual({});
  });

  it("check their options against the tools when compiling", () => {
    const tools = { read: tool({ inputSchema, execute: async ({ path }) => path.length }) };
    // @ts-expect-error: no such tool
    expect(() => guardTools(tools, { agentCtx, actions: { raed: { action_type: "read_file", payload: { path: "args.path" } } } })).toThrow(
      "`actions` names `raed`, and there is no such tool, did you mean `read`?",
    );
    // @ts-expect-error: a path starts at `args`
    expect(() => guardTools(tools, { agentCtx, actions: { read: { action_type: "read_file", payload: { path: "path" } } } })).toThrow(
      "args.name",
    );
    // @ts-expect-error: no such tool
    expect(() => guardTools(tools, { agentCtx, allowUnguarded: ["web"] })).toThrow("`allowUnguarded` names `web`");
    // @ts-expect-error: `agentId` is spelt `agent_id`
    expect(guardTools(tools, { agentCtx: { agentId: "a" } })).toBeDefined();
  });

  it("keep what they are: prototype, accessors, hidden properties, and everything but `execute`", () => {
    const hidden = Symbol("hidden");
    class Tool {
      inputSchema = inputSchema;
      needsApproval = true;
      async execute(): Promise<string> {
        return "ran";
      }
      get description(): string {
        return "from the prototype";
      }
    }
    const original = Object.defineProperties(new Tool(), {
      [hidden]: { value: 1 },
      title: { get: () => "computed", enumerable: true, configurable: true },
    }) as Tool & { [hidden]: number; title: string };
    const { read } = guardTools({ read: original }, { agentCtx, authorizer: fakeAuthorizer() });
    expect(read).toBeInstanceOf(Tool);
    expect([read.description, read.title, read[hidden], read.needsApproval]).toEqual(["from the prototype", "computed", 1, true]);
    expect(Object.getOwnPropertyDescriptor(read, "title")).toHaveProperty("get");
    expect(Object.getOwnPropertyDescriptor(read, hidden)?.enumerable).toBe(false);
    expect(isGuarded(read)).toBe(true);
    expect(isGuarded(original)).toBe(false);
  });

  it("run with the original tool as `this`, and with the SDK's options as they are", async () => {
    const seen: unknown[] = [];
    const original = {
      inputSchema,
      async execute(this: unknown, input: { path: string }, given: object): Promise<string> {
        seen.push(this, given);
        return input.path;
      },
    };
    const { read } = guardTools({ read: original }, { agentCtx, authorizer: fakeAuthorizer() });
    expect(await read.execute({ path: "a" }, options)).toBe("a");
    expect(seen[0]).toBe(original);
    expect(seen[1]).toBe(options);
  });

  it("give the last value of an iterable that is no generator's, as the SDK would", async () => {
    const authorizer = fakeAuthorizer();
    const tools = {
      lines: {
        inputSchema,
        execute: ({ path }: { path: string }): AsyncIterable<string> | PromiseLike<string> => ({
          async *[Symbol.asyncIterator]() {
            yield path;
            yield `${path}!`;
          },
        }),
      },
    };
    expect(await guardTools(tools, { agentCtx, authorizer }).lines.execute({ path: "a" })).toBe("a!");
    expect(authorizer.outcomes).toMatchObject([{ status: "success" }]);
  });

  it("leave tools that the client runs as they are", () => {
    const ask = tool({ inputSchema, outputSchema: z.string() });
    const screen = { type: "provider", isProviderExecuted: false, id: "a.screen", args: {}, inputSchema };
    const guarded = guardTools({ ask, screen }, { agentCtx, authorizer: fakeAuthorizer() });
    expect(guarded.ask).toBe(ask);
    expect(guarded.screen).toBe(screen);
  });

  it("guard tools whose schema is the provider's and that run here", async () => {
    const bash = { type: "provider-defined", id: "a.bash", name: "bash", args: {}, inputSchema, execute: async () => "ran" };
    await expect(guardTools({ bash }, { agentCtx, authorizer: fakeAuthorizer("DENY") }).bash.execute()).rejects.toThrow(ActionDeniedError);
  });

  it("tell their agent by what the host says, and never by the model's words", async () => {
    const authorizer = fakeAuthorizer();
    const seen: object[] = [];
    const tools = { read: tool({ inputSchema, contextSchema: z.object({ user: z.string() }), execute: async () => 1 }) };
    const guarded = guardTools(tools, {
      agentCtx: (host) => {
        seen.push(host);
        expectTypeOf(host.context).toEqualTypeOf<{ user: string }>();
        // @ts-expect-error: the messages are the model's
        expect(host.messages).toBeUndefined();
        return { agent_id: host.context.user };
      },
      authorizer,
    });
    await guarded.read.execute({ path: "a" }, { toolCallId: "call-1", messages: [], context: { user: "ann" } });
    expect(seen).toEqual([{ context: { user: "ann" } }]);
    expect(authorizer.requests[0]?.agentCtx).toEqual({ agent_id: "ann" });
    await expect(Reflect.apply(guarded.read.execute, undefined, [{ path: "a" }])).rejects.toThrow("the agent context could not be read");
  });

  it("become the actions that they are bound to", async () => {
    const authorizer = fakeAuthorizer();
    const tools = {
      bash: tool({ inputSchema: z.object({ cmd: z.string(), dir: z.string(), why: z.string() }), execute: async () => "ran" }),
      fetch_to: tool({ inputSchema: z.object({ url: z.string(), to: z.string() }), execute: async () => "ran" }),
      other: tool({ inputSchema, execute: async () => "ran" }),
    };
    const guarded = guardTools(tools, {
      agentCtx,
      authorizer,
      actions: {
        bash: { action_type: "execute_shell", payload: { command: "args.cmd", cwd: "args.dir" }, ignore: ["args.why"] },
        fetch_to: [
          { action_type: "call_external_api", payload: { url: "args.url" } },
          { action_type: "modify_file", toPayload: ({ to }) => ({ path: to }) },
        ],
      },
    });
    await guarded.bash.execute({ cmd: "ls", dir: "/tmp", why: "look" }, options);
    await guarded.fetch_to.execute({ url: "https://a.example", to: "/tmp/a" }, options);
    await guarded.other.execute({ path: "a" }, options);
    expect(authorizer.requests.map(({ actions }) => actions.map(({ actionType, payload, open }) => [actionType, payload, open]))).toEqual([
      [["execute_shell", { command: "ls", cwd: "/tmp", args: { cmd: "ls", dir: "/tmp", why: "look" } }, undefined]],
      [
        ["call_external_api", { url: "https://a.example", args: { url: "https://a.example", to: "/tmp/a" } }, undefined],
        ["modify_file", { path: "/tmp/a", args: { url: "https://a.example", to: "/tmp/a" } }, undefined],
      ],
      [["other", { path: "a" }, undefined]],
    ]);
  });

  it("are the same tools where they are guarded twice in the same way, and ask twice otherwise", async () => {
    const authorizer = fakeAuthorizer();
    const tools = { read: tool({ inputSchema, execute: async () => 1 }) };
    const once = guardTools(tools, { agentCtx, authorizer });
    expect(guardTools(once, { agentCtx, authorizer }).read).toBe(once.read);
    await guardTools(once, { agentCtx: { env: "dev" }, authorizer }).read.execute({ path: "a" }, options);
    expect(authorizer.requests.map((request) => request.agentCtx)).toEqual([{ env: "dev" }, { env: "production" }]);
  });

  it("are guarded again where a guarded tool's `execute` was replaced in a copy", async () => {
    const guard = { agentCtx, authorizer: fakeAuthorizer("DENY") };
    const once = guardTools({ read: tool({ inputSchema, execute: async () => 1 }) }, guard);
    const replaced = Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(once.read), execute: { value: async () => "ran" } });
    const { read } = guardTools({ read: replaced as { inputSchema: unknown; execute: () => Promise<string> } }, guard);
    await expect(read.execute()).rejects.toThrow(ActionDeniedError);
  });

  it("throw what a caller of `execute` can tell apart", async () => {
    const tools = { read: tool({ inputSchema, execute: async () => 1 }) };
    const denied = guardTools(tools, { agentCtx, authorizer: fakeAuthorizer("DENY") });
    const pending = guardTools(tools, { agentCtx, authorizer: fakeAuthorizer("REQUIRE_APPROVAL") });
    await expect(denied.read.execute({ path: "secret" }, options)).rejects.toThrow(ActionDeniedError);
    await expect(pending.read.execute({ path: "secret" }, options)).rejects.toThrow(ApprovalRequiredError);
    await expect(pending.read.execute({ path: "secret" }, options)).rejects.toMatchObject({ approvalId: "approval-1" });
  });
});

async function execute(): Promise<string> {
  return "ran";
}

describe("what cannot be guarded", () => {
  const cases: readonly (readonly [string, object, string])[] = [
    ["a tool that the provider executes", { type: "provider", isProviderExecuted: true, inputSchema }, "is executed by the provider"],
    [
      "one that has an `execute` all the same",
      { type: "provider", isProviderExecuted: true, inputSchema, execute },
      "is executed by the provider",
    ],
    ["one of version 6 that may be", { type: "provider", id: "a.web", args: {}, inputSchema }, "may be executed by the provider"],
    [
      "one of version 6 whose results come later",
      { type: "provider", supportsDeferredResults: true, inputSchema, execute },
      "is executed by the provider",
    ],
    [
      "one of version 5 that may be",
      { type: "provider-defined", id: "a.web", name: "web", args: {}, inputSchema },
      "may be executed by the provider",
    ],
    ["a kind that is not known", { type: "remote", inputSchema }, "is of a kind that this version does not know"],
    ["a tool search", toolSearch(), "is a tool search"],
    ["an `execute` that is not a function", { inputSchema, execute: "ran" }, "has an `execute` that is not a function"],
    [
      "a caller of other tools",
      experimental_toolCaller(tool({ inputSchema, execute }), { type: "local", bind: () => tool({ inputSchema, execute }) }),
      "is a caller of other tools",
    ],
  ];

  it.each(cases)("is refused: %s", (_, web, why) => {
    expect(refusalOf({ web })).toMatchObject({
      code: "TOOL_NOT_GUARDABLE",
      message: expect.stringContaining(`tool \`web\` ${why}`) as string,
    });
  });

  it.each(cases)("comes back as it is where `allowUnguarded` names it: %s", (_, web) => {
    expect((refusalOf({ web }, { allowUnguarded: ["web"] }) as { web: object }).web).toBe(web);
  });

  it("is refused where it is no tool", () => {
    for (const web of [null, 1, "tool", execute]) expect(refusalOf({ web })).toMatchObject({ code: "TOOL_NOT_GUARDABLE" });
  });

  const read = tool({ inputSchema, execute });
  it.each([
    ["tools that inherit others", Object.create({ read }) as object, {}, "not a plain object"],
    ["no tools", null as never, {}, "not a plain object"],
    ["a tool named by a symbol", { [Symbol("s")]: read }, {}, "a symbol as a name"],
    ["an option that nobody reads", { read }, { allowUngarded: [] }, "unknown option `allowUngarded`, did you mean `allowUnguarded`?"],
    ["leave for a tool that needs none", { read }, { allowUnguarded: ["read"] }, "needs no leave"],
    ["leave that is no list", { read }, { allowUnguarded: "read" }, "is not a list"],
    ["leave for a tool that is not there", { read }, { allowUnguarded: ["raed"] }, "did you mean `read`?"],
    ["bindings that are no object", { read }, { actions: 1 }, "`actions` is not an object"],
    ["a binding of an inherited name", { read }, { actions: { toString: {} } }, "`actions` names `toString`"],
    [
      "a binding of a tool that the client runs",
      { ask: { inputSchema } },
      { actions: { ask: { action_type: "a", payload: {} } } },
      "does not run here",
    ],
    [
      "a binding of a tool that stays unguarded",
      { web: { type: "provider", isProviderExecuted: true, inputSchema } },
      { allowUnguarded: ["web"], actions: { web: { action_type: "a", payload: {} } } },
      "leaves unguarded",
    ],
  ])("is refused before any call: %s", (_, tools, more, message) => {
    expect(refusalOf(tools, more)).toMatchObject({ code: "INVALID_OPTIONS", message: expect.stringContaining(message) as string });
  });
});

describe("a tool set", () => {
  it("may compute its tools: each is read once, so that no other tool takes its place later", async () => {
    let reads = 0;
    const tools = {
      get read() {
        reads += 1;
        return tool({ inputSchema, execute: async () => "ran" });
      },
    };
    const guarded = guardTools(tools, { agentCtx, authorizer: fakeAuthorizer("DENY") });
    await expect(guarded.read.execute({ path: "a" }, options)).rejects.toThrow(ActionDeniedError);
    await expect(guarded.read.execute({ path: "a" }, options)).rejects.toThrow(ActionDeniedError);
    expect(reads).toBe(1);
  });

  it("may hide its tools, and name one `__proto__`", async () => {
    const tools: Record<string, ReturnType<typeof make>> = Object.defineProperties(
      {},
      {
        hidden: { value: make() },
        ["__proto__"]: { value: make(), enumerable: true },
      },
    );
    const guarded = guardTools(tools, { agentCtx, authorizer: fakeAuthorizer("DENY") });
    for (const name of ["hidden", "__proto__"]) {
      const found = Object.getOwnPropertyDescriptor(guarded, name)?.value as ReturnType<typeof make>;
      await expect(found.execute({ path: "a" }, options)).rejects.toThrow(ActionDeniedError);
    }
  });
});

function make() {
  return tool({ inputSchema, execute: async () => "ran" });
}
