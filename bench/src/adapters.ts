// What a guard adds to a tool call in each framework: the same tool, called the way its framework calls it, unguarded and guarded, with the log in
// memory and with the durable one. Each round makes a block of calls of each of them, in turn, so that only what is in one row compares.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { guardTools as guardAiSdk } from "@canopy-runtime/ai-sdk";
import { createMemoryAuditSink, guardTool, openCanopy } from "@canopy-runtime/core";
import type { Canopy } from "@canopy-runtime/core";
import { guardTools as guardLangChain } from "@canopy-runtime/langchain";
import { guardTools as guardOpenAI } from "@canopy-runtime/openai";
import { tool as langChainTool } from "@langchain/core/tools";
import { tool as aiSdkTool } from "ai";
import { zodFunction } from "openai/helpers/zod";
import { z } from "zod";

import { writeResults } from "./results.ts";

const policy = {
  name: "bench.yaml",
  text: "version: 1\nrules:\n  - { id: small, action_type: pay, when_all: ['payload.amount < 100'], allow: true }\n",
};
const agentCtx = { agent_id: "bench", env: "production" };
const schema = z.object({ amount: z.number() });
const run = async ({ amount }: { amount: number }): Promise<string> => await Promise.resolve(`paid ${amount}`);

type Caller = (amount: number) => Promise<unknown>;

/** The tool as each framework has it, called as its loop does; guarded where there is an authorizer. */
const frameworks: Readonly<Record<string, (authorizer: Canopy | undefined) => Caller>> = {
  "a function": (authorizer) => {
    const pay = authorizer === undefined ? run : guardTool(run, { name: "pay", agentCtx, authorizer });
    return async (amount) => await pay({ amount });
  },
  "Vercel AI SDK 7": (authorizer) => {
    const tools = { pay: aiSdkTool({ inputSchema: schema, execute: run }) };
    const { pay } = authorizer === undefined ? tools : guardAiSdk(tools, { agentCtx, authorizer });
    return async (amount) => await pay.execute({ amount }, { toolCallId: "1", messages: [], context: {} });
  },
  "LangChain 1": (authorizer) => {
    const tools = [langChainTool(run, { name: "pay", schema })] as const;
    const [pay] = authorizer === undefined ? tools : guardLangChain(tools, { agentCtx, authorizer });
    return async (amount) => await pay.invoke({ id: "1", type: "tool_call", name: "pay", args: { amount } });
  },
  "OpenAI SDK 7": (authorizer) => {
    const tools = [zodFunction({ name: "pay", parameters: schema, function: run })];
    const [pay] = authorizer === undefined ? tools : guardOpenAI(tools, { agentCtx, authorizer });
    // The SDK's own loop parses the model's text, then calls back.
    return async (amount) => await pay?.$callback?.(pay.$parseRaw(JSON.stringify({ amount })));
  },
};

const folder = mkdtempSync(join(tmpdir(), "canopy-bench-"));
const inMemory = await openCanopy({ policy, audit: createMemoryAuditSink() });
const durable = await openCanopy({ policy, audit: join(folder, "audit.log") });

/** Microseconds a call, for each of `rounds` blocks of `calls` calls with `inFlight` of them at once. */
async function measure(
  callers: Readonly<Record<string, Caller>>,
  rounds: number,
  calls: number,
  inFlight: number,
): Promise<Record<string, number>> {
  const samples = new Map<string, number[]>();
  for (let round = 0; round < rounds + 3; round += 1) {
    for (const [name, call] of Object.entries(callers)) {
      const start = performance.now();
      for (let done = 0; done < calls; done += inFlight) await Promise.all(Array.from({ length: inFlight }, () => call(5)));
      const micros = ((performance.now() - start) * 1000) / calls;
      // The first rounds warm the engine up.
      if (round >= 3) samples.set(name, [...(samples.get(name) ?? []), micros]);
    }
  }
  return Object.fromEntries([...samples].map(([name, values]) => [name, median(values)]));
}

function median(values: readonly number[]): number {
  return Math.round((values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0) * 10) / 10;
}

const results: Record<string, Readonly<Record<string, number>>> = {};
for (const [framework, make] of Object.entries(frameworks)) {
  const memory = await measure({ unguarded: make(undefined), guarded: make(inMemory) }, 30, 500, 1);
  const alone = await measure({ guarded: make(durable) }, 5, 50, 1);
  const together = await measure({ guarded: make(durable) }, 8, 1_024, 64);
  const { unguarded = 0, guarded = 0 } = memory;
  results[framework] = {
    unguarded,
    "added, log in memory": Math.round((guarded - unguarded) * 10) / 10,
    "added, durable, one at a time": Math.round((alone["guarded"] ?? 0) - unguarded),
    "added, durable, 64 at once": Math.round((together["guarded"] ?? 0) - unguarded),
  };
}
console.log("Microseconds a call (medians of blocks). A guarded call is two entries of the log: the decision, and the outcome.");
console.table(results);
await inMemory.close();
await durable.close();
rmSync(folder, { recursive: true, force: true });
writeResults("adapters", results);
