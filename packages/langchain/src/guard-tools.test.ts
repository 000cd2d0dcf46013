import { createRequire } from "node:module";

import { isGuarded } from "@canopy-runtime/core";
import * as runnables0 from "@langchain/core-0/runnables";
import * as core0 from "@langchain/core-0/tools";
import type { ToolMessage } from "@langchain/core/messages";
import * as runnables1 from "@langchain/core/runnables";
import * as core1 from "@langchain/core/tools";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { fakeAuthorizer } from "./authorizer.test.fake.ts";
import { guardTool, guardTools } from "./guard-tools.ts";

const agentCtx = { env: "production" };

interface AnyTool {
  readonly name: string;
  readonly func?: (input: unknown, manager?: unknown, config?: unknown) => Promise<unknown>;
  readonly _call: (input: unknown) => Promise<unknown>;
  readonly call: (input: unknown) => Promise<unknown>;
  readonly invoke: (input: unknown, config?: object) => Promise<unknown>;
  readonly batch: (inputs: readonly unknown[]) => Promise<readonly unknown[]>;
  readonly stream: (input: unknown) => Promise<AsyncIterable<unknown>>;
  readonly withConfig: (config: object) => AnyTool;
  readonly withRetry: (options: object) => AnyTool;
  readonly pipe: (next: unknown) => AnyTool;
  readonly streamEvents: (input: unknown, options: object) => AsyncIterable<unknown>;
}

type Library = typeof core1 & typeof runnables1;

/** A tool of each class, which adds what it ran on to `ran`. */
function kinds(lib: Library, ran: unknown[]): Record<string, AnyTool> {
  const schema = z.object({ path: z.string() });
  class Own extends lib.StructuredTool {
    name = "read";
    description = "reads";
    schema = schema;
    override async _call({ path }: { path: string }): Promise<string> {
      ran.push(path);
      return `len ${path.length}`;
    }
  }
  class OwnText extends lib.Tool {
    name = "read";
    description = "reads";
    override async _call(path: string): Promise<string> {
      ran.push(path);
      return `len ${path.length}`;
    }
  }
  const run = async ({ path }: { path: string }): Promise<string> => {
    ran.push(path);
    return `len ${path.length}`;
  };
  const runText = async (path: string): Promise<string> => run({ path });
  const made: Record<string, unknown> = {
    "tool()": lib.tool(run, { name: "read", description: "reads", schema }),
    "tool() of JSON Schema": lib.tool(run as never, {
      name: "read",
      description: "reads",
      schema: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
    }),
    "tool() of a text": lib.tool(runText, { name: "read", description: "reads", schema: z.string() }),
    DynamicTool: new lib.DynamicTool({ name: "read", description: "reads", func: runText }),
    DynamicStructuredTool: new lib.DynamicStructuredTool({ name: "read", description: "reads", schema, func: run }),
    "a subclass": new Own(),
    "a subclass of Tool": new OwnText(),
  };
  return made as Record<string, AnyTool>;
}

const libraries: readonly (readonly [string, Library])[] = [
  ["0.3", { ...core0, ...runnables0 } as never],
  ["0.3 for CommonJS", commonJs("@langchain/core-0")],
  ["1", { ...core1, ...runnables1 }],
  ["1 for CommonJS", commonJs("@langchain/core")],
];

/** The other copy of the same library, with classes of its own. */
function commonJs(name: string): Library {
  const require = createRequire(import.meta.url);
  return { ...(require(`${name}/tools`) as typeof core1), ...(require(`${name}/runnables`) as typeof runnables1) };
}

const names = Object.keys(kinds({ ...core1, ...runnables1 }, []));

/** Every way in that a tool has. */
const surfaces: Readonly<Record<string, (tool: AnyTool, input: unknown) => Promise<unknown>>> = {
  invoke: (tool, input) => tool.invoke(input),
  call: (tool, input) => tool.call(input),
  batch: async (tool, input) => (await tool.batch([input]))[0],
  stream: async (tool, input) => last(await tool.stream(input)),
  withConfig: (tool, input) => tool.withConfig({ tags: ["x"] }).invoke(input),
  withRetry: (tool, input) => tool.withRetry({ stopAfterAttempt: 1 }).invoke(input),
  pipe: (tool, input) => tool.pipe(new runnables1.RunnableLambda({ func: (output: unknown) => output })).invoke(input),
  streamEvents: async (tool, input) => {
    const event = (await last(tool.streamEvents(input, { version: "v2" }))) as { data: { output: unknown } };
    return event.data.output;
  },
  // Where there is one; `_call` leads to it.
  func: ({ _call, func = _call }, input) => func(input),
  _call: ({ _call }, input) => _call(input),
};

