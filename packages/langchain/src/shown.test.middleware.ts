import { canopyMiddleware } from "@canopy-runtime/langchain/middleware";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { createAgent, tool } from "langchain";
import { z } from "zod";

const bash = tool(async ({ command }) => `ran ${command}`, {
  name: "execute_shell",
  description: "Runs a command",
  schema: z.object({ command: z.string() }),
});

const canopy = canopyMiddleware({ agentCtx: { agent_id: "janitor", env: "production" } });

export async function tidyUp(model: BaseChatModel): Promise<string> {
  const agent = createAgent({ model, tools: [bash], middleware: [canopy] });
  const { messages } = await agent.invoke({ messages: [{ role: "user", content: "Free some disk space" }] });
  return messages.map(({ text }) => text).join("\n");
}
