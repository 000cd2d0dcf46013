import { describe, expect, it } from "vitest";

import { fakeAuthorizer } from "./authorizer.test.fake.ts";
import { createToolDispatcher } from "./dispatcher.ts";
import { guardTools } from "./guard-tools.ts";
import { loopback } from "./server.test.fake.ts";
import type { ScriptedCall } from "./server.test.fake.ts";
import { sdks } from "./sdks.test.fake.ts";
import type { Sdk } from "./sdks.test.fake.ts";

const agentCtx = { env: "production" };

function wipe({ zodFunction, z }: Sdk, ran: unknown[]) {
  return zodFunction({
    name: "wipe",
    parameters: z.object({ sure: z.boolean() }),
    function: ({ sure }) => {
      ran.push(["wipe", sure]);
      return "gone";
    },
  });
}

/** Runs `tools` in the SDK's own loop with one turn of calls; the final words, or why the run was rejected. */
async function run({ client }: Sdk, tools: readonly unknown[], calls: readonly ScriptedCall[]): Promise<string | null> {
  await using server = await loopback([calls]);
  const body = { model: "scripted", messages: [{ role: "user", content: "go" }], tools } as never;
  return await client(server.baseURL)
    .chat.completions.runTools(body)
    .finalContent()
    .catch((error: unknown) => `rejected: ${(error as Error).message}`);
}

/** A reader that many parsers of other languages are. */
function firstKeyWins(text: string): unknown {
  return /"sure":(\w+)/.exec(text)?.[1];
}

function chat(name: string, text: string) {
  return { id: "1", type: "function", function: { name, arguments: text } };
}

const calls = [{ tool: "wipe", args: { sure: true } }];