describe.each(libraries)("@langchain/core %s", (_, lib) => {
  describe.each(names)("%s", (kind) => {
    function guarded(decision: "ALLOW" | "DENY" | "REQUIRE_APPROVAL") {
      const ran: unknown[] = [];
      const authorizer = fakeAuthorizer(decision);
      const original = kinds(lib, ran)[kind] as AnyTool;
      const [tool] = guardTools([original], { agentCtx, authorizer });
      return { ran, authorizer, original, tool };
    }
    const input = /text|Dynamic(?!S)|of Tool/.test(kind) ? "abc" : { path: "abc" };

    it.each(Object.keys(surfaces))("%s asks before it runs, once, and reports", async (name) => {
      const denied = guarded("DENY");
      await expect(surfaces[name]?.(denied.tool, input)).rejects.toThrow("denied, the tool did not run: the fake says DENY");
      expect([denied.ran, denied.authorizer.requests.length]).toEqual([[], 1]);
      const allowed = guarded("ALLOW");
      expect(await surfaces[name]?.(allowed.tool, input)).toBe("len 3");
      expect([allowed.ran, allowed.authorizer.requests.length]).toEqual([["abc"], 1]);
      expect(allowed.authorizer.outcomes).toMatchObject([{ status: "success", authorizationId: "entry-1" }]);
    });

    it("is asked about with its arguments as the model gives them", async () => {
      const { tool, authorizer } = guarded("ALLOW");
      await tool.invoke(input);
      const args = typeof input === "string" ? { input } : input;
      expect(authorizer.requests).toMatchObject([
        { agentCtx, actions: [{ actionType: "read", payload: args }], tool: { name: "read", args } },
      ]);
    });

    it("answers a call of an agent with a message", async () => {
      const call = { id: "7", type: "tool_call", name: "read", args: typeof input === "string" ? { input } : input };
      const denied = guarded("DENY");
      const message = (await denied.tool.invoke(call)) as ToolMessage;
      expect(message).toMatchObject({ status: "error", tool_call_id: "7", name: "read" });
      expect(message.content).toBe("denied, the tool did not run: the fake says DENY (do not retry this call)");
      expect(denied.authorizer.requests).toMatchObject([{ tool: { callId: "7" } }]);
      const allowed = (await guarded("ALLOW").tool.invoke(call)) as ToolMessage;
      expect(allowed.content).toBe("len 3");
      expect(denied.ran).toEqual([]);
    });

    it("stays what it was", () => {
      const { tool, original } = guarded("ALLOW");
      expect(tool).toBeInstanceOf(original.constructor);
      expect(Object.getPrototypeOf(tool)).toBe(original);
      for (const key of ["name", "description", "schema", "lc_namespace", "returnDirect", "responseFormat"] as const) {
        expect((tool as never)[key]).toEqual((original as never)[key]);
      }
      expect(JSON.stringify(tool)).toBe(JSON.stringify(original));
      expect([isGuarded(tool), isGuarded(original)]).toEqual([true, false]);
    });
  });

  it("a runnable that was made a tool is guarded inside, streamed or not", async () => {
    const ran: unknown[] = [];
    const runnable = new lib.RunnableLambda({
      func: async function* ({ path }: { path: string }) {
        ran.push(path);
        yield* path;
      } as never,
    });
    const make = (): AnyTool => runnable.asTool({ name: "read", description: "reads", schema: z.object({ path: z.string() }) }) as never;
    const denying = fakeAuthorizer("DENY");
    const denied = guardTool(make(), { agentCtx, authorizer: denying });
    const call = { id: "7", type: "tool_call", name: "read", args: { path: "abc" } };
    for (const name of ["invoke", "batch", "stream", "withConfig", "pipe"]) {
      await expect(surfaces[name]?.(denied, { path: "abc" })).rejects.toThrow("denied, the tool did not run");
    }
    await expect(denied.invoke(call)).rejects.toThrow("denied, the tool did not run");
    const message = (await denied.invoke(call, { toolCallId: "7" })) as ToolMessage;
    expect([message.status, ran]).toEqual(["error", []]);
    const authorizer = fakeAuthorizer();
    const allowed = guardTool(make(), { agentCtx, authorizer });
    expect(await allowed.invoke(call)).toBe(await make().invoke(call));
    const chunks = await all(await allowed.stream({ path: "abc" }));
    expect([chunks, chunks.length]).toEqual([await all(await make().stream({ path: "abc" })), 3]);
    expect(authorizer.requests).toHaveLength(2);
    expect(authorizer.outcomes.map(({ status }) => status)).toEqual(["success", "success"]);
    expect([isGuarded(allowed), isGuarded(make())]).toEqual([true, false]);
    expect(guardTool(allowed, { agentCtx, authorizer })).toBe(allowed);
  });
});

