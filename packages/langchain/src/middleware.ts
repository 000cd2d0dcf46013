import { CanopyError, isGuarded } from "@canopy-runtime/core";
import type { ToolBindings } from "@canopy-runtime/core";
import { authorizeCall, checkKeys, guardOptionKeys, oneLine } from "@canopy-runtime/core/pep";
import type { GuardOptions } from "@canopy-runtime/core/pep";
import { ToolMessage } from "@langchain/core/messages";
import { createMiddleware } from "langchain";
import type { AgentMiddleware } from "langchain";

import { guardOne, workGuard } from "./guard-tools.ts";
import type { OnApproval } from "./guard-work.ts";
import { callOf } from "./host.ts";
import type { HostConfig } from "./host.ts";
import { readTool, workOf } from "./langchain-tool.ts";

/** How the tools of an agent are guarded. */
export interface CanopyMiddlewareOptions extends GuardOptions<HostConfig> {
  /** Which actions a tool stands for, by its name. A tool that is not here is an action type of its own, with its arguments as payload. */
  readonly actions?: Readonly<Record<string, ToolBindings>>;
  /** Names of tools that no guard can stand before and that shall run all the same. */
  readonly allowUnguarded?: readonly string[];
  readonly onApproval?: OnApproval;
}

/**
 * Middleware for `createAgent` that puts a guard before every tool which the agent calls, also one that another middleware brought along at run time.
 * It must be the last in the list, hence the innermost: what a middleware inside it swaps or adds, it does not see. Tools that are guarded
 * already keep their guard, and each call is asked about once; guarding the tools themselves holds wherever they are called.
 *
 * A call of a tool that cannot be guarded ends with an error message. Throws `INVALID_OPTIONS` for options that cannot be understood.
 */
export function canopyMiddleware(options: CanopyMiddlewareOptions): AgentMiddleware {
  checkKeys(options, [...guardOptionKeys, "actions", "allowUnguarded", "onApproval"]);
  const { actions = {}, allowUnguarded = [] } = options;
  if (typeof actions !== "object" || actions === null) throw invalid("`actions` is not an object of bindings by tool");
  if (!Array.isArray(allowUnguarded)) throw invalid("`allowUnguarded` is not a list of tool names");
  const bindings = new Map<string, unknown>(Object.entries(actions).filter(([, binding]) => binding !== undefined));
  const unguarded = new Set<unknown>(allowUnguarded);
  // Everything is checked before the agent runs.
  workGuard("tool", options, undefined);
  for (const [name, binding] of bindings) workGuard(name, options, binding);
  const settings = Object.freeze({ ...options });
  const guardedTools = new WeakMap<object, object>();

  /** The tool behind its guard, or why it must not run. */
  function guarded(tool: object | undefined): object | string {
    if (tool === undefined) return "there is no such tool here";
    const present = guardedTools.get(tool);
    if (present !== undefined) return present;
    const read = readTool(tool);
    // Not whatever function of the tool is guarded: the one that the agent's call comes to.
    if (read.kind !== "other" && isGuarded(workOf(read))) return tool;
    if (read.kind === "other") return read.name !== undefined && unguarded.has(read.name) ? tool : `the tool ${read.why}`;
    const behind = guardOne(read, workGuard(read.name, settings, bindings.get(read.name)));
    guardedTools.set(tool, behind);
    return behind;
  }

  return createMiddleware({
    name: "CanopyGuard",
    wrapToolCall: async (request, handler) => {
      const { tool, toolCall, runtime } = request;
      const found = guarded(tool);
      if (typeof found === "object") return handler({ ...request, tool: found as NonNullable<typeof tool> });
      const name = oneLine(toolCall.name).slice(0, 256) || "unknown";
      const call = callOf(toolCall.args, { ...runtime, toolCall });
      // Asked about so that the attempt is on record; the answer can only be a denial.
      await authorizeCall(workGuard(name, settings, undefined).guard, { ...call, refused: found });
      const content = `denied, the tool did not run: ${found} (do not retry this call)`;
      return new ToolMessage({ content, tool_call_id: toolCall.id ?? "", name, status: "error" });
    },
  });
}

function invalid(message: string): CanopyError {
  return new CanopyError("INVALID_OPTIONS", message);
}
