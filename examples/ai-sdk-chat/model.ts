import { MockLanguageModelV4 } from "ai/test";

/** A model that transfers what it is told to, and says what came of it. */
export function scriptedModel(): MockLanguageModelV4 {
  return new MockLanguageModelV4({
    doGenerate: async ({ prompt }) => {
      const last = prompt.at(-1);
      const words = last?.role === "user" ? last.content.map((part) => (part.type === "text" ? part.text : "")).join("") : "";
      const [, amount] = /transfer (\d+)/i.exec(words) ?? [];
      const usage = {
        inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 1, text: 1, reasoning: 0 },
      };
      if (amount === undefined) {
        const content = [
          { type: "text" as const, text: JSON.stringify(last?.content).includes("sent") ? "It is done." : "It was not done." },
        ];
        return { content, finishReason: { unified: "stop", raw: undefined }, usage, warnings: [] };
      }
      const input = JSON.stringify({ to: "Ada", amount: Number(amount) });
      const content = [{ type: "tool-call" as const, toolCallId: `call-${prompt.length}`, toolName: "transfer", input }];
      return { content, finishReason: { unified: "tool-calls", raw: undefined }, usage, warnings: [] };
    },
  });
}
