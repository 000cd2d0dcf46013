import { guardTools } from "@canopy-runtime/langchain";
import { canopyMiddleware } from "@canopy-runtime/langchain/middleware";
import { tool } from "@langchain/core/tools";
import { Command, MemorySaver } from "@langchain/langgraph";

import { scriptedAgent, toolNodeGraph } from "../../../packages/langchain/src/agents.test.fake.ts";
import type { Told } from "../../../packages/langchain/src/agents.test.fake.ts";
import { optionsOf } from "./adapter.ts";
import type { Adapter, Guarding, ModelCall, PlainTool } from "./adapter.ts";

const config = { configurable: { thread_id: "t" } };

/** Agents of `createAgent` with guarded tools, with the middleware, and with a checkpointer that lets them pause; and a prebuilt `ToolNode`. */
export const langchain: readonly Adapter[] = [
  adapter("createAgent", async (plain, calls, guarding) => await scriptedAgent(toolsOf(plain, guarding), calls).start(config)),
  {
    ...adapter("createAgent with the middleware", async (plain, calls, guarding) => {
      const middleware = guarding === undefined ? [] : [canopyMiddleware(optionsOf(guarding))];
      return await scriptedAgent(toolsOf(plain), calls, { middleware }).start(config);
    }),
    dies: true,
  },
  adapter(
    "createAgent with a checkpointer",
    async (plain, calls, guarding) =>
      await scriptedAgent(toolsOf(plain, guarding), calls, { checkpointer: new MemorySaver() }).start(config),
  ),
  adapter("ToolNode", async (plain, calls, guarding) => await toolNodeGraph(toolsOf(plain, guarding)).start(calls, config)),
];

type Start = (
  plain: readonly PlainTool[],
  calls: readonly (ModelCall & { readonly name: string })[],
  guarding: Guarding | undefined,
) => Promise<Told>;

function adapter(name: string, start: Start): Adapter {
  return {
    name: `langchain ${name}`,
    takes: { objects: true, signal: true },
    loop: async (plain, calls, guarding) => {
      const named = calls.map((call) => ({ ...call, name: call.tool }));
      const { results, interrupts } = await start(plain, named, guarding);
      return [...results.map(({ text }) => text), ...interrupts.map(waiting)];
    },
    direct: (plain, guarding) => {
      const [guarded] = toolsOf([plain], guarding) as [{ invoke: (args: unknown, options: object) => Promise<unknown> }];
      return async (args, signal) => guarded.invoke(args, signal === undefined ? {} : { signal });
    },
    forge: async (plain, args, guarding) => {
      const agent = scriptedAgent(toolsOf([plain], guarding), [{ name: plain.name, args }], { checkpointer: new MemorySaver() });
      await agent.start(config);
      await agent.resume(new Command({ resume: { approved: true, decisions: [{ type: "approve" }] } }), config);
    },
  };
}

function toolsOf(plain: readonly PlainTool[], guarding?: Guarding): readonly object[] {
  const tools = plain.map(({ name, schema, run }) =>
    tool(async (args, runtime) => run(args as never, (runtime as { signal?: AbortSignal }).signal), { name, schema }),
  );
  return guarding === undefined ? tools : guardTools(tools, optionsOf(guarding));
}

function waiting({ value }: Told["interrupts"][number]): string {
  return `approval required, the tool did not run: ${JSON.stringify(value)}`;
}
