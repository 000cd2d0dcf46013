import { CanopyError } from "@canopy-runtime/core";
import type { ToolBindings } from "@canopy-runtime/core";
import {
  checkKeys,
  copyProperties,
  guardOptionKeys,
  isGuardedBy,
  markGuarded,
  prepareGuard,
  readActions,
  readUnguarded,
} from "@canopy-runtime/core/pep";
import type { GuardOptions } from "@canopy-runtime/core/pep";

import { guardWork } from "./guard-work.ts";
import type { OnApproval, WorkGuard } from "./guard-work.ts";
import { GuardedRunnable } from "./guarded-runnable.ts";
import type { HostConfig } from "./host.ts";
import { readTool } from "./langchain-tool.ts";
import type { ArgsOf, LangChainTools, LocalTool, NameOf, OtherTool, SameTools, StructuredLike, Work } from "./langchain-tool.ts";

/** How a tool is guarded. */
export interface GuardToolOptions<TOOL extends object> extends GuardOptions<HostConfig> {
  /** Which action the tool stands for, or several; an action type of its own, with its arguments as payload, where left out. */
  readonly binding?: ToolBindings<ArgsOf<TOOL>>;
  /**
   * What becomes of a call that needs a person's approval. `interrupt` (where left out) pauses a LangGraph graph, and asks again when it is
   * resumed; where no pause is possible, and with `message`, the model is told.
   */
  readonly onApproval?: OnApproval;
}

/** How tools are guarded. */
export interface GuardToolsOptions<TOOLS extends LangChainTools> extends GuardOptions<HostConfig> {
  /** Which actions a tool stands for, by its name. A tool that is not here is an action type of its own, with its arguments as payload. */
  readonly actions?: ActionsOf<TOOLS>;
  /** Names of tools that no guard can stand before (the provider runs them, or a class of theirs goes its own ways), and that shall be there all the same. */
  readonly allowUnguarded?: readonly string[];
  readonly onApproval?: OnApproval;
}

/** Bindings by tool name: checked when compiling where the types tell every name, and when wrapping in any case. */
type ActionsOf<TOOLS extends LangChainTools> =
  string extends NameOf<TOOLS[number]>
    ? { readonly [name: string]: ToolBindings<ArgsOf<TOOLS[number]>> | undefined }
    : { readonly [NAME in NameOf<TOOLS[number]>]?: ToolBindings<ArgsOf<Extract<TOOLS[number], { readonly name: NAME }>>> };

/**
 * The same tools, each behind a guard: whoever runs one (an agent, a `ToolNode`, a chain, a call of `invoke`, `stream`, `batch` or `func`), the
 * call is authorized first, on the arguments that the schema made, the tool runs on a copy of what was judged, and its outcome is recorded.
 *
 * In an agent a call that may not run ends with a `ToolMessage` of status `error`; anywhere else it throws `ActionDeniedError` or
 * `ApprovalRequiredError`. A tool that cannot be guarded throws `TOOL_NOT_GUARDABLE`, unless `allowUnguarded` names it; options that cannot
 * be understood throw `INVALID_OPTIONS`.
 */
export function guardTools<TOOLS extends LangChainTools>(tools: TOOLS, options: GuardToolsOptions<TOOLS>): SameTools<TOOLS> {
  checkKeys(options, [...guardOptionKeys, "actions", "allowUnguarded", "onApproval"]);
  if (!Array.isArray(tools)) throw invalid("the tools are not a list");
  const given: readonly unknown[] = tools;
  const read = Array.from(given, readTool);
  const names = read.flatMap(({ name }) => name ?? []);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw invalid(`two tools are called \`${twice}\`: give each its own name`);
  const bindings = readActions(options.actions, names);
  const unguarded = readUnguarded(options.allowUnguarded, names);
  // Checks the options also where there are no tools.
  workGuard("tool", options, undefined);
  const guarded = read.map((tool, index) => {
    const { name } = tool;
    const isUnguarded = name !== undefined && unguarded.has(name);
    if (tool.kind === "other") {
      if (!isUnguarded) throw notGuardable(tool);
      if (bindings.has(tool.name ?? "")) throw invalid(`\`actions\` binds \`${tool.name}\`, which \`allowUnguarded\` leaves unguarded`);
      return given[index];
    }
    if (isUnguarded) throw invalid(`\`allowUnguarded\` names \`${name}\`, which needs no leave: it can be guarded`);
    return guardOne(tool, workGuard(tool.name, options, bindings.get(tool.name)));
  });
  // The one cast: every member has the type of the member it was made of, which no mapped copy can show the compiler.
  return guarded as SameTools<TOOLS>;
}

