import { Effects } from "../../facts/effects.ts";
import { Unknown, invalid, open } from "../../facts/unknown.ts";
import type { Macro } from "./expression.ts";
import { asValue, isObject, kindOf, listOf, worse } from "./values.ts";
import type { Run, Scope, Value } from "./values.ts";

/** The items that one comprehension, with all that is nested in it, may look at. */
const comprehensionSteps = 10_000;

/** `on.name(x, where, body)`, for the item at nesting `level`. */
export interface Comprehension {
  readonly name: Macro;
  readonly on: Run;
  readonly level: number;
  readonly where: Run | null;
  readonly body: Run;
  /** What is gone through, as the condition has it. */
  readonly text: string;
  /** Whether the condition says that it goes through the keys of an object. Anything else must be a list when it is judged. */
  readonly keys: boolean;
}

/**
 * Goes through a list. Kleene: `exists` is true on one witness whatever else is unknown, `all` false on one counterexample. A list that is open
 * holds its witnesses and counterexamples; that there is none it cannot say.
 */
export function comprehend(comprehension: Comprehension): Run {
  const go = comprehension.name === "filter" || comprehension.name === "map" ? collect : quantify;
  return (scope) => {
    const on = comprehension.on(scope);
    const list = comprehension.keys ? keysOf(on, comprehension.text) : listOf(on, comprehension.text);
    if (list instanceof Unknown) return list;
    const outermost = scope.steps === null;
    // Of each comprehension its own, so that what one condition costs never changes the answer of another.
    if (outermost) scope.steps = comprehensionSteps;
    const answer = go(comprehension, list, scope);
    if (outermost) scope.steps = null;
    return answer;
  };
}

type List = { readonly items: readonly unknown[]; readonly open: string | null };

const tooMany: Unknown = invalid(`a condition looks at more than ${comprehensionSteps} items`);

function quantify({ name, body, level }: Comprehension, list: List, scope: Scope): Value {
  let unknown: Unknown | undefined = list.open === null ? undefined : open(list.open);
  let found = 0;
  for (const item of list.items) {
    if (!step(scope)) return worse(unknown, tooMany);
    scope.items[level] = asValue(item);
    const answer = body(scope);
    if (answer instanceof Unknown) unknown = worse(unknown, answer);
    else if (name === "all" && answer === false) return false;
    else if (name !== "all" && answer === true) {
      found += 1;
      if (name === "exists") return true;
      // Two are too many, whatever the others are.
      if (found > 1) return false;
    }
  }
  if (unknown !== undefined) return unknown;
  return name === "exists_one" ? found === 1 : name === "all";
}

function collect({ name, where, body, level }: Comprehension, list: List, scope: Scope): Value {
  const kept: unknown[] = [];
  let unknown: Unknown | undefined;
  for (const item of list.items) {
    if (!step(scope)) return worse(unknown, tooMany);
    const value = asValue(item);
    scope.items[level] = value;
    const keep = name === "filter" ? body(scope) : (where?.(scope) ?? true);
    if (keep instanceof Unknown) unknown = worse(unknown, keep);
    else if (keep === true) kept.push(name === "filter" ? value : body(scope));
  }
  if (unknown?.kind === "invalid") return unknown;
  const why = list.open ?? unknown?.why ?? null;
  // Whether an item belongs is unknown: the ones that surely do are still witnesses.
  return why === null ? kept : new Effects(kept, why);
}

function step(scope: Scope): boolean {
  scope.steps = (scope.steps ?? 0) - 1;
  return scope.steps >= 0;
}

function keysOf(value: Value, text: string): List | Unknown {
  if (value instanceof Unknown) return value;
  return isObject(value) ? { items: Object.keys(value), open: null } : invalid(`${text} is ${kindOf(value)}, not an object`);
}
