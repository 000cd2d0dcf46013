import type { FactFunction } from "../../facts/schema.ts";
import { Unknown, invalid } from "../../facts/unknown.ts";
import { unreachable } from "../../unreachable.ts";
import type { Types } from "./check.ts";
import { compareWith } from "./compare.ts";
import { comprehend } from "./comprehension.ts";
import { canonical, children } from "./expression.ts";
import type { Expression, Span } from "./expression.ts";
import { callFact, callMethod, readFact } from "./facts.ts";
import { hasField, readCommand, readIndex, readMember, readVariable } from "./fields.ts";
import type { Holder } from "./fields.ts";
import { arithmetic, asTruth, choose, junction, negate, not, size } from "./operators.ts";
import type { CompileRegex } from "./regex.ts";
import { containing, endingWith, matching, searchIn, searchPayload, startingWith } from "./search.ts";
import type { MakeSearch } from "./search.ts";
import { kindOf } from "./values.ts";
import type { Run } from "./values.ts";

/** Turns checked conditions into functions. One compiler serves a whole policy, so that what its conditions share is computed once a request. */
export interface Compiler {
  readonly compile: (condition: Expression, source: ConditionSource) => Run;
  /** An expression of any type, out of a condition that was checked. */
  readonly compileValue: (expression: Expression, source: ConditionSource) => Run;
}

export interface ConditionSource {
  /** The text that the condition was parsed from. */
  readonly text: string;
  readonly types: Types;
  readonly report: (at: Span, message: string) => void;
}

export function compiler(facts: ReadonlyMap<string, FactFunction>, regex: CompileRegex): Compiler {
  const shared = new Map<string, Run>();
  const alike = new Map<string, Run>();
  const partsOf = (source: ConditionSource): Parts => ({ facts, regex, shared, alike, source, levels: new Map() });
  return {
    compile: (condition, source) => truth(condition, partsOf(source)),
    compileValue: (expression, source) => compile(expression, partsOf(source)),
  };
}

interface Parts {
  readonly facts: ReadonlyMap<string, FactFunction>;
  readonly regex: CompileRegex;
  /** What is computed once a request. */
  readonly shared: Map<string, Run>;
  /** The functions of expressions that stand in several conditions and are cheap enough to be done again: one for all, to stay in the cache. */
  readonly alike: Map<string, Run>;
  readonly source: ConditionSource;
  /** The nesting of each comprehension variable in sight. */
  readonly levels: ReadonlyMap<string, number>;
}

/** An expression that must be true or false. */
function truth(expression: Expression, parts: Parts): Run {
  const run = compile(expression, parts);
  // What these answer is a truth by construction; a field, even of a fact, is one only when it is read.
  if (["not", "and", "or", "compare", "has"].includes(expression.kind)) return run;
  return asTruth(run, words(expression, parts));
}

function compile(expression: Expression, parts: Parts): Run {
  if (!closed(expression, new Set())) return build(expression, parts);
  const types = typeKeys(expression, parts).join(" ");
  if (!worthSharing(expression)) {
    // By its words and not its meaning: messages quote them.
    const spelt = `${words(expression, parts)}\n${types}`;
    const run = parts.alike.get(spelt) ?? build(expression, parts);
    parts.alike.set(spelt, run);
    return run;
  }
  const key = `${canonical(expression)}\n${types}`;
  const known = parts.shared.get(key);
  if (known !== undefined) return known;
  const run = build(expression, parts);
  // INVARIANT: taken after the parts were built, which take slots of their own; two expressions never share one.
  const slot = parts.shared.size;
  const remembered: Run = (scope) => {
    const before = scope.memo?.[slot];
    if (before !== undefined) return before;
    // What is shared must not depend on who asks first, so it has nothing to do with a comprehension around it, nor with its items.
    const { steps, items } = scope;
    scope.steps = null;
    scope.items = [];
    const value = run(scope);
    scope.steps = steps;
    scope.items = items;
    (scope.memo ??= [])[slot] = value;
    return value;
  };
  parts.shared.set(key, remembered);
  return remembered;
}

/** Looking an answer up costs as much as reading a field or comparing two values, so these are simply done again. */
function worthSharing(expression: Expression): boolean {
  return expression.kind === "call" || expression.kind === "method" || expression.kind === "macro";
}

/** Whether the expression means the same everywhere: it speaks of no variable of a comprehension around it. */
function closed(expression: Expression, bound: ReadonlySet<string>): boolean {
  if (expression.kind === "variable")
    return bound.has(expression.name) || ["agent_ctx", "action_type", "payload"].includes(expression.name);
  const inner = expression.kind === "macro" ? new Set([...bound, expression.variable]) : bound;
  return children(expression).every((child) => closed(child, inner));
}

/** What the same words may mean differently under different action types. */
function typeKeys(expression: Expression, parts: Parts): readonly string[] {
  return [parts.source.types.get(expression)?.kind ?? "", ...children(expression).flatMap((child) => typeKeys(child, parts))];
}

function words(expression: Expression, parts: Parts): string {
  return `\`${parts.source.text.slice(expression.start, expression.end)}\``;
}

