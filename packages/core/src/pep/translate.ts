import { CanopyError } from "../errors.ts";
import { cloneJson, isJsonObject, member } from "../json.ts";
import type { JsonValue } from "../json.ts";
import { standardActions } from "../policy/actions.ts";
import type { Action, ToolCall } from "../runtime/authorizer.ts";
import type { ActionBinding } from "../policy/bindings.ts";
import { argumentKeys, isOptional } from "../policy/bindings.ts";
import type { ComputedAction, PreparedBinding } from "./binding.ts";

/** The arguments of a call, taken once: `judged` shares nothing with what the caller still holds. */
export type Snapshot =
  | { readonly kind: "json"; readonly judged: JsonValue }
  | { readonly kind: "other"; readonly given: unknown; readonly why: string };

/** What an authorizer is asked about one tool call. */
export interface Translation {
  readonly actions: readonly [Action, ...Action[]];
  readonly args: JsonValue;
  readonly toctou?: ToolCall["toctou"];
  /** Why the call cannot be judged, hence must not run. */
  readonly refused?: string;
}

/** Clones and freezes arguments; no arguments at all are judged as `{}`. Never throws. */
export function snapshot(args: unknown): Snapshot {
  try {
    return { kind: "json", judged: cloneJson(args === undefined ? {} : args) };
  } catch (error) {
    return { kind: "other", given: args, why: error instanceof CanopyError ? error.message : "the arguments cannot be read" };
  }
}

/**
 * The actions that a call of tool `name` stands for. Each source binds the tool by itself (the adapter, the policy): the actions of all of
 * them are judged, and each must account for every argument. Bound by none, the tool is the action type `unbound` with its arguments as
 * payload. Never throws: what cannot be judged comes back `refused`.
 */
export function translate(unbound: string, args: Snapshot, sources: readonly (readonly PreparedBinding[])[]): Translation {
  const bound = sources.filter((source) => source.length > 0);
  try {
    if (args.kind === "other") return translateOther(args, bound.flat());
    const { judged } = args;
    return { actions: nonEmpty(bound.flatMap((source) => actionsOf(source, judged))) ?? [ownAction(unbound, judged)], args: judged };
  } catch (error) {
    const why = error instanceof CanopyError ? error.message : "`toPayload` of its binding threw an error";
    const [first = unbound, ...rest] = bound.flat().map((binding) => binding.actionType);
    const attempt = (actionType: string): Action => ({ actionType, payload: {}, open: [why] });
    return {
      actions: [attempt(first), ...rest.map(attempt)],
      args: args.kind === "json" ? args.judged : null,
      refused: `the arguments cannot be judged (${why})`,
    };
  }
}

function actionsOf(source: readonly PreparedBinding[], judged: JsonValue): readonly Action[] {
  const left = source.some(isComputed) ? [] : unaccounted(source.filter(isMapped), judged);
  return source.map((binding, index): Action => {
    const clauses = [...(index === 0 ? left : []), ...(isComputed(binding) ? [] : missing(binding, judged))];
    const open = clauses.length > 0 ? { open: clauses } : {};
    const payload = isComputed(binding) ? computed(binding, judged) : mapped(binding, judged);
    return {
      actionType: binding.actionType,
      payload: isJsonObject(payload) ? Object.freeze({ ...payload, args: judged }) : payload,
      ...open,
    };
  });
}

/** Arguments that are not JSON can be judged by what the host's `toPayload` makes of them, and by nothing else. */
function translateOther(args: Snapshot & { kind: "other" }, bindings: readonly PreparedBinding[]): Translation {
  const computing = bindings.filter(isComputed);
  if (computing.length < bindings.length) throw new CanopyError("NOT_JSON", args.why);
  const actions = nonEmpty(
    computing.map((binding): Action => ({ actionType: binding.actionType, payload: computed(binding, args.given) })),
  );
  if (actions === undefined) throw new CanopyError("NOT_JSON", args.why);
  const payloads = actions.map((action) => action.payload as JsonValue);
  return { actions, args: payloads.length === 1 ? (payloads[0] ?? null) : payloads, toctou: "unprotected" };
}

/**
 * A tool that nobody bound. One that is called like a standard action is judged as that action, but only where its arguments are exactly the
 * payload's: anything beside them (`args`, or the `cwd` and `dialect` that only a binding can vouch for) might change what the call means.
 */
