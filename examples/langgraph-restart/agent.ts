// One run of the agent: `start` begins, `resume` goes on where an earlier process stopped. The graph is in one file, Canopy's log and approvals in others.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openCanopy } from "@canopy-runtime/core";
import { guardTools } from "@canopy-runtime/langchain";
import type { ApprovalInterrupt } from "@canopy-runtime/langchain";
import { AIMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { Command, INTERRUPT, isInterrupted } from "@langchain/langgraph";
import { createAgent, initChatModel, tool } from "langchain";
import { z } from "zod";
import { FileSaver } from "./file-saver.ts";

const [folder = ".", step = "start"] = process.argv.slice(2);
const live = process.argv.includes("--live");
const canopy = await openCanopy({ policy: fileURLToPath(new URL("policy.yaml", import.meta.url)), audit: join(folder, "audit.log") });

const refund = tool(
  async ({ order, amount }) => {
    appendFileSync(join(folder, "refunds.txt"), `${order} ${amount}\n`);
    return `refunded ${amount} for ${order}`;
  },
  { name: "refund", description: "Pays money back for an order", schema: z.object({ order: z.string(), amount: z.number() }) },
);
const tools = guardTools([refund], { authorizer: canopy, agentCtx: { agent_id: "support", env: "production" } });

// A scripted model knows where it is by what it has read; a real one goes by the messages, too.
const asks = fakeModel().respondWithTools([{ name: "refund", args: { order: "A-17", amount: 40 }, id: "call-1" }]);
const scripted = step === "start" ? asks : fakeModel().respond(new AIMessage("The money is on its way."));
const model = live ? await initChatModel(`openai:${process.env["OPENAI_MODEL"] ?? "gpt-5-mini"}`) : scripted;
const agent = createAgent({ model, tools, checkpointer: new FileSaver(join(folder, "graph.json")) });
const config = { configurable: { thread_id: "ticket-1" } };
const question = "Order A-17 never arrived. Please refund the 40 that were paid.";
const input = step === "start" ? { messages: [{ role: "user" as const, content: question }] } : new Command({ resume: { approved: true } });
const state: { readonly messages: readonly BaseMessage[] } = await agent.invoke(input as never, config);
await canopy.close();

const waiting = isInterrupted<ApprovalInterrupt>(state) ? state[INTERRUPT][0]?.value : undefined;
console.log(waiting === undefined ? `done ${String(state.messages.at(-1)?.text)}` : `waiting ${waiting.approvalId}`);
