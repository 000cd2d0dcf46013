import { CanopyError } from "@canopy-runtime/core";
import { checkKeys, guardOptionKeys, nearestHint, prepareGuard, readActions } from "@canopy-runtime/core/pep";
import type { Guard, GuardOptions } from "@canopy-runtime/core/pep";

import { isLocal, readTool } from "./sdk-tool.ts";
import type { ActionsOf, LocalTool, OtherTool, SdkTools, UnguardedOf } from "./sdk-tool.ts";

/** What the host says about a call; nothing in it comes from the model. */
export interface HostWords {
  /** `toolContext` of `runTools` (version 7), or what `dispatch` was given under that name. */
  readonly toolContext: unknown;
}

/** How tools are guarded. */
export interface ToolOptions<TOOLS extends SdkTools> extends GuardOptions<HostWords> {
  /** Which actions a tool stands for, by its name. A tool that is not here is an action type of its own, with its arguments as payload. */
  readonly actions?: ActionsOf<TOOLS>;
  /** The types of tools that no guard can stand before (`web_search`, `mcp`, …: the provider runs them) and that shall be there all the same. */
  readonly allowUnguarded?: readonly UnguardedOf<TOOLS>[];
}

/** The options where the types of the tools are gone. */
export type UntypedOptions = GuardOptions<HostWords> & { readonly actions?: unknown; readonly allowUnguarded?: unknown };

/** A tool with the guard that stands before it, or one that has none. */
export type Guarded = (LocalTool & { readonly guard: Guard }) | OtherTool;

/** Gives each tool that runs here its guard. Throws where one cannot have one, and for options that cannot be understood. */
export function guardEach(tools: unknown, options: UntypedOptions, known: readonly string[]): readonly Guarded[] {
  checkKeys(options, [...guardOptionKeys, "actions", "allowUnguarded", ...known]);
  if (!Array.isArray(tools)) throw new CanopyError("INVALID_OPTIONS", "the tools are not a list");
  const read = Array.from(tools, (tool: unknown, index) => readTool(tool, index));
  const names = new Set<string>();
  for (const { name } of read) {
    if (name === undefined) continue;
    // The SDK would run the last one, and the model and a policy mean either.
    if (names.has(name)) throw new CanopyError("INVALID_OPTIONS", `two tools are called \`${name}\`: give each its own name`);
    names.add(name);
  }
  const bindings = readBindings(options.actions, read);
  const unguarded = readTypes(options.allowUnguarded, read);
  // Checks the options also where there are no tools.
  prepareGuard("tool", options);
  return read.map((tool) => {
    if (isLocal(tool)) {
      const bound = bindings.has(tool.name) ? { bindings: bindings.get(tool.name) } : {};
      return { ...tool, guard: prepareGuard(tool.name, options, bound) };
    }
    if (tool.kind === "hosted" && !unguarded.has(tool.type)) {
      throw new CanopyError(
        "TOOL_NOT_GUARDABLE",
        `a tool of type \`${tool.type}\` does not run here, so no guard can stand before it: leave it out, or name the type in \`allowUnguarded\``,
      );
    }
    return tool;
  });
}

function readBindings(actions: unknown, tools: readonly (LocalTool | OtherTool)[]): ReadonlyMap<string, unknown> {
  const bindings = readActions(
    actions,
    tools.flatMap((each) => each.name ?? []),
  );
  const idle = tools.find((tool) => tool.name !== undefined && bindings.has(tool.name) && !isLocal(tool));
  if (idle !== undefined) throw new CanopyError("INVALID_OPTIONS", `\`actions\` binds \`${idle.name}\`, which has nothing to run here`);
  return bindings;
}

function readTypes(allowUnguarded: unknown, tools: readonly (LocalTool | OtherTool)[]): ReadonlySet<unknown> {
  if (allowUnguarded === undefined) return new Set();
  if (!Array.isArray(allowUnguarded)) throw new CanopyError("INVALID_OPTIONS", "`allowUnguarded` is not a list of types of tools");
  const hosted = tools.flatMap((tool) => (!isLocal(tool) && tool.kind === "hosted" ? tool.type : []));
  for (const type of allowUnguarded.map(String)) {
    if (!hosted.includes(type)) {
      throw new CanopyError(
        "INVALID_OPTIONS",
        `\`allowUnguarded\` names \`${type}\`, and no tool that the provider runs is of that type${nearestHint(type, hosted)}`,
      );
    }
  }
  return new Set<unknown>(allowUnguarded);
}
