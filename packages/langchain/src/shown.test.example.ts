import { guardTools } from "@canopy-runtime/langchain";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { createAgent, tool } from "langchain";
import { z } from "zod";

const bash = tool(async ({ cmd }) => `ran ${cmd}`, {
  name: "bash",
  description: "Runs a command",
  schema: z.object({ cmd: z.string(), why: z.string() }),
});

const tools = guardTools([bash], {
  agentCtx: { agent_id: "janitor", env: "production" },
  actions: { bash: { action_type: "execute_shell", payload: { command: "args.cmd" }, ignore: ["args.why"] } },
});

export async function tidyUp(model: BaseChatModel): Promise<string> {
  const agent = createAgent({ model, tools });
  const { messages } = await agent.invoke({ messages: [{ role: "user", content: "Free some disk space" }] });
  return messages.map(({ text }) => text).join("\n");
}
