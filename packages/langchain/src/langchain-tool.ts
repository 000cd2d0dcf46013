import type { JsonValue } from "@canopy-runtime/core";
import { DynamicStructuredTool, DynamicTool, StructuredTool, Tool } from "@langchain/core/tools";

/** The tools of one agent. The empty tuple keeps the compiler from making an array of a list. */
export type LangChainTools = readonly object[] | [];

/** `TOOLS` with the type of each member in its place. */
export type SameTools<TOOLS extends LangChainTools> = { -readonly [INDEX in keyof TOOLS]: TOOLS[INDEX] };

/** The name that the model knows a tool by, where the types tell. */
export type NameOf<TOOL> = TOOL extends { readonly name: infer NAME extends string } ? NAME : never;

/** What a tool is asked to work on: what its schema makes of the model's arguments, `{ input }` for a tool that takes a text. */
export type ArgsOf<TOOL> = Named<
  TOOL extends { readonly func: (input: infer ARGS, ...more: never[]) => unknown }
    ? ARGS
    : TOOL extends { readonly schema: { readonly _output: infer OUTPUT } }
      ? OUTPUT
      : JsonValue
>;

type Named<ARGS> = [ARGS] extends [string | undefined] ? { readonly input: string } : ARGS;

/** A tool that runs in this process, of either form that LangChain has. */
export type LocalTool =
  | { readonly kind: "structured"; readonly tool: StructuredLike; readonly name: string }
  | { readonly kind: "runnable"; readonly tool: object; readonly name: string; readonly steps: RunnableSteps };

/** A `StructuredTool` of any copy of LangChain, with the functions that do its work. */
export interface StructuredLike {
  readonly _call: Work;
  readonly func?: Work;
  readonly responseFormat?: unknown;
}

export type Work = (this: unknown, input: unknown, runManager?: unknown, config?: unknown) => unknown;

/** What a runnable that was made a tool consists of: a binding around a sequence, whose last step is the runnable itself. */
export interface RunnableSteps {
  readonly binding: object;
  readonly sequence: object;
  readonly last: RunnableLike;
}

export interface RunnableLike {
  readonly invoke: (input: unknown, config?: unknown) => Promise<unknown>;
  readonly transform: (input: AsyncGenerator, config?: unknown) => AsyncGenerator;
  readonly getName?: () => string;
}

/** A tool that no guard can stand before, and why, as a clause. */
export interface OtherTool {
  readonly kind: "other";
  readonly name: string | undefined;
  readonly why: string;
}

/** Takes a tool apart. Never throws for what is no tool: that is a tool which cannot be guarded. */
export function readTool(value: unknown): LocalTool | OtherTool {
  if (typeof value !== "object" || value === null) return { kind: "other", name: undefined, why: "is not an object" };
  const { name: given, type, _call, invoke, bound } = value as Fields;
  const name = isText(given) ? given : isText(type) ? type : undefined;
  const other = (why: string): OtherTool => ({ kind: "other", name, why });
  if (typeof _call === "function") {
    if (!isText(given)) return other("has no name");
    const why = overridden(value);
    return why === undefined ? { kind: "structured", tool: value as StructuredLike, name: given } : other(why);
  }
  if (typeof invoke !== "function") return other("does not run here: the provider runs it, or nobody");
  if (!isText(given)) return other("has no name");
  const steps = stepsOf(value, bound);
  return steps === undefined
    ? other("is a runnable of a form that no guard can stand inside")
    : { kind: "runnable", tool: value, name: given, steps };
}

/** The function that does the tool's work, whoever calls the tool. */
export function workOf(tool: LocalTool): unknown {
  if (tool.kind === "runnable") return tool.steps.last.invoke;
  const { _call: call } = tool.tool;
  return call;
}

type Fields = Readonly<Record<string, unknown>>;