/** `tool` behind a guard, as by `guardTools`. */
export function guardTool<TOOL extends object>(tool: TOOL, options: GuardToolOptions<TOOL>): TOOL {
  checkKeys(options, [...guardOptionKeys, "binding", "onApproval"]);
  const read = readTool(tool);
  if (read.kind === "other") throw notGuardable(read);
  return guardOne(read, workGuard(read.name, options, options.binding)) as TOOL;
}

/** The guard of the tool `name`. Throws `INVALID_OPTIONS`. */
export function workGuard(name: string, options: GuardOptions<never> & { readonly onApproval?: OnApproval }, bindings: unknown): WorkGuard {
  const { onApproval = "interrupt" } = options;
  if (onApproval !== "interrupt" && onApproval !== "message") throw invalid("`onApproval` is neither `interrupt` nor `message`");
  return { guard: prepareGuard(name, options, bindings === undefined ? {} : { bindings }), onApproval };
}

/** A tool behind `guarded`: an object of which the tool is the prototype, so that it stays whatever it was. */
export function guardOne(read: LocalTool, guarded: WorkGuard): object {
  return read.kind === "structured" ? guardStructured(read.tool, guarded) : guardRunnable(read, guarded);
}

function guardStructured(tool: StructuredLike, guarded: WorkGuard): object {
  const { guard } = guarded;
  const { _call: call, func } = tool;
  if (isGuardedBy(call, guard)) return tool;
  const copy = Object.create(tool) as object;
  forwardAccessors(copy, tool);
  const own = (name: "_call" | "func", work: Work): void => {
    // The original works on itself, so that its private fields are there, and its `_call` reaches its own `func`.
    Object.defineProperty(copy, name, { value: guardFunction(tool, work, guarded), writable: true, configurable: true });
  };
  own("_call", call);
  if (typeof func === "function") own("func", func);
  return copy;
}

function guardFunction(tool: StructuredLike, work: Work, guarded: WorkGuard): Work {
  const run: Work = async (input, runManager, config) => {
    const ended = await guardWork(guarded, input, config, (args) => Reflect.apply(work, tool, [args, runManager, config]));
    if (ended.kind === "ran") return ended.output;
    return tool.responseFormat === "content_and_artifact" ? [ended.message, undefined] : ended.message;
  };
  return markGuarded(copyProperties(run, work, ["prototype", "arguments", "caller"]), guarded.guard);
}

/** What a class computes from its private fields, only the original can. */
function forwardAccessors(copy: object, tool: object): void {
  for (
    let holder: object | null = tool;
    holder !== null && holder !== Object.prototype;
    holder = Object.getPrototypeOf(holder) as object | null
  ) {
    for (const name of Reflect.ownKeys(holder)) {
      const descriptor = Object.getOwnPropertyDescriptor(holder, name);
      if (descriptor === undefined || "value" in descriptor || Object.hasOwn(copy, name) || name === "__proto__") continue;
      Object.defineProperty(copy, name, {
        get: () => Reflect.get(tool, name),
        set: (value: unknown) => {
          Reflect.set(tool, name, value);
        },
        configurable: true,
      });
    }
  }
}

function guardRunnable({ tool, steps }: LocalTool & { kind: "runnable" }, guarded: WorkGuard): object {
  const { binding, sequence, last } = steps;
  if (isGuardedBy(last.invoke, guarded.guard)) return tool;
  const runnable = new GuardedRunnable(last, guarded);
  const invoke = runnable.invoke.bind(runnable);
  Object.defineProperty(runnable, "invoke", { value: markGuarded(invoke, guarded.guard) });
  return replaced(tool, "bound", replaced(binding, "bound", replaced(sequence, "last", runnable)));
}

function replaced(holder: object, name: string, value: unknown): object {
  return Object.create(holder, { [name]: { value, enumerable: true, writable: true, configurable: true } }) as object;
}

function notGuardable({ name, why }: OtherTool): CanopyError {
  const which = name === undefined ? "a tool" : `tool \`${name}\``;
  return new CanopyError("TOOL_NOT_GUARDABLE", `${which} ${why}: leave it out, or name it in \`allowUnguarded\``);
}

function invalid(message: string): CanopyError {
  return new CanopyError("INVALID_OPTIONS", message);
}