function ownAction(actionType: string, judged: JsonValue): Action {
  const schema = Object.hasOwn(standardActions, actionType) ? standardActions[actionType] : undefined;
  if (schema === undefined || !isJsonObject(judged)) return { actionType, payload: judged };
  const fields = Object.keys(schema).filter((field) => !unvouched.includes(field));
  const binding: ActionBinding = { actionType, payload: Object.fromEntries(fields.map((field) => [field, `args.${field}?`])), ignore: [] };
  const left = unaccounted([binding], judged);
  if (left.length === 0) return { actionType, payload: judged };
  return { actionType, payload: Object.freeze({ ...mapped(binding, judged), args: judged }), open: left };
}

const unvouched: readonly string[] = ["args", "cwd", "dialect"];

function mapped(binding: ActionBinding, judged: JsonValue): Readonly<Record<string, JsonValue>> {
  return Object.fromEntries(
    Object.entries(binding.payload).flatMap(([field, path]) => {
      const value = valueAt(path, judged);
      return value === undefined ? [] : [[field, value]];
    }),
  );
}

/** What a call had to say for this binding and did not, as clauses. */
function missing(binding: ActionBinding, judged: JsonValue): readonly string[] {
  return Object.values(binding.payload).flatMap((path) =>
    isOptional(path) || valueAt(path, judged) !== undefined ? [] : [`argument \`${shown(keysOf(path))}\` is bound and not there`],
  );
}

/** Models say `null` where they leave out an argument that their schema wants to see. */
function valueAt(path: string, judged: JsonValue): JsonValue | undefined {
  const value = keysOf(path).reduce(step, judged);
  return value === null && isOptional(path) ? undefined : value;
}

function computed(binding: ComputedAction, args: unknown): JsonValue {
  return cloneJson(binding.toPayload(args));
}

/** The arguments that no binding of `source` maps or ignores, as clauses. What is mapped below an argument accounts for that part of it alone. */
function unaccounted(source: readonly ActionBinding[], judged: JsonValue): readonly string[] {
  const covered = source.flatMap((binding) => [...Object.values(binding.payload), ...binding.ignore]).map(keysOf);
  const left: string[] = [];
  let more = 0;

  function visit(value: JsonValue, keys: readonly string[]): void {
    if (covered.some((path) => path.length === keys.length && startsWith(path, keys))) return;
    const inside = covered.some((path) => path.length > keys.length && startsWith(path, keys));
    const isWhole = keys.length === 0;
    if ((inside || isWhole) && typeof value === "object" && value !== null) {
      for (const [key, item] of Object.entries(value)) visit(item, [...keys, key]);
      return;
    }
    if (left.length >= 8) more += 1;
    else left.push(isWhole ? "the arguments are neither bound nor ignored" : `argument \`${shown(keys)}\` is neither bound nor ignored`);
  }

  visit(judged, []);
  return more === 0 ? left : [...left, `${more} more arguments are neither bound nor ignored`];
}

function step(value: JsonValue | undefined, key: string): JsonValue | undefined {
  if (Array.isArray(value)) return /^(0|[1-9]\d{0,8})$/.test(key) ? (value as readonly JsonValue[])[Number(key)] : undefined;
  return isJsonObject(value) ? member(value, key) : undefined;
}

function keysOf(path: string): readonly string[] {
  const keys = argumentKeys(path);
  if (keys === undefined) throw new CanopyError("POLICY_INVALID", `the path \`${path}\` of a binding does not lead into \`args\``);
  return keys;
}

function startsWith(path: readonly string[], keys: readonly string[]): boolean {
  return keys.every((key, index) => path[index] === key);
}

function shown(keys: readonly string[]): string {
  return keys
    .join(".")
    .replaceAll(/[\p{C}\p{Z}`]/gu, " ")
    .slice(0, 60)
    .toWellFormed();
}

function isComputed(binding: PreparedBinding): binding is ComputedAction {
  return Object.hasOwn(binding, "toPayload");
}

function isMapped(binding: PreparedBinding): binding is ActionBinding {
  return !isComputed(binding);
}

function nonEmpty<T>(items: readonly T[]): readonly [T, ...T[]] | undefined {
  const [first, ...rest] = items;
  return first === undefined ? undefined : [first, ...rest];
}