// Each leads to `_call` by itself in LangChain's own classes; one of a subclass need not.
const entries: readonly string[] = [
  "invoke",
  "call",
  "batch",
  "stream",
  "transform",
  "streamEvents",
  "streamLog",
  "pipe",
  "bind",
  "withConfig",
  "withRetry",
  "withFallbacks",
  "withListeners",
  "assign",
  "pick",
  "map",
  "asTool",
  "_streamIterator",
  "_transformStreamWithConfig",
  "_callWithConfig",
  "_batchWithConfig",
  "_streamEventsV1",
  "_streamEventsV2",
  "_streamLog",
];

/** Why a call may reach the tool's work by another way than `_call`, as a clause. */
function overridden(tool: object): string | undefined {
  const chain = prototypesOf(tool);
  for (const [index, holder] of chain.entries()) {
    if (isFrameworks(chain, index)) continue;
    const entry = entries.find((name) => Object.hasOwn(holder, name));
    if (entry !== undefined) return `overrides \`${entry}\`, which then need not lead to the guard in \`_call\``;
  }
  return chain.some((_, index) => isFrameworks(chain, index)) ? undefined : "is no tool of LangChain's classes";
}

/** The tool itself, then its prototypes, without `Object.prototype`. */
function prototypesOf(tool: object): readonly object[] {
  const chain: object[] = [];
  for (let holder: object | null = tool; holder !== null && holder !== Object.prototype;) {
    chain.push(holder);
    holder = Object.getPrototypeOf(holder) as object | null;
  }
  return chain;
}

/**
 * Whether a member of a prototype chain is a class of LangChain itself. Where this copy of LangChain made the tool, its classes are known; of
 * another copy (an older version, CommonJS beside modules) the classes are told by their place above the root, their names and what they hold.
 */
function isFrameworks(chain: readonly object[], index: number): boolean {
  const holder = chain[index];
  if (holder === undefined || index === 0) return false;
  const base = chain.indexOf(StructuredTool.prototype);
  if (base >= 0) return index >= base || subclasses.includes(holder);
  // From the root: Serializable, Runnable, BaseLangChain, StructuredTool, then those that make tools of functions.
  const height = chain.length - index;
  const name = nameOf(holder);
  if (byHeight[height - 1]?.includes(name) !== true) return false;
  if (height < 4) return true;
  const members = Object.getOwnPropertyNames(holder);
  if (height === 4) return members.includes("invoke") && members.includes("call") && !members.includes("_call");
  return isFrameworks(chain, index + 1) && members.every((member) => (ownMembers[name] ?? []).includes(member));
}

const subclasses: readonly object[] = [Tool.prototype, DynamicTool.prototype, DynamicStructuredTool.prototype];

const byHeight: readonly (readonly string[])[] = [
  ["Serializable"],
  ["Runnable"],
  ["BaseLangChain"],
  ["StructuredTool"],
  ["Tool", "DynamicStructuredTool"],
  ["DynamicTool"],
];

const ownMembers: Readonly<Record<string, readonly string[]>> = {
  Tool: ["constructor", "call"],
  DynamicTool: ["constructor", "call", "_call"],
  DynamicStructuredTool: ["constructor", "call", "_call"],
};

function nameOf(prototype: object): string {
  const { constructor } = prototype;
  return typeof constructor === "function" ? constructor.name : "";
}

function stepsOf(tool: object, binding: unknown): RunnableSteps | undefined {
  const chain = prototypesOf(tool);
  if (chain.length < 2 || nameOf(chain[1] ?? {}) !== "RunnableToolLike" || entries.some((name) => Object.hasOwn(tool, name)))
    return undefined;
  if (typeof binding !== "object" || binding === null) return undefined;
  const sequence: unknown = (binding as { readonly bound?: unknown }).bound;
  if (typeof sequence !== "object" || sequence === null) return undefined;
  const { first, last, middle } = sequence as Fields;
  if (first === undefined || !Array.isArray(middle) || middle.length > 0 || !isRunnable(last)) return undefined;
  return { binding, sequence, last };
}

function isRunnable(value: unknown): value is RunnableLike {
  if (typeof value !== "object" || value === null) return false;
  const { invoke, transform } = value as Partial<RunnableLike>;
  return typeof invoke === "function" && typeof transform === "function";
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
