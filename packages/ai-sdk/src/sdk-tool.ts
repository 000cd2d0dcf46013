/** What the tools of every major of the SDK have in common. Structural, so that one guard serves them all. */
export interface SdkTool {
  readonly inputSchema: unknown;
  readonly execute?: ((input: never, options: never) => unknown) | undefined;
}

export type SdkTools = Readonly<Record<string, SdkTool>>;

type Execute<TOOL> = TOOL extends { readonly execute?: infer EXECUTE } ? NonNullable<EXECUTE> : never;

/** What a tool is asked to work on. */
export type InputOf<TOOL> = Execute<TOOL> extends (input: infer INPUT, options: never) => unknown ? INPUT : never;

// Of a tool that may be any kind, those kinds that run nothing have nothing to say.
type OptionsOf<TOOL> = TOOL extends unknown
  ? [Execute<TOOL>] extends [never]
    ? never
    : Execute<TOOL> extends (input: never, options: infer OPTIONS) => unknown
      ? OPTIONS
      : never
  : never;

type WithoutModelsWords<OPTIONS> = OPTIONS extends unknown ? Omit<OPTIONS, "messages" | "toolCallId"> : never;

/**
 * The options that the SDK calls a tool with (`context`, or `experimental_context` before version 7), less those that a model
 * had a hand in.
 */
export type HostOptions<TOOLS> = WithoutModelsWords<OptionsOf<TOOLS[keyof TOOLS]>>;

/** `HostOptions` at run time. */
export function hostOptions(options: unknown): object {
  if (typeof options !== "object" || options === null) return {};
  const { messages: _messages, toolCallId: _toolCallId, ...rest } = options as Readonly<Record<string, unknown>>;
  return rest;
}

/** Why no guard can stand before what `tool` does, as a clause; undefined where one can, or where nothing of it runs in this process. */
export function obstacle(tool: SdkTool): string | undefined {
  const { type, isProviderExecuted, supportsDeferredResults, execute } = tool as SdkTool & Readonly<Record<string, unknown>>;
  if ("experimental_toolCaller" in tool)
    return "is a caller of other tools, and the SDK runs what its `bind` makes instead of its `execute`";
  if ((tool as { readonly [toolSearch]?: unknown })[toolSearch] !== undefined)
    return "is a tool search, and the SDK replaces its `execute`";
  if (typeof type !== "undefined" && !kinds.includes(type)) return "is of a kind that this version does not know";
  if (isProviderExecuted === true || supportsDeferredResults === true) return "is executed by the provider";
  if (execute !== undefined && execute !== null)
    return typeof execute === "function" ? undefined : "has an `execute` that is not a function";
  // Before version 7 nothing tells a tool that the provider executes from one that waits for the client.
  if ((type === "provider" || type === "provider-defined") && isProviderExecuted !== false) return "may be executed by the provider";
  return undefined;
}

const toolSearch: unique symbol = Symbol.for("vercel.ai.toolSearch") as never;

const kinds: readonly unknown[] = ["function", "dynamic", "provider", "provider-defined"];
