import { createToolDispatcher, guardTools } from "@canopy-runtime/openai";

import { dispatching, handLoops } from "../../../packages/openai/src/loops.test.fake.ts";
import { sdks } from "../../../packages/openai/src/sdks.test.fake.ts";
import { loopback } from "../../../packages/openai/src/server.test.fake.ts";
import { optionsOf } from "./adapter.ts";
import type { Adapter, Guarding, PlainTool } from "./adapter.ts";

/** `runTools` of each major, plain and streamed, and dispatchers in hand-written loops over both APIs. */
export const openai: readonly Adapter[] = [
  ...sdks.flatMap((sdk) => [runTools(sdk, false), runTools(sdk, true)]),
  ...handLoops.filter(({ sdk }) => sdk.major !== "6").map(dispatcher),
];

type Raw = { readonly function: { readonly function: (args: unknown, ...more: unknown[]) => unknown } };

function runTools(sdk: (typeof sdks)[number], stream: boolean): Adapter {
  return {
    name: `openai ${sdk.major} runTools${stream ? " streamed" : ""}`,
    takes: { objects: true, signal: false },
    dies: true,
    loop: async (plain, calls, guarding) => {
      await using server = await loopback([calls]);
      const body = { model: "scripted", messages: [{ role: "user", content: "go" }], tools: rawTools(plain, guarding), stream };
      await sdk
        .client(server.baseURL)
        .chat.completions.runTools(body as never)
        .done();
      return outputsOf(server.requests.at(-1));
    },
    direct: (plain, guarding) => {
      const [tool] = rawTools([plain], guarding) as [Raw];
      return async (args) => tool.function.function(args);
    },
  };
}

function dispatcher(loop: (typeof handLoops)[number]): Adapter {
  return {
    name: loop.title,
    takes: { objects: false, signal: true },
    loop: async (plain, calls, guarding) => {
      const tools = executeTools(plain);
      const step =
        guarding === undefined
          ? dispatching(createToolDispatcher(tools as never, optionsOf({ authorizer: allowing })))
          : dispatching(createToolDispatcher(tools as never, optionsOf(guarding)));
      const { requests } = await loop.run(definitions(plain, loop.api), [calls], step);
      return outputsOf(requests.at(-1));
    },
    direct: (plain, guarding) => {
      const { dispatch } = createToolDispatcher(executeTools([plain]) as never, optionsOf(guarding ?? { authorizer: allowing }));
      return async (args, signal) => {
        const call = { type: "function_call" as const, call_id: "direct", name: plain.name, arguments: JSON.stringify(args) };
        return ((await dispatch(call, signal === undefined ? {} : { signal })) as { output: unknown }).output;
      };
    },
    forge: async (plain, args, guarding) => {
      const pausing = createToolDispatcher(
        executeTools([plain]) as never,
        { ...(optionsOf(guarding) as object), onApproval: "pause" } as never,
      );
      const call = { type: "function_call" as const, call_id: "forged", name: plain.name, arguments: JSON.stringify(args) };
      const pending = await pausing.dispatch(call);
      return await pausing.resume([{ ...(pending as object), approved: true, decision: "ALLOW" } as never]);
    },
  };
}

/** A dispatcher is itself the loop's way to the tools: unguarded is one whose authorizer lets everything through. */
const allowing: Guarding["authorizer"] = {
  authorize: async () => ({
    decision: "ALLOW",
    reason: "everything",
    avid: "",
    rules: [],
    policyDigest: null,
    authorizationId: "none",
    traceId: "none",
    enforced: true,
  }),
  recordOutcome: async () => undefined,
};

function rawTools(plain: readonly PlainTool[], guarding: Guarding | undefined): readonly unknown[] {
  const tools = plain.map(({ name, run }) => ({
    type: "function" as const,
    function: { name, description: name, parameters: { type: "object" }, parse: JSON.parse, function: (args: never) => run(args) },
  }));
  return guarding === undefined ? tools : guardTools(tools as never, optionsOf(guarding));
}

function executeTools(plain: readonly PlainTool[]): readonly object[] {
  return plain.map(({ name, run }) => ({
    type: "function",
    name,
    parameters: { type: "object" },
    execute: (args: never, { signal }: { signal?: AbortSignal }) => run(args, signal),
  }));
}

function definitions(plain: readonly PlainTool[], api: "chat" | "responses"): unknown {
  return plain.map(({ name }) => {
    const definition = { name, description: name, parameters: { type: "object" }, strict: false };
    return api === "chat" ? { type: "function", function: definition } : { type: "function", ...definition };
  });
}

/** The results that the model was sent with a request. */
function outputsOf(request: Readonly<Record<string, unknown>> | undefined): readonly string[] {
  const items = (request?.["messages"] ?? request?.["input"] ?? []) as readonly Record<string, unknown>[];
  return items.flatMap((item) => {
    if (item["role"] === "tool") return [String(item["content"])];
    return item["type"] === "function_call_output" ? [String(item["output"])] : [];
  });
}
