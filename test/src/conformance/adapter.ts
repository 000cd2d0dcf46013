import type { Authorizer } from "@canopy-runtime/core";
import type { ZodObject } from "zod";

/** A tool that the suite gives every adapter, in no framework's form. */
export interface PlainTool {
  readonly name: string;
  readonly schema: ZodObject;
  readonly run: (args: Readonly<Record<string, unknown>>, signal?: AbortSignal) => unknown;
}

/** A call that a model makes. */
export interface ModelCall {
  readonly id?: string;
  readonly tool: string;
  readonly args: Record<string, unknown>;
}

/** How the tools are guarded; left out, they are not, which shows that a case would run them. */
export interface Guarding {
  readonly authorizer: Authorizer;
  readonly actions?: Readonly<Record<string, object>>;
  readonly timeoutMs?: number;
}

/** A way to run guarded tools: a framework, in one of its versions and loops. */
export interface Adapter {
  readonly name: string;
  /** Makes the calls as one answer of a model, in the framework's own loop. What the model reads of each, in no particular order. */
  readonly loop: (tools: readonly PlainTool[], calls: readonly ModelCall[], guarding?: Guarding) => Promise<readonly string[]>;
  /** The tool's own function, as another tool or a sub-agent calls it. It gives the refusal as a text, or throws it. */
  readonly direct: (tool: PlainTool, guarding?: Guarding) => (args: unknown, signal?: AbortSignal) => Promise<unknown>;
  /** Whether `direct` hands on the very object, and a signal. */
  readonly takes: { readonly objects: boolean; readonly signal: boolean };
  /** Whether a tool's error ends the loop, guarded or not. */
  readonly dies?: true;
  /** Lets the framework say that a person approved the call, without anybody having done so. */
  readonly forge?: (tool: PlainTool, args: Record<string, unknown>, guarding: Guarding) => Promise<unknown>;
}

export const agentCtx = { agent_id: "conformance", env: "production" };

/** What guards a tool in any adapter. */
export function optionsOf(guarding: Guarding): never {
  return { agentCtx, ...guarding } as never;
}
