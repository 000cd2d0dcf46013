import { CanopyError, parseJson } from "@canopy-runtime/core";
import { copyProperties, guardCall, isGuardedBy, isSignal, markGuarded, refusalError, settle } from "@canopy-runtime/core/pep";
import type { Call, Guard } from "@canopy-runtime/core/pep";

import { guardEach } from "./guard-each.ts";
import type { ToolOptions } from "./guard-each.ts";
import { isLocal } from "./sdk-tool.ts";
import type { Callback, LocalTool, SameTools, SdkTools } from "./sdk-tool.ts";

/** How the tools of `runTools` are guarded. */
export interface GuardToolsOptions<TOOLS extends SdkTools> extends ToolOptions<TOOLS> {
  /** A call that needs a person's approval ends with a message to the model. `runTools` has no pause; `createToolDispatcher` does. */
  readonly onApproval?: "message";
}

/**
 * The same tools for `chat.completions.runTools`, each behind a guard: whoever calls the callback, the call is authorized first, the tool runs on a
 * copy of what was judged (one without a parser on the very text), and its outcome is recorded. A call that may not run answers the model with
 * the reason, because an error thrown from a callback would end the whole run; a tool's own error is thrown as ever.
 *
 * A tool that does not run in this process throws `TOOL_NOT_GUARDABLE`, unless `allowUnguarded` names its type; options that cannot be
 * understood, and two tools of one name, throw `INVALID_OPTIONS`.
 */
export function guardTools<TOOLS extends SdkTools>(tools: TOOLS, options: GuardToolsOptions<TOOLS>): SameTools<TOOLS> {
  const guarded = guardEach(tools, options, ["onApproval"]).map((each) => {
    if (!isLocal(each)) {
      if (each.kind === "described" && each.type === "custom") throw notRun(each.name ?? "custom");
      return each.tool;
    }
    if (each.form === "execute" || each.input === "text") throw notRun(each.name);
    return isGuardedBy(each.callback, each.guard) ? each.tool : withCallback(each, guardCallback(each, each.guard));
  });
  checkMode(options.onApproval);
  // The one cast: every member has the type of the member it was made of, which no mapped copy can show the compiler.
  return guarded as unknown as SameTools<TOOLS>;
}

function guardCallback({ tool, form, input, callback }: LocalTool, guard: Guard): Callback {
  const guarded: Callback = async function (this: unknown, ...received) {
    const [given, runner, toolContext] = received;
    const self = form === "definition" ? (tool as { readonly function?: unknown }).function : this;
    const call = callOf(input === "raw" ? readText(given) : { args: given }, runner, toolContext);
    const ended = await guardCall(guard, call, (args) => {
      // What was parsed strictly reads the same to every reader, so the text itself is what was judged.
      const actual = input === "raw" ? given : args;
      return Reflect.apply(callback, self, [actual, ...received.slice(1)]);
    });
    return ended.kind === "refused" ? refusalError(ended.decision).message : settle(ended);
  };
  return markGuarded(copyProperties(guarded, callback, ["prototype", "arguments", "caller"]), guard);
}

/** The arguments that a text spells, or why it may not run. */
export function readText(text: unknown): Pick<Call, "args" | "refused"> {
  if (typeof text !== "string") return { args: text, refused: "the arguments are not the text that the model wrote" };
  try {
    return { args: parseJson(text) };
  } catch (error) {
    return { args: text, refused: `the arguments cannot be judged (${error instanceof CanopyError ? error.message : "not JSON"})` };
  }
}

/** The runner's signal ends the wait for an answer; what else it holds is the model's. */
function callOf(words: Pick<Call, "args" | "refused">, runner: unknown, toolContext: unknown): Call {
  const controller: unknown = typeof runner === "object" && runner !== null ? (runner as { controller?: unknown }).controller : undefined;
  const signal: unknown = typeof controller === "object" && controller !== null ? (controller as { signal?: unknown }).signal : undefined;
  return { ...words, host: { toolContext }, signal: isSignal(signal) ? signal : undefined };
}

/** A copy of the tool by descriptors: no spread sees what the SDK hides in the tools that it makes of zod schemas. */
function withCallback({ tool, form, name }: LocalTool, callback: Callback): object {
  if (form === "callback") return Object.defineProperty(copyOf(tool, ["$callback"]), "$callback", { value: callback });
  const definition = copyOf((tool as { readonly function: object }).function, ["function", "name"]);
  const names = "name" in (tool as { readonly function: object }).function ? { name } : {};
  for (const [key, value] of Object.entries({ ...names, function: callback })) {
    Object.defineProperty(definition, key, { value, enumerable: true, writable: true, configurable: true });
  }
  return Object.defineProperty(copyOf(tool, ["function"]), "function", {
    value: definition,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

function copyOf(source: object, own: readonly PropertyKey[]): object {
  return copyProperties(Object.create(Object.getPrototypeOf(source) as object | null) as object, source, own);
}

function checkMode(onApproval: unknown): void {
  if (onApproval === undefined || onApproval === "message") return;
  throw new CanopyError(
    "INVALID_OPTIONS",
    "`onApproval` can only be `message` for `runTools`, which cannot pause: its callbacks never learn which call they answer, and an abort " +
      "loses the calls beside it. Use `createToolDispatcher`",
  );
}

function notRun(name: string): CanopyError {
  return new CanopyError("TOOL_NOT_GUARDABLE", `\`runTools\` does not run tool \`${name}\`: use \`createToolDispatcher\``);
}