describe.each(sdks)("the ways around a guard, with openai $major", (sdk) => {
  it("a spread of a tool loses the callback that the SDK hides in it; a guarded tool keeps its own", async () => {
    const ran: unknown[] = [];
    expect("$callback" in { ...wipe(sdk, ran) }).toBe(false);
    const [guarded] = guardTools([wipe(sdk, ran)], { agentCtx, authorizer: fakeAuthorizer("DENY") });
    const [descriptor, plain] = [guarded, wipe(sdk, ran)].map((tool) => Object.getOwnPropertyDescriptor(tool, "$callback"));
    expect({ ...descriptor, value: undefined }).toEqual({ ...plain, value: undefined });
    expect(Object.keys(guarded)).toEqual(Object.keys(wipe(sdk, ran)));
    expect(await run(sdk, [wipe(sdk, ran)], calls)).toBe("done");
    expect(ran.splice(0)).toEqual([["wipe", true]]);
    expect(await run(sdk, [guarded], calls)).toBe("done");
    expect(ran).toEqual([]);
  });

  it("a denial that is thrown ends the whole run; the guard's is an answer", async () => {
    const { zodFunction, z } = sdk;
    const thrower = zodFunction({
      name: "wipe",
      parameters: z.object({ sure: z.boolean() }),
      function: () => {
        throw new Error("denied");
      },
    });
    expect(await run(sdk, [thrower], calls)).toBe("rejected: denied");
    expect(await run(sdk, guardTools([thrower], { agentCtx, authorizer: fakeAuthorizer("DENY") }), calls)).toBe("done");
  });

  it("of two tools with one name the SDK runs the last; the guard takes no such pair", async () => {
    const ran: unknown[] = [];
    const last = {
      type: "function" as const,
      function: { name: "wipe", description: "", parameters: {}, function: () => ran.push("last") },
    };
    expect(await run(sdk, [wipe(sdk, ran), last], calls)).toBe("done");
    expect(ran).toEqual(["last"]);
    const options = { agentCtx, authorizer: fakeAuthorizer() };
    expect(() => guardTools([wipe(sdk, ran), last], options)).toThrow("two tools are called `wipe`");
    expect(() => createToolDispatcher([wipe(sdk, ran), last], options)).toThrow("two tools are called `wipe`");
  });

  it("a repeated key means one thing to one reader and another to the next; such a text does not run", async () => {
    const text = '{"sure":false,"sure":true}';
    const ran: unknown[] = [];
    const tool = {
      type: "function" as const,
      function: { name: "wipe", description: "", parameters: {}, function: (given: string) => ran.push(firstKeyWins(given)) },
    };
    expect(await run(sdk, [tool], [{ tool: "wipe", args: text }])).toBe("done");
    // A judge that reads with JSON.parse would have been shown `true`.
    expect(ran.splice(0)).toEqual(["false"]);
    const authorizer = fakeAuthorizer(({ tool: call }) => ((call?.args as { sure: boolean } | undefined)?.sure ? "ALLOW" : "DENY"));
    expect(await run(sdk, guardTools([tool], { agentCtx, authorizer }), [{ tool: "wipe", args: text }])).toBe("done");
    expect(ran).toEqual([]);
  });

  it("arguments that change while their answer is awaited do not change what runs", async () => {
    const ran: unknown[] = [];
    let held: { amount: number } | undefined;
    const authorizer = fakeAuthorizer(async (): Promise<"ALLOW"> => {
      await Promise.resolve();
      if (held !== undefined) held.amount = 999;
      return "ALLOW";
    });
    const tool = {
      type: "function" as const,
      function: {
        name: "pay",
        description: "",
        parameters: {},
        parse: (text: string) => (held = JSON.parse(text) as { amount: number }),
        function: (args: { amount: number }) => ran.push(args),
      },
    };
    await run(sdk, guardTools([tool], { agentCtx, authorizer }), [{ tool: "pay", args: { amount: 1 } }]);
    await createToolDispatcher([tool as never], { agentCtx, authorizer }).dispatch({
      id: "1",
      type: "function",
      function: { name: "pay", arguments: '{"amount":1}' },
    } as never);
    expect([ran, held]).toEqual([[{ amount: 1 }, { amount: 1 }], { amount: 999 }]);
  });

  it("a caller that is not the SDK's loop meets the guard", async () => {
    const ran: unknown[] = [];
    const [guarded] = guardTools([wipe(sdk, ran)], { agentCtx, authorizer: fakeAuthorizer("DENY") });
    const callback = (guarded as unknown as { $callback: (args: unknown) => Promise<unknown> }).$callback;
    expect(await callback({ sure: true })).toContain("denied, the tool did not run");
    expect(ran).toEqual([]);
  });

  it("what a parser or a hook wrote beside the model's text is not what runs", async () => {
    const ran: unknown[] = [];
    const authorizer = fakeAuthorizer();
    const dispatcher = createToolDispatcher([wipe(sdk, ran)], { agentCtx, authorizer });
    const item = {
      type: "function_call",
      call_id: "1",
      name: "wipe",
      arguments: '{"sure":false}',
      parsed_arguments: { sure: true },
    } as const;
    const { items } = await dispatcher.dispatchAll({ status: "completed", output: [item] } as { output: (typeof item)[] });
    expect(ran).toEqual([["wipe", false]]);
    expect(items).toEqual([{ type: "function_call", call_id: "1", name: "wipe", arguments: '{"sure":false}' }]);
  });

  it("two calls with one id are two calls, each with its own answer", async () => {
    const ran: unknown[] = [];
    const authorizer = fakeAuthorizer(({ tool }) => ((tool?.args as { sure: boolean } | undefined)?.sure ? "DENY" : "ALLOW"));
    const tools = [wipe(sdk, ran)] as const;
    const twice = [false, true].map((sure) => ({ id: "same", tool: "wipe", args: { sure } }));
    await run(sdk, guardTools([...tools], { agentCtx, authorizer }), twice);
    expect(ran).toEqual([["wipe", false]]);
    expect(authorizer.requests).toHaveLength(2);
  });
});

