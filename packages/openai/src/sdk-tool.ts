import { CanopyError } from "@canopy-runtime/core";
import type { JsonValue, ToolBindings } from "@canopy-runtime/core";

// A union with a literal in it, so that the compiler keeps the literals of a tool that is written in place.
type Word = "" | (string & {});

/** What the tools of every major of the SDK have in common. Structural, so that one guard serves them all. */
export interface SdkTool {
  readonly type: "function" | "custom" | (string & {});
  readonly name?: Word;
  readonly function?: { readonly name?: Word | undefined };
  readonly custom?: { readonly name?: Word };
}

/** The tools of one request. The empty tuple keeps the compiler from making an array of a list. */
export type SdkTools = readonly SdkTool[] | [];

/** `TOOLS` with the type of each member in its place. */
export type SameTools<TOOLS extends SdkTools> = { -readonly [INDEX in keyof TOOLS]: TOOLS[INDEX] };

/** The name that the model knows a tool by, where the types tell. */
type NameOf<TOOL> = TOOL extends { readonly function: { readonly name: infer NAME extends string } }
  ? NAME
  : TOOL extends { readonly custom: { readonly name: infer NAME extends string } }
    ? NAME
    : TOOL extends { readonly type: "function" | "custom"; readonly name: infer NAME extends string }
      ? NAME
      : TOOL extends { readonly type: "function" }
        ? string
        : never;

/** What a tool is asked to work on: what its parser makes, the JSON of a raw string, `{ input }` of a custom tool's text. */
export type ArgsOf<TOOL> = TOOL extends { readonly $brand: string; readonly __arguments: infer ARGS }
  ? // Version 5 names the schema where later ones name what it makes.
    ARGS extends { readonly _output: infer OUTPUT }
    ? OUTPUT
    : ARGS
  : TOOL extends { readonly type: "custom" }
    ? { readonly input: string }
    : TOOL extends { readonly execute: (args: infer ARGS, ...more: never[]) => unknown }
      ? ARGS
      : TOOL extends { readonly function: { readonly parse: unknown; readonly function: (args: infer ARGS, ...more: never[]) => unknown } }
        ? ARGS
        : TOOL extends { readonly type: "function" }
          ? JsonValue
          : never;

type Named<TOOL, NAME> = TOOL extends unknown ? (NameOf<TOOL> extends NAME ? TOOL : never) : never;

/** Bindings by tool name: checked when compiling where the types tell every name, and when wrapping in any case. */
export type ActionsOf<TOOLS extends SdkTools> =
  string extends NameOf<TOOLS[number]>
    ? { readonly [name: string]: ToolBindings<ArgsOf<TOOLS[number]>> | undefined }
    : { readonly [NAME in NameOf<TOOLS[number]>]?: ToolBindings<ArgsOf<Named<TOOLS[number], NAME>>> };

type TypeOf<TOOL> = TOOL extends { readonly type: infer TYPE extends string } ? TYPE : never;

/** The kinds of tool among `TOOLS` that may have to be left unguarded. */
export type UnguardedOf<TOOLS extends SdkTools> = Exclude<TypeOf<TOOLS[number]>, "function">;

/** What runs when the model calls a tool, as the tool's own form has it. */
export type Callback = (...args: unknown[]) => unknown;

/** A tool that runs in this process, taken apart; each part was read once. */
export interface LocalTool {
  readonly tool: object;
  readonly name: string;
  /** How the model's text becomes what `callback` is given: `raw` is the text itself, `text` that of a custom tool, which need not be JSON. */
  readonly input: "parsed" | "raw" | "text";
  /** Where the callback stands, and what it is called on. */
  readonly form: "callback" | "definition" | "execute";
  readonly callback: Callback;
  readonly parse?: (text: string) => unknown;
}

/** A tool of which nothing runs here: hosted by the provider, or only described. */
export interface OtherTool {
  readonly tool: object;
  readonly kind: "hosted" | "described";
  readonly type: string;
  readonly name?: string;
}

/** Takes a tool apart. Throws `TOOL_NOT_GUARDABLE` for what is no tool. */
export function readTool(value: unknown, index: number): LocalTool | OtherTool {
  if (typeof value !== "object" || value === null) throw noTool(index, "is not an object");
  const tool = value as Fields;
  const { type } = tool;
  if (typeof type !== "string" || type === "") throw noTool(index, "has no `type`");
  if (type !== "function" && type !== "custom") return { tool, kind: "hosted", type };
  const nested: unknown = tool[type];
  const isNested = typeof nested === "object" && nested !== null;
  const definition = (isNested ? nested : tool) as Fields;
  const { $brand, $callback, execute } = tool;
  // The SDK would run another callback of it than the one that is guarded here.
  if ($brand !== undefined && $brand !== "auto-parseable-tool") throw noTool(index, "has a `$brand` that this version does not know");
  const callback = $brand === undefined ? (isNested && type === "function" ? definition["function"] : undefined) : $callback;
  const found: unknown = callback ?? execute;
  const name = nameOf(definition["name"], $brand === undefined && callback === found ? found : undefined, index);
  if (found === undefined || found === null) return { tool, kind: "described", type, name };
  if (typeof found !== "function") throw new CanopyError("TOOL_NOT_GUARDABLE", `tool \`${name}\` has a callback that is not a function`);
  if (callback !== undefined && execute !== undefined) {
    throw new CanopyError("TOOL_NOT_GUARDABLE", `tool \`${name}\` has two callbacks, and which one runs cannot be told`);
  }
  const form = callback === undefined ? "execute" : $brand === undefined ? "definition" : "callback";
  const parse: unknown = $brand === undefined ? (form === "definition" ? definition["parse"] : undefined) : tool["$parseRaw"];
  return {
    tool,
    name,
    form,
    callback: found as Callback,
    input: type === "custom" ? "text" : typeof parse === "function" || form === "execute" ? "parsed" : "raw",
    ...(typeof parse === "function" ? { parse: parse as (text: string) => unknown } : {}),
  };
}

export function isLocal(tool: LocalTool | OtherTool): tool is LocalTool {
  return "callback" in tool;
}

type Fields = Readonly<Record<string, unknown>>;

function nameOf(name: unknown, callback: unknown, index: number): string {
  const found: unknown = typeof name === "string" && name !== "" ? name : typeof callback === "function" ? callback.name : undefined;
  if (typeof found !== "string" || found === "") throw noTool(index, "has no name");
  return found;
}

function noTool(index: number, why: string): CanopyError {
  return new CanopyError("TOOL_NOT_GUARDABLE", `the tool at ${index} ${why}`);
}
