import { guardTools } from "@canopy-runtime/openai";
import type OpenAI from "openai";
import { zodFunction } from "openai/helpers/zod";
import { z } from "zod";

const bash = zodFunction({
  name: "bash",
  description: "Runs a command",
  parameters: z.object({ cmd: z.string(), why: z.string() }),
  function: async ({ cmd }) => `ran ${cmd}`,
});

const tools = guardTools([bash], {
  agentCtx: { agent_id: "janitor", env: "production" },
  actions: { bash: { action_type: "execute_shell", payload: { command: "args.cmd" }, ignore: ["args.why"] } },
});

export async function tidyUp(client: OpenAI): Promise<string | null> {
  const messages = [{ role: "user" as const, content: "Free some disk space" }];
  return await client.chat.completions.runTools({ model: "gpt-5-mini", messages, tools }).finalContent();
}
