import type { AuthorizationResult, JsonValue } from "@canopy-runtime/core";
import { oneLine } from "@canopy-runtime/core/pep";

import { fields } from "./host.ts";

/** What a graph that waits for a person's approval shows as its interrupt. Plain JSON. */
export interface ApprovalInterrupt {
  readonly type: "canopy_approval";
  /** Names the exact action that a person would approve. */
  readonly approvalId: string;
  readonly reason: string;
  readonly tool: string;
  /** The arguments that were judged; null where they are not JSON. */
  readonly args: JsonValue;
}

type ApprovalRequired = AuthorizationResult & { readonly decision: "REQUIRE_APPROVAL" };

/**
 * Interrupts the graph that `config` belongs to. Throws LangGraph's interrupt, and throws it again for whatever the graph is resumed with, because
 * only the authorizer can say that a person approved; it is asked each time before this. Returns where there is nothing to wait for: the resume
 * says no (`false`, or `{ type: "reject" }`), or no pause is possible here.
 */
export function pause(decision: ApprovalRequired, tool: string, args: unknown, config: unknown): void {
  const interrupt = interruptOf(config);
  if (interrupt === undefined) return;
  const { approvalId, reason } = decision;
  const value: ApprovalInterrupt = { type: "canopy_approval", approvalId, reason: oneLine(reason), tool, args: shown(args) };
  // LangGraph hands back the answers of earlier resumes in their order, and throws when there is none left.
  for (let round = 0; round < 1_000; round += 1) {
    let answer: unknown;
    try {
      answer = interrupt(value);
    } catch (error) {
      if (isInterrupt(error)) throw error;
      return;
    }
    if (isNo(answer)) return;
  }
}

/**
 * Takes back the answers that a graph was resumed with while this call waited for a person. They were for Canopy; LangGraph would hand them to the
 * tool, where it interrupts by itself.
 */
export function takeResumes(config: unknown): void {
  const interrupt = interruptOf(config);
  if (interrupt === undefined) return;
  for (let round = 0; round < 1_000 && hasResume(config); round += 1) interrupt(null);
}

function hasResume(config: unknown): boolean {
  const { __pregel_scratchpad: scratchpad } = fields(fields(config)["configurable"]);
  const { resume, interruptCounter, nullResume } = fields(scratchpad);
  if (typeof interruptCounter !== "number") return false;
  return nullResume !== undefined || (Array.isArray(resume) && interruptCounter + 1 < resume.length);
}

/** Whether `error` is LangGraph's way to pause, which must reach the graph. */
export function isInterrupt(error: unknown): boolean {
  return fields(error)["is_bubble_up"] === true || (error instanceof Error && /^(GraphInterrupt|NodeInterrupt)$/.test(error.name));
}

/**
 * The graph's own `interrupt`, where it can pause without doing harm: it has a checkpointer, and this call is alone in its task. A task is
 * run from its beginning when its graph is resumed, and with it every other call in it, also those that ran.
 */
function interruptOf(config: unknown): ((value: unknown) => unknown) | undefined {
  const { interrupt, configurable } = fields(config);
  const { __pregel_checkpointer: checkpointer, __pregel_scratchpad: scratchpad } = fields(configurable);
  if (typeof interrupt !== "function" || !checkpointer) return undefined;
  const input = fields(scratchpad)["currentTaskInput"];
  return fields(input)["lg_tool_call"] !== undefined || openCalls(input) === 1 ? (interrupt as (value: unknown) => unknown) : undefined;
}

/** How many calls of the last answer of a model have no result yet; undefined where the input of the task does not tell. */
function openCalls(input: unknown): number | undefined {
  const messages = Array.isArray(input) ? (input as readonly unknown[]) : fields(input)["messages"];
  if (!Array.isArray(messages)) return undefined;
  const last: unknown = messages.findLast((message: unknown) => Array.isArray(fields(message)["tool_calls"]));
  const calls = fields(last)["tool_calls"];
  if (!Array.isArray(calls)) return undefined;
  const answered = new Set(messages.map((message: unknown) => fields(message)["tool_call_id"]).filter((id) => typeof id === "string"));
  return calls.filter((call: unknown) => !answered.has(fields(call)["id"] as string)).length;
}

function shown(args: unknown): JsonValue {
  try {
    return JSON.parse(JSON.stringify(args ?? {})) as JsonValue;
  } catch {
    return null;
  }
}

function isNo(answer: unknown): boolean {
  return answer === false || fields(answer)["type"] === "reject";
}
