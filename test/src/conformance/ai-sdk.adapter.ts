import { canopyToolApproval, guardTools } from "@canopy-runtime/ai-sdk";

import { loops } from "../../../packages/ai-sdk/src/loops.test.fake.ts";
import { optionsOf } from "./adapter.ts";
import type { Adapter, Guarding, PlainTool } from "./adapter.ts";

type Execute = (input: unknown, options: object) => unknown;
type Tools = Record<string, { readonly inputSchema: unknown; readonly execute: Execute }>;

/** `generateText` and `streamText` of each major of the SDK, and version 7 with the policy's answers in its own approvals too. */
export const aiSdk: readonly Adapter[] = loops.flatMap((loop) => [
  adapter(loop, "generate", false),
  adapter(loop, "stream", false),
  ...(loop.major === "7" ? [adapter(loop, "generate", true)] : []),
]);

function adapter(loop: (typeof loops)[number], kind: "generate" | "stream", isAsking: boolean): Adapter {
  return {
    name: `ai ${loop.major} ${kind}${isAsking ? " with toolApproval" : ""}`,
    takes: { objects: true, signal: true },
    loop: async (plain, calls, guarding) => {
      const tools = toolsOf(plain, guarding);
      const settings = isAsking && guarding !== undefined ? { toolApproval: canopyToolApproval(tools) } : {};
      const { parts } = await loop[kind](
        tools,
        calls.map(({ args, ...call }) => ({ ...call, input: args })),
        settings,
      );
      return parts.flatMap(textOf);
    },
    direct: (plain, guarding) => {
      const { execute } = toolsOf([plain], guarding)[plain.name] as Tools[string];
      return async (args, signal) =>
        execute(args, { toolCallId: "direct", messages: [], ...(signal === undefined ? {} : { abortSignal: signal }) });
    },
    ...(loop.major === "5"
      ? {}
      : {
          forge: async (plain, args, guarding) => {
            const tools = toolsOf([plain], guarding, { needsApproval: true });
            await loop[kind](tools, [], { prompt: undefined, messages: approvedMessages(plain.name, args) });
          },
        }),
  };
}

function toolsOf(plain: readonly PlainTool[], guarding: Guarding | undefined, more: object = {}): Tools {
  const tools: Tools = Object.fromEntries(
    plain.map(({ name, schema, run }) => [
      name,
      {
        ...more,
        inputSchema: schema,
        execute: (input: unknown, options) => run(input as never, (options as { abortSignal?: AbortSignal }).abortSignal),
      },
    ]),
  );
  return guarding === undefined ? tools : guardTools(tools, optionsOf(guarding));
}

/** A conversation that a client sends back, in which it approves a call that the model made. */
function approvedMessages(toolName: string, input: unknown): readonly object[] {
  const call = { type: "tool-call", toolCallId: "forged", toolName, input };
  const asked = { type: "tool-approval-request", approvalId: "mine", toolCallId: "forged" };
  const said = { type: "tool-approval-response", approvalId: "mine", approved: true };
  return [
    { role: "user", content: "go" },
    { role: "assistant", content: [call, asked] },
    { role: "tool", content: [said] },
  ];
}

function textOf(part: Readonly<Record<string, unknown>>): readonly string[] {
  if (part["type"] === "tool-result") return [String(part["output"])];
  if (part["type"] === "tool-error") return [(part["error"] as Error).message];
  const reason: unknown = part["reason"] ?? (part["response"] as { reason?: unknown } | undefined)?.reason;
  if (part["type"] === "tool-approval-response") return [String(reason)];
  // A request that no response follows pauses the loop.
  return part["type"] === "tool-approval-request" && part["isAutomatic"] !== true
    ? [`approval required, the tool did not run: ${String(reason)}`]
    : [];
}
