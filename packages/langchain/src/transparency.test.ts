import { Command } from "@langchain/langgraph";
import { tool } from "@langchain/core/tools";
import { createMiddleware } from "langchain";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { scriptedAgent, toolNodeGraph } from "./agents.test.fake.ts";
import type { ScriptedCall, Told } from "./agents.test.fake.ts";
import { fakeAuthorizer } from "./authorizer.test.fake.ts";
import { guardTools } from "./guard-tools.ts";
import { canopyMiddleware } from "./middleware.ts";

const agentCtx = { env: "production" };

/** Tools of every manner, and a call of each. */
function tools(): readonly object[] {
  const path = z.object({ path: z.string().default("a") });
  return [
    tool(({ path: name }) => `len ${name.length}`, { name: "text", description: "t", schema: path, metadata: { owner: "x" }, tags: ["t"] }),
    tool(({ path: name }) => ({ name, at: [1, 2] }), { name: "object", schema: path }),
    tool(() => [{ type: "text", text: "block" }], { name: "blocks", schema: path }),
    tool(() => ["shown", { rows: 1 }], { name: "artifact", schema: path, responseFormat: "content_and_artifact" }),
    tool(() => undefined, { name: "nothing", schema: path }),
    tool((text: string) => text.toUpperCase(), { name: "plain" }),
    tool(
      () => {
        throw new RangeError("too far");
      },
      { name: "fails", schema: path },
    ),
    tool(
      async function* () {
        yield "one";
        return "two";
      },
      { name: "generator", schema: path },
    ),
    tool(() => new Command({ update: { messages: [] } }), { name: "command", schema: path }),
    tool((_, runtime: { config?: { configurable?: Record<string, unknown> } }) => String(runtime.config?.configurable?.["user"]), {
      name: "configured",
      schema: path,
    } as never),
  ];
}

const calls: readonly ScriptedCall[] = [
  { name: "text", args: { path: "abc" } },
  { name: "text", args: { path: 1 } },
  { name: "object", args: {} },
  { name: "blocks", args: {} },
  { name: "artifact", args: {} },
  { name: "nothing", args: {} },
  { name: "plain", args: { input: "loud" } },
  { name: "fails", args: {} },
  { name: "generator", args: {} },
  { name: "command", args: {} },
  { name: "configured", args: {} },
  { name: "unknown", args: {} },
];

interface Kind {
  readonly wrap: (list: readonly object[]) => readonly object[];
  /** What the agent has that is compared, and what the one has that it is compared with. */
  readonly more: () => readonly [guarded: object, plain: object];
  readonly calls: readonly ScriptedCall[];
}

const nothing = createMiddleware({ name: "Nothing", wrapToolCall: async (request, handler) => handler(request) });

const kinds: Readonly<Record<string, Kind>> = {
  "guarded tools": { wrap: (list) => guardTools(list, { agentCtx, authorizer: fakeAuthorizer() }), more: () => [{}, {}], calls },
  // Any middleware around tool calls makes an error of a tool the end of the run, so it is compared with one that does nothing.
  "the middleware": {
    wrap: (list) => list,
    more: () => [{ middleware: [canopyMiddleware({ agentCtx, authorizer: fakeAuthorizer() })] }, { middleware: [nothing] }],
    calls: calls.filter(({ name }) => name !== "unknown"),
  },
};
const config = { configurable: { thread_id: "t", user: "ada" } };

describe.each(Object.entries(kinds))("with a policy that allows everything, nobody notices %s", (_, { wrap, more, calls: made }) => {
  it.each(made.map((call) => [call.name, call] as const))("in an agent: %s", async (__, call) => {
    const [guardedMore, plainMore] = more();
    const plain = await told(scriptedAgent(tools(), [call], plainMore).start(config));
    expect(await told(scriptedAgent(wrap(tools()), [call], guardedMore).start(config))).toEqual(plain);
  });

  it("in what an agent streams", async () => {
    const [guardedMore, plainMore] = more();
    const plain = await streamed(tools(), plainMore);
    expect(plain.length).toBeGreaterThan(3);
    expect(await streamed(wrap(tools()), guardedMore)).toEqual(plain);
  });

  it("in the callbacks and traces", async () => {
    const [guardedMore, plainMore] = more();
    const plain = await traced(tools(), made, plainMore);
    expect(plain.length).toBeGreaterThan(15);
    expect(await traced(wrap(tools()), made, guardedMore)).toEqual(plain);
  });
});

async function streamed(list: readonly object[], more: object): Promise<unknown[]> {
  const chunks: unknown[] = [];
  const { agent } = scriptedAgent(list, calls.slice(0, 1), more);
  const options = { ...config, streamMode: ["updates", "messages", "custom"] };
  for await (const chunk of await agent.stream({ messages: [{ role: "user", content: "go" }] }, options)) chunks.push(chunk);
  return JSON.parse(withoutIds(chunks)) as unknown[];
}

async function traced(list: readonly object[], made: readonly ScriptedCall[], more: object): Promise<unknown[]> {
  const events: unknown[] = [];
  const note =
    (name: string) =>
    (...args: unknown[]): void =>
      void events.push(JSON.parse(withoutIds([name, args[0] instanceof Error ? args[0].message : args[0], args[1]])));
  const callbacks = [
    { handleToolStart: note("start"), handleToolEnd: note("end"), handleToolError: note("error"), handleToolEvent: note("event") },
  ];
  for (const call of made) await told(scriptedAgent(list, [call], more).start({ ...config, callbacks }));
  return events;
}

it("a prebuilt `ToolNode` does not notice guarded tools either", async () => {
  const known = calls.filter(({ name }) => name !== "unknown");
  const plain = await toolNodeGraph(tools()).start(known, config);
  const guarded = await toolNodeGraph(guardTools(tools(), { agentCtx, authorizer: fakeAuthorizer() })).start(known, config);
  expect(shape(guarded)).toEqual(shape(plain));
});

async function told(run: Promise<Told>): Promise<unknown> {
  return await run.then(shape, (error: unknown) => ({ name: (error as Error).name, message: (error as Error).message }));
}

function shape({ messages, interrupts }: Told): unknown {
  return JSON.parse(withoutIds([messages, interrupts]));
}

/** As JSON, without what differs from run to run: ids, and the lines of stacks. */
function withoutIds(value: unknown): string {
  return JSON.stringify(value, (key, item: unknown) => {
    if (/^(id|run_id|runId|lc_kwargs|checkpoint_ns|langgraph_checkpoint_ns|__pregel_task_id|run_ids)$/.test(key)) return undefined;
    if (typeof item !== "string") return item;
    return item.replaceAll(/\n +at .*/g, "").replace(/^[0-9a-f]{8}-[0-9a-f-]{27}$/, "uuid");
  });
}