describe("what a tool runs on", () => {
  it("is what its schema made, once", async () => {
    let parsed = 0;
    const schema = z.object({ path: z.string().transform((path) => `${path}${(parsed += 1)}`) });
    const authorizer = fakeAuthorizer();
    const read = guardTool(
      core1.tool(({ path }) => path, { name: "read", schema }),
      { agentCtx, authorizer },
    );
    expect(await read.invoke({ path: "a" })).toBe("a1");
    expect(authorizer.requests[0]?.tool?.args).toEqual({ path: "a1" });
  });

  it("does not change while its answer is awaited", async () => {
    const args = { to: { path: "/tmp/a" } };
    const authorizer = fakeAuthorizer(() => {
      args.to.path = "/etc/passwd";
      return "ALLOW";
    });
    const schema = { type: "object", properties: { to: { type: "object" } } } as const;
    const write = guardTool(
      core1.tool((given: unknown) => JSON.stringify(given), { name: "write", schema }),
      { agentCtx, authorizer },
    );
    expect(await write.invoke(args)).toBe('{"to":{"path":"/tmp/a"}}');
  });

  it("must be JSON, unless the binding says what it comes to", async () => {
    const ran: unknown[] = [];
    const wait = core1.tool(({ until }) => ran.push(until.getTime()), { name: "wait", schema: z.object({ until: z.coerce.date() }) });
    const authorizer = fakeAuthorizer();
    await expect(guardTool(wait, { agentCtx, authorizer }).invoke({ until: "2026-01-01" })).rejects.toThrow("cannot be judged");
    expect(authorizer.requests).toMatchObject([{ refused: expect.stringContaining("not JSON") as string }]);
    const binding = { action_type: "wait", toPayload: ({ until }: { until: Date }) => ({ until: until.toISOString() }) };
    await guardTool(wait, { agentCtx, authorizer, binding }).invoke({ until: "2026-01-01" });
    expect(ran).toEqual([Date.UTC(2026, 0, 1)]);
    expect(authorizer.requests[1]?.tool).toMatchObject({ toctou: "unprotected" });
  });

  it("is judged as the actions that it is bound to", async () => {
    const authorizer = fakeAuthorizer();
    const bash = core1.tool(({ cmd }) => cmd, {
      name: "bash",
      schema: z.object({ cmd: z.string(), dir: z.string().nullish(), why: z.string().nullish() }),
    });
    const [guarded] = guardTools([bash], {
      agentCtx,
      authorizer,
      actions: { bash: { action_type: "execute_shell", payload: { command: "args.cmd", cwd: "args.dir?" }, ignore: ["args.why"] } },
    });
    await guarded.invoke({ cmd: "ls", dir: null, why: "look" });
    expect(authorizer.requests[0]?.actions).toEqual([
      { actionType: "execute_shell", payload: { command: "ls", args: { cmd: "ls", dir: null, why: "look" } } },
    ]);
  });
});

describe("the agent", () => {
  it("is who the runnable's configuration says, without anything of the model", async () => {
    const seen: unknown[] = [];
    const authorizer = fakeAuthorizer();
    const read = guardTool(
      core1.tool(({ path }) => path, { name: "read", schema: z.object({ path: z.string() }) }),
      {
        agentCtx: (host) => {
          seen.push(host);
          return { agent_id: String(host.configurable["user"]) };
        },
        traceId: ({ configurable }) => configurable["thread_id"] as string,
        authorizer,
      },
    );
    const configurable = { user: "ada", thread_id: "t1", __pregel_scratchpad: { currentTaskInput: "the model's words" } };
    await read.invoke({ id: "1", type: "tool_call", name: "read", args: { path: "a" } }, { configurable, metadata: { tenant: "x" } });
    expect(authorizer.requests).toMatchObject([{ agentCtx: { agent_id: "ada" }, traceId: "t1" }]);
    expect(seen).toEqual([{ configurable: { user: "ada", thread_id: "t1" }, context: undefined, metadata: { tenant: "x" } }]);
  });
});

