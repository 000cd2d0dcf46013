import { guardTool } from "@canopy-runtime/core";

import { optionsOf } from "./adapter.ts";
import type { Adapter, Guarding, PlainTool } from "./adapter.ts";

type Fn = (args: unknown, signal?: AbortSignal) => Promise<unknown>;

/** Plain functions behind `guardTool`, in a loop of one's own. */
export const functions: Adapter = {
  name: "guardTool",
  takes: { objects: true, signal: true },
  direct: guarded,
  loop: async (tools, calls, guarding) =>
    await Promise.all(
      calls.map(async ({ tool, args }) => {
        const found = tools.find(({ name }) => name === tool) as PlainTool;
        return await guarded(found, guarding)(args).then(String, (error: unknown) => (error as Error).message);
      }),
    ),
};

function guarded({ name, run }: PlainTool, guarding: Guarding | undefined): Fn {
  const fn = async (args: unknown, signal?: AbortSignal): Promise<unknown> => run(args as never, signal);
  if (guarding === undefined) return fn;
  const { actions, ...options } = guarding;
  const binding = actions?.[name];
  return guardTool(fn, {
    ...(optionsOf(options) as { agentCtx: { env: string } }),
    name,
    extras: "host",
    signal: (extras: readonly unknown[]) => extras[0] as AbortSignal | undefined,
    ...(binding === undefined ? {} : { binding: binding as never }),
  });
}
