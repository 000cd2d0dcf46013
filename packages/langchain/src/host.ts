import { isSignal } from "@canopy-runtime/core/pep";
import type { Call } from "@canopy-runtime/core/pep";

/** What the host program says about a call: the runnable's configuration, less everything that a model had a hand in (the call, the state). */
export interface HostConfig {
  /** What was given as `configurable`, such as `thread_id`, without LangGraph's own entries. */
  readonly configurable: Readonly<Record<string, unknown>>;
  /** The runtime context of LangGraph, where there is one. */
  readonly context: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** One call as LangChain hands it to the function that does the work. */
export function callOf(args: unknown, config: unknown): Call {
  const { signal, toolCall, toolCallId } = fields(config);
  const id = fields(toolCall)["id"] ?? toolCallId;
  return {
    // A tool that takes a text is described to the model as one with an argument `input`.
    args: typeof args === "string" ? { input: args } : args,
    host: hostConfig(config),
    callId: typeof id === "string" ? id : undefined,
    signal: isSignal(signal) ? signal : undefined,
  };
}

/** The id of the call that an agent or a loop made, which then reads the answer as a message. */
export function callIdOf(config: unknown): string | undefined {
  const { toolCall, toolCallId } = fields(config);
  const id = fields(toolCall)["id"] ?? toolCallId;
  return typeof id === "string" && id !== "" ? id : undefined;
}

export function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function hostConfig(config: unknown): HostConfig {
  const { configurable, context, metadata } = fields(config);
  return {
    configurable: Object.fromEntries(Object.entries(fields(configurable)).filter(([key]) => !key.startsWith("__"))),
    context,
    metadata: fields(metadata),
  };
}
