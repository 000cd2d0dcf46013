import { createToolDispatcher } from "@canopy-runtime/openai";
import type OpenAI from "openai";
import { zodResponsesFunction } from "openai/helpers/zod";
import { z } from "zod";

const pay = zodResponsesFunction({
  name: "pay",
  parameters: z.object({ amount: z.number() }),
  function: async ({ amount }) => `paid ${amount}`,
});

const { dispatchAll } = createToolDispatcher([pay], { agentCtx: { agent_id: "cashier" } });

export async function settle(client: OpenAI, input: OpenAI.Responses.ResponseInputItem[]): Promise<string> {
  for (;;) {
    const response = await client.responses.create({ model: "gpt-5-mini", input, tools: [pay] });
    const { items, outputs } = await dispatchAll(response);
    if (outputs.length === 0) return response.output_text;
    input.push(...items, ...outputs);
  }
}
