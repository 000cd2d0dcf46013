import type { Dispatched, ToolDispatcher } from "./dispatcher.ts";
import { sdks } from "./sdks.test.fake.ts";
import type { Sdk } from "./sdks.test.fake.ts";
import { loopback } from "./server.test.fake.ts";
import type { Turn } from "./server.test.fake.ts";

type Json = Record<string, unknown>;

/** What a hand-written loop does with one answer of the model. */
type Step = (answer: never) => Promise<{ readonly items: unknown[]; readonly outputs: unknown[]; readonly pending?: unknown[] }>;

/** How a loop ended. */
interface LoopResult {
  /** The final words; undefined where calls are pending. */
  readonly text: string | undefined;
  /** What the model was sent, turn by turn. */
  readonly requests: readonly Json[];
  /** The conversation at the end, to be gone on with. */
  readonly conversation: unknown[];
  readonly pending: unknown[];
}

/** A loop as a host writes it, over one API of one major of the SDK. */
export interface HandLoop {
  readonly sdk: Sdk;
  readonly title: string;
  readonly api: "chat" | "responses";
  readonly run: (tools: unknown, script: readonly Turn[], step: Step, conversation?: readonly unknown[]) => Promise<LoopResult>;
}

export const handLoops: readonly HandLoop[] = sdks.flatMap((sdk) =>
  (["chat", "responses"] as const).flatMap((api) =>
    [false, true].map((stream) => ({
      sdk,
      api,
      title: `${api} of openai ${sdk.major}, ${stream ? "streamed" : "plain"}`,
      run: async (tools, script, step, before = [{ role: "user", content: "go" }]) => {
        await using server = await loopback(script);
        const ask = asker(sdk.client(server.baseURL), api, stream, tools);
        const conversation = [...before];
        for (let turn = 0; turn < 5; turn += 1) {
          const answer = await ask(conversation);
          const { items, outputs, pending = [] } = await step(answer as never);
          conversation.push(...items, ...outputs);
          if (pending.length > 0 || outputs.length === 0) {
            const text = pending.length > 0 ? undefined : wordsOf(answer);
            return { text, requests: server.requests, conversation, pending };
          }
        }
        throw new Error("the loop does not end");
      },
    })),
  ),
);

type Client = ReturnType<Sdk["client"]>;

function asker(client: Client, api: HandLoop["api"], stream: boolean, tools: unknown): (conversation: unknown[]) => Promise<Json> {
  return async (conversation) => {
    const more = api === "chat" ? { messages: [...conversation] } : { input: [...conversation] };
    const body = { model: "scripted", tools, ...more } as never;
    const { chat, responses } = client;
    if (api === "chat") {
      return (stream ? await chat.completions.stream(body).finalChatCompletion() : await chat.completions.create(body)) as never;
    }
    return (stream ? await responses.stream(body).finalResponse() : await responses.parse(body)) as never;
  };
}

function wordsOf(answer: Json): string {
  const [choice] = (answer["choices"] ?? []) as { message: { content: string } }[];
  if (choice !== undefined) return choice.message.content;
  const [message] = answer["output"] as { content: { text: string }[] }[];
  return message?.content[0]?.text ?? "";
}

/** A step that a dispatcher does. */
export function dispatching({ dispatchAll }: ToolDispatcher | ToolDispatcher<"pause">, extras?: object): Step {
  return async (answer) => (await dispatchAll(answer, extras)) as Dispatched<never, never>;
}
