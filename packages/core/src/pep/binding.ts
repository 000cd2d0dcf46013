import { CanopyError } from "../errors.ts";
import { standardActions } from "../policy/actions.ts";
import type { ActionType } from "../runtime/action-payloads.ts";
import { argumentKeys } from "../policy/bindings.ts";
import type { ActionBinding } from "../policy/bindings.ts";
import { nearestHint } from "../policy/nearest.ts";

/** A place in the arguments of a call: `args` for all of them, `args.options.path` for a member, `args.dir?` for one that may be absent. */
export type ArgsPath = "args" | `args.${string}`;

/**
 * How one action is read out of a tool's arguments, in the words of a policy file. A field that is mapped to an argument which a call
 * does not have is absent from the payload, and the call needs approval at least, unless the path ends in `?` (`args.dir?`, which `null`
 * leaves out too). An argument that is neither mapped nor ignored makes a call that has it need approval at least.
 */
export type ToolBinding<Args = never> = MappedBinding | ComputedBinding<Args>;

interface MappedBinding {
  readonly action_type: ActionType;
  readonly payload: Readonly<Record<string, ArgsPath>>;
  readonly ignore?: readonly ArgsPath[];
  readonly toPayload?: never;
}

interface ComputedBinding<Args = never> {
  readonly action_type: ActionType;
  /**
   * Makes the payload, which must be JSON, where paths cannot say it or the arguments are not JSON; it answers for every argument. Arguments that
   * are not JSON cannot be frozen: the decision then says `toctou: unprotected`.
   */
  readonly toPayload: (args: Args) => unknown;
  readonly payload?: never;
  readonly ignore?: never;
}

/** The action that a tool stands for, or all of them where it does several things at once. */
export type ToolBindings<Args = never> = ToolBinding<Args> | readonly ToolBinding<Args>[];

/** A binding whose payload the host's own code makes. */
export interface ComputedAction {
  readonly actionType: string;
  readonly toPayload: (args: unknown) => unknown;
}

export type PreparedBinding = ActionBinding | ComputedAction;

/** Checks the bindings of the tool `name` and takes a copy of them. Throws `INVALID_OPTIONS` for what it cannot understand. */
export function prepareBindings(name: string, bindings: unknown): readonly PreparedBinding[] {
  const list: readonly unknown[] = Array.isArray(bindings) ? bindings : [bindings];
  if (list.length === 0) throw refusal(name, "is an empty list: leave it out, and the tool is an action type of its own");
  return Object.freeze(Array.from(list, (binding) => prepare(name, binding)));
}

function prepare(name: string, binding: unknown): PreparedBinding {
  if (typeof binding !== "object" || binding === null || Array.isArray(binding)) throw refusal(name, "is not an object");
  for (const key of Reflect.ownKeys(binding)) {
    if (typeof key === "symbol" || !bindingKeys.includes(key)) {
      throw refusal(name, `has an unknown key \`${String(key)}\`${nearestHint(String(key), bindingKeys)}`);
    }
  }
  const { action_type: actionType, payload, ignore, toPayload } = binding as Readonly<Record<string, unknown>>;
  if (typeof actionType !== "string" || actionType === "") throw refusal(name, "needs an `action_type`, a non-empty string");
  if (toPayload !== undefined) {
    if (typeof toPayload !== "function") throw refusal(name, "has a `toPayload` that is not a function");
    if (payload !== undefined || ignore !== undefined) {
      throw refusal(name, "has `toPayload` beside `payload` or `ignore`: a payload has one source");
    }
    return Object.freeze({ actionType, toPayload: toPayload as ComputedAction["toPayload"] });
  }
  return Object.freeze({ actionType, payload: mapping(name, actionType, payload), ignore: ignored(name, ignore) });
}

function mapping(name: string, actionType: string, payload: unknown): Readonly<Record<string, string>> {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) {
    throw refusal(name, "needs a `payload`, an object of paths such as `args.path`");
  }
  const schema = Object.hasOwn(standardActions, actionType) ? standardActions[actionType] : undefined;
  const entries = Object.entries(payload).map(([field, path]: [string, unknown]): [string, string] => {
    if (field === "args") throw refusal(name, "maps `args`, which always carries the full arguments: leave it out");
    if (!/^[A-Za-z_]\w*$/.test(field) || field === "__proto__") throw refusal(name, `maps \`${field}\`, which is no name of a field`);
    if (schema !== undefined && !Object.hasOwn(schema, field)) {
      throw refusal(name, `maps \`${field}\`, which \`${actionType}\` does not have${nearestHint(field, Object.keys(schema))}`);
    }
    return [field, checkedPath(name, path)];
  });
  const fields = new Set(entries.map(([field]) => field));
  for (const [field, { required }] of Object.entries(schema ?? {})) {
    if (required && !fields.has(field)) throw refusal(name, `does not map \`${field}\`, which \`${actionType}\` requires`);
  }
  return Object.freeze(Object.fromEntries(entries));
}

function ignored(name: string, ignore: unknown): readonly string[] {
  if (ignore === undefined) return Object.freeze([]);
  if (!Array.isArray(ignore)) throw refusal(name, "has an `ignore` that is not a list of paths such as `args.description`");
  return Object.freeze(Array.from(ignore, (path: unknown) => checkedPath(name, path)));
}

function checkedPath(name: string, path: unknown): string {
  if (typeof path !== "string") throw refusal(name, "has a path that is not a string");
  if (argumentKeys(path) === undefined)
    throw refusal(name, `has the path \`${path}\`, which does not lead into \`args\`: write \`args.name\``);
  return path;
}

const bindingKeys: readonly string[] = ["action_type", "payload", "ignore", "toPayload"];

function refusal(name: string, what: string): CanopyError {
  return new CanopyError("INVALID_OPTIONS", `the binding of tool \`${name}\` ${what}`);
}