function build(expression: Expression, parts: Parts): Run {
  switch (expression.kind) {
    case "literal": {
      const { value } = expression;
      return () => value;
    }
    case "variable":
      return readVariable(expression.name, parts.levels.get(expression.name));
    case "member":
      return member(expression, expression.name, parts);
    case "index":
      return index(expression, parts);
    case "has":
      return hasField(holder(expression.of, parts), expression.name);
    case "call":
      return call(expression, parts);
    case "method":
      return method(expression, parts);
    case "macro":
      return macro(expression, parts);
    case "list": {
      const items = expression.items.map((item) => compile(item, parts));
      if (expression.items.every((item) => item.kind === "literal")) {
        const constant = Object.freeze(expression.items.map((item) => (item.kind === "literal" ? item.value : null)));
        return () => constant;
      }
      return (scope) => items.map((item) => item(scope));
    }
    case "not":
      return not(truth(expression.of, parts));
    case "negate":
      return negate(compile(expression.of, parts), words(expression.of, parts));
    case "and":
    case "or":
      return junction(
        expression.items.map((item) => truth(item, parts)),
        expression.kind === "or",
      );
    case "compare":
      return compareWith(
        expression,
        compile(expression.left, parts),
        compile(expression.right, parts),
        parts.source.types,
        words(expression, parts),
      );
    case "arithmetic":
      return arithmetic(expression.operator, compile(expression.left, parts), compile(expression.right, parts), words(expression, parts));
    case "choose":
      return choose(truth(expression.test, parts), compile(expression.whenTrue, parts), compile(expression.otherwise, parts));
    default:
      return unreachable(expression);
  }
}

function member(expression: Expression & { readonly kind: "member" | "index" }, name: string, parts: Parts): Run {
  const of = compile(expression.of, parts);
  if (parts.source.types.get(expression.of)?.kind === "record") return readFact(of, name);
  return readMember(of, name, { text: words(expression.of, parts), place: words(expression, parts) });
}

function index(expression: Expression & { readonly kind: "index" }, parts: Parts): Run {
  const key = expression.at.kind === "literal" ? expression.at.value : undefined;
  if (typeof key === "string") return member(expression, key, parts);
  const place = { text: words(expression.of, parts), place: words(expression, parts) };
  return readIndex(compile(expression.of, parts), compile(expression.at, parts), place);
}

/** What should hold a field that `has()` asks for, and what should hold that, up to a variable or anything else that is no field. */
function holder(of: Expression, parts: Parts): Holder {
  const name =
    of.kind === "member"
      ? of.name
      : of.kind === "index" && of.at.kind === "literal" && typeof of.at.value === "string"
        ? of.at.value
        : null;
  const inside = name === null || (of.kind !== "member" && of.kind !== "index") ? null : { holder: holder(of.of, parts), name };
  return { read: compile(of, parts), text: words(of, parts), inside };
}

function call(expression: Expression & { readonly kind: "call" }, parts: Parts): Run {
  const [first] = expression.args;
  if (expression.name === "size" && first !== undefined) return sizeOf(first, parts);
  const fact = parts.facts.get(expression.name);
  const args = expression.args.map((argument) => compile(argument, parts));
  return fact === undefined ? () => invalid(`\`${expression.name}\` is unknown`) : callFact(fact, args);
}

function sizeOf(expression: Expression, parts: Parts): Run {
  return size(compile(expression, parts), parts.source.types.get(expression)?.kind, words(expression, parts));
}

function method(expression: Expression & { readonly kind: "method" }, parts: Parts): Run {
  const { name, args } = expression;
  const type = parts.source.types.get(expression.on);
  if (type?.kind === "record") {
    const found = type.record.members[name];
    const values = args.map((argument) => compile(argument, parts));
    return found?.kind === "method"
      ? callMethod(compile(expression.on, parts), name, found, values)
      : () => invalid(`\`${name}\` is unknown`);
  }
  const [argument] = args;
  if (argument === undefined) return sizeOf(expression.on, parts);
  const search = searchOf(name, argument, parts);
  if (type?.kind !== "payload") return searchIn(compile(expression.on, parts), search, words(expression.on, parts));
  const shell = parts.facts.get("shell");
  return searchPayload(search, shell === undefined ? null : callFact(shell, [readCommand]));
}

/** What `contains`, `startsWith`, `endsWith` and `matches` look for. */
function searchOf(name: string, argument: Expression, parts: Parts): MakeSearch {
  const constant = argument.kind === "literal" && typeof argument.value === "string" ? argument.value : undefined;
  if (name === "matches") {
    const matcher = parts.regex(constant ?? "");
    if (typeof matcher !== "function") parts.source.report(argument, matcher.problem);
    const search = typeof matcher === "function" ? matching(matcher) : invalid(matcher.problem);
    return () => search;
  }
  const make = name === "startsWith" ? startingWith : name === "endsWith" ? endingWith : containing;
  if (constant !== undefined) {
    if (constant === "") parts.source.report(argument, `\`${name}\` of an empty text is always true`);
    const search = make(constant);
    return () => search;
  }
  const part = compile(argument, parts);
  const text = words(argument, parts);
  return (scope) => {
    const value = part(scope);
    // Found in every text: somebody left out what should be looked for.
    if (value === "") return invalid(`${text} is empty`);
    if (typeof value === "string") return make(value);
    return value instanceof Unknown ? value : invalid(`${text} is ${kindOf(value)}, not a string`);
  };
}

function macro(expression: Expression & { readonly kind: "macro" }, parts: Parts): Run {
  const level = parts.levels.size;
  const inner: Parts = { ...parts, levels: new Map([...parts.levels, [expression.variable, level]]) };
  const { name } = expression;
  return comprehend({
    name,
    level,
    on: compile(expression.on, parts),
    where: expression.where === null ? null : truth(expression.where, inner),
    body: name === "map" ? compile(expression.body, inner) : truth(expression.body, inner),
    text: words(expression.on, parts),
    keys: parts.source.types.get(expression.on)?.kind === "map",
  });
}
