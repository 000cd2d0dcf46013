import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { END, MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";

/** A tool call that the scripted model makes. */
export interface ScriptedCall {
  readonly id?: string;
  readonly name: string;
  readonly args: Record<string, unknown>;
}

/** What a run of an agent came to. */
export interface Told {
  readonly messages: readonly BaseMessage[];
  /** The results that the model read, in their order. */
  readonly results: readonly ToolMessage[];
  /** What the graph waits for. */
  readonly interrupts: readonly { readonly value: unknown }[];
}

/** `createAgent` with a model that makes the given calls in its first turn and says "done" in every other. */
export function scriptedAgent(tools: readonly unknown[], calls: readonly ScriptedCall[], more: object = {}): ScriptedAgent {
  const model = fakeModel().respondWithTools(calls.map((call, index) => ({ id: `call-${index + 1}`, ...call })));
  for (let turn = 0; turn < 5; turn += 1) model.respond(new AIMessage("done"));
  const agent = createAgent({ model, tools: tools as [], ...more } as never) as unknown as Runs;
  return {
    start: async (config: object = {}): Promise<Told> => toldBy(await agent.invoke({ messages: [new HumanMessage("go")] }, config)),
    resume: async (command: object, config: object): Promise<Told> => toldBy(await agent.invoke(command, config)),
    agent,
  };
}

interface ScriptedAgent {
  readonly agent: Runs;
  readonly start: (config?: object) => Promise<Told>;
  readonly resume: (command: object, config: object) => Promise<Told>;
}

interface ToolNodeGraph {
  readonly start: (calls: readonly ScriptedCall[], config: object) => Promise<Told>;
  readonly resume: (command: object, config: object) => Promise<Told>;
}

interface Runs {
  readonly invoke: (input: object, config?: object) => Promise<unknown>;
  readonly stream: (input: object, config?: object) => Promise<AsyncIterable<unknown>>;
}

/** A graph of one prebuilt `ToolNode`, which runs all calls of an answer in one task. */
export function toolNodeGraph(tools: readonly object[]): ToolNodeGraph {
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("tools", new ToolNode(tools as never))
    .addEdge(START, "tools")
    .addEdge("tools", END)
    .compile({ checkpointer: new MemorySaver() }) as unknown as Runs;
  return {
    start: async (calls: readonly ScriptedCall[], config: object): Promise<Told> => {
      const toolCalls = calls.map((call, index) => ({ id: `call-${index + 1}`, type: "tool_call" as const, ...call }));
      return toldBy(await graph.invoke({ messages: [new AIMessage({ content: "", tool_calls: toolCalls })] }, config));
    },
    resume: async (command: object, config: object): Promise<Told> => toldBy(await graph.invoke(command, config)),
  };
}

function toldBy(state: unknown): Told {
  const { messages, __interrupt__: interrupts } = state as { messages: BaseMessage[]; __interrupt__?: Told["interrupts"] };
  return { messages, results: messages.filter((message) => ToolMessage.isInstance(message)), interrupts: interrupts ?? [] };
}