describe("calls that are not whole, or not what they seem", () => {
  const ran: unknown[] = [];
  const tools = [
    { type: "function" as const, name: "wipe", execute: (args: { sure?: boolean }) => ran.push(args) },
    { type: "custom" as const, name: "note", execute: (text: string) => ran.push(text) },
  ];
  const call = { type: "function_call", call_id: "1", name: "wipe", arguments: "{}" } as const;
  const within = (namespace: string) => ({ output: [{ ...call, namespace, arguments: '{"sure":true}' }] });

  it.each<readonly [string, object]>([
    ["a delta of chat.completions", { index: 0, id: "1", type: "function", function: { name: "wipe", arguments: "{}" } }],
    ["a delta without a type", { index: 0, function: { arguments: "{}" } }],
    ["an event of a stream", { type: "response.function_call_arguments.done", item_id: "1", arguments: "{}" }],
    ["an item that is still being written", { ...call, status: "in_progress" }],
    ["another kind of item", { ...call, type: "shell_call" }],
    ["arguments that a parser already made an object", { ...call, arguments: {} }],
    ["no id", { ...call, call_id: undefined }],
    ["nothing", null as never],
  ])("are no calls to `dispatch`: %s", async (_, piece) => {
    const authorizer = fakeAuthorizer();
    const dispatcher = createToolDispatcher(tools, { agentCtx, authorizer });
    await expect(dispatcher.dispatch(piece as never)).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
    await expect(dispatcher.resume([{ call: piece }] as never)).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
    expect([ran, authorizer.requests]).toEqual([[], []]);
  });

  it.each<readonly [string, object]>([
    ["a response that goes on", { status: "in_progress", output: [call] }],
    ["a snapshot of a stream", { choices: [{ message: { tool_calls: [] }, finish_reason: null }] }],
    ["a chunk", { choices: [{ delta: { tool_calls: [] }, finish_reason: null }] }],
    ["several choices", { choices: [1, 2].map(() => ({ message: { tool_calls: [] }, finish_reason: "stop" })) }],
    ["neither", {}],
    ["nothing", null as never],
  ])("are no answers to `dispatchAll`: %s", async (_, answer) => {
    const dispatcher = createToolDispatcher(tools, { agentCtx, authorizer: fakeAuthorizer() });
    await expect(dispatcher.dispatchAll(answer as never)).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
    expect(ran).toEqual([]);
  });

  it.each<readonly [string, object, string]>([
    [
      "an answer that hit its limit",
      { choices: [{ message: { tool_calls: [chat("wipe", "{}")] }, finish_reason: "length" }] },
      "cut short",
    ],
    [
      "an answer that a filter cut off",
      { choices: [{ message: { tool_calls: [chat("wipe", "{}")] }, finish_reason: "content_filter" }] },
      "cut short",
    ],
    ["a response that hit its limit", { status: "incomplete", output: [{ ...call, status: "incomplete" }] }, "cut short"],
    [
      "a text of unknown end in one",
      { status: "incomplete", output: [{ type: "custom_tool_call", call_id: "1", name: "note", input: "rm -rf /tmp" }] },
      "cut short",
    ],
    ["a response that failed", { status: "failed", output: [{ ...call, status: "completed" }] }, "cut short"],
    [
      "a function called as a custom tool",
      { output: [{ type: "custom_tool_call", call_id: "1", name: "wipe", input: "{}" }] },
      "another type",
    ],
    ["a custom tool called as a function", { output: [{ ...call, name: "note" }] }, "another type"],
    ["a namesake in a namespace", { output: [{ ...call, namespace: "mail" }] }, "no tool of this name"],
    ["a name that every object inherits", { output: [{ ...call, name: "constructor" }] }, "no tool of this name"],
    ["a name that is empty", { output: [{ ...call, name: "" }] }, "no tool of this name"],
    ["a name that is endless", { output: [{ ...call, name: "x".repeat(100_000) }] }, "no tool of this name"],
    ["a repeated key", { output: [{ ...call, arguments: '{"sure":1,"sure":2}' }] }, "stands twice"],
  ])("do not run, are on record, and have an output: %s", async (_, answer, why) => {
    const authorizer = fakeAuthorizer();
    const dispatcher = createToolDispatcher(tools, { agentCtx, authorizer });
    const { outputs, pending } = await dispatcher.dispatchAll(answer as never);
    expect(JSON.stringify(outputs)).toContain(why);
    expect([outputs.length, pending, ran]).toEqual([1, [], []]);
    expect(authorizer.requests).toMatchObject([{ refused: expect.stringContaining(why) as string }]);
    expect(authorizer.outcomes).toEqual([]);
  });

  it("a parser that works on its definition is called on it, as the SDK calls it", async () => {
    const definition = {
      name: "wipe",
      key: "sure",
      parse(text: string): unknown {
        return { [this.key]: (JSON.parse(text) as unknown[])[0] };
      },
      function: (args: unknown) => ran.push(args),
    };
    const dispatcher = createToolDispatcher([{ type: "function", function: definition }], { agentCtx, authorizer: fakeAuthorizer() });
    await dispatcher.dispatchAll({ output: [{ ...call, arguments: "[true]" }] });
    expect(ran.splice(0)).toEqual([{ sure: true }]);
  });

  it("a deferred tool that a tool search found runs under a namespace of its own name, and no other does", async () => {
    const deferred = [{ ...tools[0], defer_loading: true }, tools[1]] as never as typeof tools;
    const namespace = { type: "namespace", name: "wipe", tools: [] } as never;
    const authorizer = fakeAuthorizer();
    const dispatcher = createToolDispatcher(deferred, { agentCtx, authorizer });
    await dispatcher.dispatchAll(within("wipe"));
    expect(ran.splice(0)).toEqual([{ sure: true }]);
    expect(authorizer.requests).toMatchObject([{ actions: [{ actionType: "wipe", payload: { sure: true } }] }]);
    await dispatcher.dispatchAll(within("mail"));
    await createToolDispatcher(tools, { agentCtx, authorizer }).dispatchAll(within("wipe"));
    const claimed = createToolDispatcher([...deferred, namespace], { agentCtx, authorizer, allowUnguarded: ["namespace"] as never });
    await claimed.dispatchAll(within("wipe"));
    expect(ran).toEqual([]);
    expect(authorizer.requests.slice(1).map(({ refused }) => refused)).toEqual(Array(3).fill("there is no tool of this name"));
  });

  it("a pending call that was edited is judged as what it now says", async () => {
    const authorizer = fakeAuthorizer(({ tool }) =>
      (tool?.args as { sure?: boolean } | undefined)?.sure === true ? "DENY" : "REQUIRE_APPROVAL",
    );
    const dispatcher = createToolDispatcher(tools, { agentCtx, authorizer, onApproval: "pause" });
    const { pending } = await dispatcher.dispatchAll({ output: [call] });
    const edited = pending.map((each) => ({ ...each, call: { ...each.call, arguments: '{"sure":true}' } }));
    const { outputs } = await dispatcher.resume(edited);
    expect(outputs).toMatchObject([{ output: expect.stringContaining("denied") as string }]);
    expect(ran).toEqual([]);
  });

  it("an answer that changes while calls are judged does not change what runs", async () => {
    const output = [{ ...call, arguments: '{"sure":false}' as string }];
    const authorizer = fakeAuthorizer(() => {
      for (const item of output) item.arguments = '{"sure":true}';
      return "ALLOW";
    });
    const { items } = await createToolDispatcher(tools, { agentCtx, authorizer }).dispatchAll({ output });
    expect(ran.splice(0)).toEqual([{ sure: false }]);
    expect(items).toEqual([{ ...call, arguments: '{"sure":false}' }]);
  });

  it("an authorizer that fails or hangs lets nothing run", async () => {
    const broken = fakeAuthorizer("ALLOW", { authorize: () => Promise.reject(new Error("gone")) });
    const silent = fakeAuthorizer(() => new Promise<never>(() => {}));
    for (const authorizer of [broken, silent]) {
      const { outputs } = await createToolDispatcher(tools, { agentCtx, authorizer, timeoutMs: 20 }).dispatchAll({ output: [call] });
      expect(outputs).toMatchObject([{ output: expect.stringContaining("denied, the tool did not run") as string }]);
    }
    expect(ran).toEqual([]);
  });

  it("a call that is aborted while its answer is awaited does not run, and the others keep their outputs", async () => {
    const controller = new AbortController();
    const authorizer = fakeAuthorizer(() => {
      controller.abort();
      return "ALLOW";
    });
    const dispatcher = createToolDispatcher(tools, { agentCtx, authorizer });
    const { outputs } = await dispatcher.dispatchAll({ output: [call] }, { signal: controller.signal });
    expect(outputs).toEqual([{ type: "function_call_output", call_id: "1", output: "aborted, the tool did not run" }]);
    expect(ran).toEqual([]);
  });
});
