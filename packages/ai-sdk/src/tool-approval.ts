import { askAhead, guardOf, oneLine, refusalError } from "@canopy-runtime/core/pep";
import type { FlexibleSchema } from "ai";

import { hostOptions } from "./sdk-tool.ts";
import type { SdkTool, SdkTools } from "./sdk-tool.ts";

/** What version 7 of the SDK tells an approval hook about a call. */
interface ApprovalQuestion {
  readonly toolCall: { readonly toolName: string; readonly toolCallId: string; readonly input: unknown };
  readonly messages: readonly unknown[];
  readonly toolsContext: unknown;
}

type ApprovalStatus = "not-applicable" | { readonly type: "denied" | "user-approval"; readonly reason?: string };

/**
 * For `toolApproval` of version 7: shows policy's answer in the SDK's own approvals, so that a call which needs a person pauses the loop instead of
 * failing in it. It enforces nothing, the guard in `execute` does: an approval counts once it is on Canopy's record, whatever a client says.
 *
 * `tools` are the guarded tools. A tool's own `needsApproval`, which a `toolApproval` function would otherwise switch off, is kept. Never throws.
 */
export function canopyToolApproval(tools: SdkTools): (question: ApprovalQuestion) => Promise<ApprovalStatus> {
  return async ({ toolCall, messages, toolsContext }) => {
    const { toolName, toolCallId, input } = toolCall;
    const tool = Object.hasOwn(tools, toolName) ? tools[toolName] : undefined;
    if (tool === undefined) return "not-applicable";
    const { context, refused } = await readContext(tool, own(toolsContext, toolName));
    const guard = guardOf(tool.execute);
    if (guard !== undefined) {
      const host = hostOptions({ context });
      // Asked also where the answer can only be a denial, so that the attempt is on record.
      const decision = await askAhead(guard, { args: input, host, refused, callId: toolCallId, run: messages });
      if (decision.decision === "DENY") return { type: "denied", reason: refusalError(decision).message };
      if (decision.decision === "REQUIRE_APPROVAL") {
        return { type: "user-approval", reason: `${oneLine(decision.reason)} (approval id \`${oneLine(decision.approvalId)}\`)` };
      }
    }
    if (refused !== undefined) return { type: "denied", reason: refused };
    return ownApproval(tool, input, { toolCallId, messages, context });
  };
}

/** The context as the SDK hands it to `execute` and `needsApproval`: what the tool's schema makes of it, or why it makes nothing of it. */
async function readContext(tool: SdkTool, given: unknown): Promise<{ readonly context?: unknown; readonly refused?: string }> {
  try {
    const { contextSchema } = tool as { readonly contextSchema?: FlexibleSchema | null };
    if (contextSchema === undefined || contextSchema === null) return { context: given };
    // Loaded by those who need it: a guard alone does without the SDK.
    const { asSchema } = await import("ai");
    const read = await asSchema(contextSchema).validate?.(given);
    if (read === undefined) return { context: given };
    if (read.success) return { context: read.value };
  } catch {
    // A schema that throws says no.
  }
  return { refused: "the context of the tool does not fit its schema" };
}

/** What the tool itself says about approval. */
async function ownApproval(tool: SdkTool, input: unknown, options: object): Promise<ApprovalStatus> {
  try {
    const { needsApproval } = tool as { readonly needsApproval?: unknown };
    const answer: unknown =
      typeof needsApproval === "function" ? await Reflect.apply(needsApproval, tool, [input, options]) : needsApproval;
    return answer ? { type: "user-approval" } : "not-applicable";
  } catch {
    return { type: "denied", reason: "the tool could not tell whether it needs approval" };
  }
}

function own(object: unknown, key: string): unknown {
  return typeof object === "object" && object !== null && Object.hasOwn(object, key) ? (object as Record<string, unknown>)[key] : undefined;
}
