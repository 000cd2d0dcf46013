import * as ai7 from "ai";
import * as ai5 from "ai-5";
import { MockLanguageModelV2 } from "ai-5/test";
import * as ai6 from "ai-6";
import { MockLanguageModelV3 } from "ai-6/test";
import { MockLanguageModelV4 } from "ai/test";

/** A tool call that the scripted model makes. */
interface ScriptedCall {
  readonly id?: string;
  readonly tool: string;
  readonly input: unknown;
}

/** What a loop did. */
interface LoopResult {
  /** The final text; the script always ends with "done". */
  readonly text: string;
  /** The SDK's parts about tools, of all steps. */
  readonly parts: readonly Readonly<Record<string, unknown>>[];
  /** What the model was shown last about the tools' results, as JSON. */
  readonly seen: string;
}

/** The real loop of one major of the SDK, with a model that makes the given calls in its first turn and says "done" in its second. */
export interface Loop {
  readonly major: string;
  readonly generate: (tools: object, calls: readonly ScriptedCall[], settings?: object) => Promise<LoopResult>;
  readonly stream: (tools: object, calls: readonly ScriptedCall[], settings?: object) => Promise<LoopResult>;
}

interface Sdk {
  readonly generateText: (settings: never) => PromiseLike<object>;
  readonly streamText: (settings: never) => object;
  readonly stepCountIs: (count: number) => unknown;
  readonly simulateReadableStream: (options: { chunks: unknown[] }) => unknown;
}

type Mock = new (settings: never) => {
  readonly doGenerateCalls: readonly { prompt: unknown }[];
  readonly doStreamCalls: readonly { prompt: unknown }[];
};

export const loops: readonly Loop[] = [
  loop("5", ai5, MockLanguageModelV2, (kind) => kind, { inputTokens: 1, outputTokens: 1, totalTokens: 2 }),
  loop("6", ai6, MockLanguageModelV3, (kind) => ({ unified: kind, raw: undefined }), nestedUsage()),
  loop("7", ai7, MockLanguageModelV4, (kind) => ({ unified: kind, raw: undefined }), nestedUsage()),
];

function loop(major: string, sdk: object, Model: unknown, finish: (kind: string) => unknown, usage: object): Loop {
  const { generateText, streamText, stepCountIs, simulateReadableStream } = sdk as Sdk;

  function turns(calls: readonly ScriptedCall[]): readonly { content: object[]; finishReason: unknown }[] {
    const content = calls.map(({ id, tool, input }, index) => ({
      type: "tool-call",
      toolCallId: id ?? `call-${index + 1}`,
      toolName: tool,
      input: JSON.stringify(input),
    }));
    return [
      { content, finishReason: finish("tool-calls") },
      { content: [{ type: "text", text: "done" }], finishReason: finish("stop") },
    ];
  }

  function settingsOf(model: unknown, tools: object, settings: object): never {
    return { model, tools, prompt: "go", stopWhen: stepCountIs(5), maxRetries: 0, ...settings } as never;
  }

  return {
    major,
    async generate(tools, calls, settings = {}) {
      const script = turns(calls);
      let turn = 0;
      const model = new (Model as Mock)({ doGenerate: async () => ({ ...script[Math.min(turn++, 1)], usage, warnings: [] }) } as never);
      const result = (await generateText(settingsOf(model, tools, settings))) as {
        text: string;
        steps: { content: Record<string, unknown>[] }[];
      };
      const parts = result.steps.flatMap((step) => step.content).filter((part) => String(part["type"]).startsWith("tool-"));
      return { text: result.text, parts, seen: lastPrompt(model.doGenerateCalls) };
    },
    async stream(tools, calls, settings = {}) {
      const script = turns(calls);
      let turn = 0;
      const doStream = async (): Promise<object> => {
        const step = script[Math.min(turn++, 1)];
        const text = [
          { type: "text-start", id: "t" },
          { type: "text-delta", id: "t", delta: "done" },
          { type: "text-end", id: "t" },
        ];
        const body = (step?.content ?? []).flatMap((part) => ("text" in part ? text : [part]));
        const chunks = [{ type: "stream-start", warnings: [] }, ...body, { type: "finish", finishReason: step?.finishReason, usage }];
        return { stream: simulateReadableStream({ chunks }) };
      };
      const model = new (Model as Mock)({ doStream } as never);
      const result = streamText(settingsOf(model, tools, settings)) as {
        fullStream: AsyncIterable<Record<string, unknown>>;
        text: Promise<string>;
      };
      const parts: Record<string, unknown>[] = [];
      for await (const part of result.fullStream) if (/^tool-(call|result|error)$/.test(String(part["type"]))) parts.push(part);
      return { text: await result.text, parts, seen: lastPrompt(model.doStreamCalls) };
    },
  };
}

function lastPrompt(calls: readonly { prompt: unknown }[]): string {
  return JSON.stringify((calls.at(-1)?.prompt as unknown[] | undefined)?.at(-1));
}

function nestedUsage(): object {
  return {
    inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 1, text: 1, reasoning: 0 },
  };
}
