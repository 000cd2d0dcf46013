import { guardTools } from "@canopy-runtime/ai-sdk";
import { generateText, stepCountIs, tool } from "ai";
import type { LanguageModel } from "ai";
import { z } from "zod";

const bash = tool({
  description: "Runs a command",
  inputSchema: z.object({ cmd: z.string(), why: z.string() }),
  execute: async ({ cmd }) => `ran ${cmd}`,
});

const tools = guardTools(
  { bash },
  {
    agentCtx: { agent_id: "janitor", env: "production" },
    actions: { bash: { action_type: "execute_shell", payload: { command: "args.cmd" }, ignore: ["args.why"] } },
  },
);

export async function tidyUp(model: LanguageModel): Promise<string> {
  const { text } = await generateText({ model, tools, prompt: "Free some disk space", stopWhen: stepCountIs(5) });
  return text;
}