describe("a tool with parts of its own", () => {
  it("keeps its private fields", async () => {
    class Counter extends core1.StructuredTool {
      #count = 0;
      schema = z.object({});
      name = "counter";
      description = "counts";
      get count(): number {
        return this.#count;
      }
      override async _call(): Promise<number> {
        this.#count += 1;
        return this.#count;
      }
    }
    const counter = guardTool(new Counter(), { agentCtx, authorizer: fakeAuthorizer() });
    expect([await counter.invoke({}), await counter.invoke({}), counter.count]).toEqual([1, 2, 2]);
  });

  it("keeps its artifact, and its refusal has none", async () => {
    const look = core1.tool(async () => ["found", { rows: 3 }], {
      name: "look",
      schema: z.object({}),
      responseFormat: "content_and_artifact",
    });
    const call = { id: "1", type: "tool_call" as const, name: "look", args: {} };
    const allowed = await guardTool(look, { agentCtx, authorizer: fakeAuthorizer() }).invoke(call);
    expect(allowed).toMatchObject({ content: "found", artifact: { rows: 3 }, status: "success" });
    const denied = await guardTool(look, { agentCtx, authorizer: fakeAuthorizer("DENY") }).invoke(call);
    expect(denied).toMatchObject({ status: "error", artifact: undefined });
  });

  it("streams its events, and its outcome is on record when it ends", async () => {
    const authorizer = fakeAuthorizer();
    const events: unknown[] = [];
    const long = core1.tool(
      async function* () {
        yield "one";
        expect(authorizer.outcomes).toEqual([]);
        yield "two";
        return "three";
      },
      { name: "long", schema: z.object({}) },
    );
    const guarded = guardTool(long, { agentCtx, authorizer });
    const callbacks = [{ handleToolEvent: (event: unknown) => void events.push(event) }];
    expect(await guarded.invoke({}, { callbacks: callbacks as never })).toBe("three");
    expect(events).toEqual(["one", "two"]);
    expect(authorizer.outcomes).toMatchObject([{ status: "success", outputHash: expect.stringMatching(/^[0-9a-f]{64}$/) as string }]);
  });

  it("that throws throws what it threw, and that is on record", async () => {
    const authorizer = fakeAuthorizer();
    const error = new RangeError("too far");
    const fails = core1.tool(
      () => {
        throw error;
      },
      { name: "fails", schema: z.object({}) },
    );
    await expect(guardTool(fails, { agentCtx, authorizer }).invoke({})).rejects.toBe(error);
    expect(authorizer.outcomes).toMatchObject([{ status: "error", errorClass: "RangeError" }]);
  });

  it("that is aborted before its answer does not run", async () => {
    const ran: unknown[] = [];
    const stop = new AbortController();
    const authorizer = fakeAuthorizer(() => {
      stop.abort(new Error("enough"));
      return "ALLOW";
    });
    const slow = guardTool(
      core1.tool(() => ran.push(1), { name: "slow", schema: z.object({}) }),
      { agentCtx, authorizer },
    );
    await expect(slow.invoke({}, { signal: stop.signal })).rejects.toThrow("enough");
    await expect.poll(() => authorizer.outcomes).toMatchObject([{ status: "not_run" }]);
    expect(ran).toEqual([]);
  });
});

it("does not run, at whatever moment it is aborted, ends all the same, and that is put on record", async () => {
  for (let moment = 0; moment < 40; moment += 1) {
    const stop = new AbortController();
    const authorizer = fakeAuthorizer(() => {
      let left = moment;
      const tick = (): void => ((left -= 1) < 0 ? stop.abort(new Error("enough")) : queueMicrotask(tick));
      tick();
      return "ALLOW";
    });
    const seen: boolean[] = [];
    const work = (): number => seen.push(stop.signal.aborted);
    const plain = core1.tool(work, { name: "slow", schema: z.object({}) });
    const streamed = runnables1.RunnableLambda.from(work).asTool({ name: "slow", schema: z.object({}) });
    const config = { signal: stop.signal };
    await guardTool(plain, { agentCtx, authorizer })
      .invoke({}, config)
      .catch(() => "aborted");
    await guardTool(streamed, { agentCtx, authorizer })
      .stream({}, config)
      .then(all)
      .catch(() => "aborted");
    expect(seen).not.toContain(true);
    await expect.poll(() => authorizer.outcomes.length, { interval: 1 }).toBe(authorizer.requests.length);
  }
});

async function all(items: AsyncIterable<unknown>): Promise<readonly unknown[]> {
  const list: unknown[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function last(items: AsyncIterable<unknown>): Promise<unknown> {
  let item: unknown;
  for await (const each of items) item = each;
  return item;
}
