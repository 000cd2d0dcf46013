import type { FactFunction } from "../../facts/schema.ts";
import { Unknown, invalid, open } from "../../facts/unknown.ts";
import { isJsonObject } from "../../json.ts";
import { unreachable } from "../../unreachable.ts";
import type { Types } from "./check.ts";
import { comprehend } from "./comprehension.ts";
import { canonical, children } from "./expression.ts";
import type { Expression, Macro, Span } from "./expression.ts";
import { callFact, callMethod, readFact } from "./facts.ts";
import { calculate, isNumber, negated } from "./numbers.ts";
import { compareWith } from "./compare.ts";
import type { CompileRegex } from "./regex.ts";
import { asTruth } from "./truth.ts";
import { containing, matching, searchPayload, searchValue } from "./search.ts";
import { searchedCharacters } from "./payload-texts.ts";
import { asValue, isObject, kindOf, listOf, worse } from "./values.ts";
import type { Run, Scope, Value } from "./values.ts";

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
  const partsOf = (source: ConditionSource): Parts => ({ facts, regex, shared, source, levels: new Map() });
  return {
    compile: (condition, source) => truth(condition, partsOf(source)),
    compileValue: (expression, source) => compile(expression, partsOf(source)),
  };
}

interface Parts {
  readonly facts: ReadonlyMap<string, FactFunction>;
  readonly regex: CompileRegex;
  readonly shared: Map<string, Run>;
  readonly source: ConditionSource;
  /** The nesting of each comprehension variable in sight. */
  readonly levels: ReadonlyMap<string, number>;
}

/** An expression that must be true or false. */
function truth(expression: Expression, parts: Parts): Run {
  const run = compile(expression, parts);
  // What these answer is a truth by construction; a field, even of a fact, is one only when it is read.
  if (["not", "and", "or", "compare", "has"].includes(expression.kind)) return run;
  return asTruth(run, parts.source.text.slice(expression.start, expression.end));
}

function compile(expression: Expression, parts: Parts): Run {
  if (!worthSharing(expression) || !closed(expression, new Set())) return build(expression, parts);
  const key = `${canonical(expression)}\n${typeKeys(expression, parts).join(" ")}`;
  const known = parts.shared.get(key);
  if (known !== undefined) return known;
  const run = build(expression, parts);
  // INVARIANT: taken after the parts were built, which take slots of their own; two expressions never share one.
  const slot = parts.shared.size;
  const remembered: Run = (scope) => {
    const before = scope.memo?.get(slot);
    if (before !== undefined) return before;
    // What is shared must not depend on who asks first, so it has nothing to do with a comprehension around it, nor with its items.
    const { steps, items } = scope;
    scope.steps = null;
    scope.items = [];
    const value = run(scope);
    scope.steps = steps;
    scope.items = items;
    (scope.memo ??= new Map()).set(slot, value);
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
      return variable(expression.name, parts);
    case "member":
      return member(expression, expression.name, parts);
    case "index":
      return index(expression, parts);
    case "has":
      return has(expression, parts);
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
    case "not": {
      const of = truth(expression.of, parts);
      return (scope) => {
        const value = of(scope);
        return value instanceof Unknown ? value : value === false;
      };
    }
    case "negate": {
      const of = compile(expression.of, parts);
      const text = words(expression.of, parts);
      return (scope) => {
        const value = of(scope);
        if (value instanceof Unknown) return value;
        return isNumber(value) ? negated(value) : invalid(`${text} is ${kindOf(value)}, not a number`);
      };
    }
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
      return arithmetic(expression, parts);
    case "choose":
      return choose(expression, parts);
    default:
      return unreachable(expression);
  }
}

/** Kleene's `and` (`decisive` false) and `or` (`decisive` true): the decisive value wins over whatever is unknown. */
export function junction(items: readonly Run[], decisive: boolean): Run {
  return (scope) => {
    let unknown: Unknown | undefined;
    for (const item of items) {
      const value = item(scope);
      if (value === decisive) return decisive;
      if (value instanceof Unknown) unknown = worse(unknown, value);
    }
    return unknown ?? !decisive;
  };
}

function variable(name: string, parts: Parts): Run {
  const level = parts.levels.get(name);
  if (level !== undefined) return (scope) => scope.items[level] ?? invalid(`\`${name}\` has no value`);
  switch (name) {
    case "agent_ctx":
      return (scope) => scope.agentCtx;
    case "payload":
      return (scope) => scope.payload;
    case "action_type":
      return (scope) => scope.actionType;
    default:
      return () => invalid(`\`${name}\` is unknown`);
  }
}

function member(expression: Expression & { readonly kind: "member" | "index" }, name: string, parts: Parts): Run {
  const of = compile(expression.of, parts);
  if (parts.source.types.get(expression.of)?.kind === "record") return readFact(of, name);
  const missing = invalid(`${words(expression, parts)} is missing`);
  const text = words(expression.of, parts);
  return (scope) => {
    const value = of(scope);
    if (value instanceof Unknown) return value;
    if (!isObject(value)) return invalid(`${text} is ${kindOf(value)}, not an object`);
    return Object.hasOwn(value, name) ? (value[name] ?? (value[name] === null ? null : missing)) : missing;
  };
}

function index(expression: Expression & { readonly kind: "index" }, parts: Parts): Run {
  const key = expression.at.kind === "literal" ? expression.at.value : undefined;
  if (typeof key === "string") return member(expression, key, parts);
  const of = compile(expression.of, parts);
  const at = compile(expression.at, parts);
  const [text, place] = [words(expression.of, parts), words(expression, parts)];
  return (scope) => {
    const value = of(scope);
    const where = at(scope);
    if (value instanceof Unknown) return where instanceof Unknown ? worse(value, where) : value;
    if (where instanceof Unknown) return where;
    if (typeof where === "string") {
      if (!isObject(value)) return invalid(`${text} is ${kindOf(value)}, not an object`);
      return Object.hasOwn(value, where) ? asValue(value[where]) : invalid(`${place} is missing`);
    }
    const list = listOf(value, text);
    if (list instanceof Unknown) return list;
    if (list.open !== null) return open(list.open);
    const found = typeof where === "number" && Number.isSafeInteger(where) && where >= 0 ? list.items[where] : undefined;
    return found === undefined ? invalid(`${place} is missing`) : asValue(found);
  };
}

/** Presence. False also where what should hold the field is absent itself; a holder of another type makes it unknown. */
function has(expression: Expression & { readonly kind: "has" }, parts: Parts): Run {
  const of = compile(expression.of, parts);
  const outer = presence(expression.of, parts);
  const text = words(expression.of, parts);
  return (scope) => {
    const present = outer === null ? true : outer(scope);
    if (present !== true) return present;
    const value = of(scope);
    if (value instanceof Unknown) return value;
    if (!isObject(value)) return invalid(`${text} is ${kindOf(value)}, not an object`);
    return Object.hasOwn(value, expression.name) && value[expression.name] !== undefined;
  };
}

function presence(expression: Expression, parts: Parts): Run | null {
  if (expression.kind === "member") return has({ ...expression, kind: "has" }, parts);
  if (expression.kind === "index" && expression.at.kind === "literal" && typeof expression.at.value === "string") {
    return has({ start: expression.start, end: expression.end, kind: "has", of: expression.of, name: expression.at.value }, parts);
  }
  return null;
}

function call(expression: Expression & { readonly kind: "call" }, parts: Parts): Run {
  const [first] = expression.args;
  if (expression.name === "size" && first !== undefined) return size(first, parts);
  const fact = parts.facts.get(expression.name);
  const args = expression.args.map((argument) => compile(argument, parts));
  return fact === undefined ? () => invalid(`\`${expression.name}\` is unknown`) : callFact(fact, args);
}

/**
 * Items of a list, keys of an object, code points of a text. Of a value whose type only the request shows it counts items and nothing else:
 * otherwise a caller could send a short text for a long list.
 */
function size(expression: Expression, parts: Parts): Run {
  const of = compile(expression, parts);
  const type = parts.source.types.get(expression)?.kind;
  const text = words(expression, parts);
  return (scope) => {
    const value = of(scope);
    if (value instanceof Unknown) return value;
    if (type === "string" && typeof value === "string") return codePoints(value);
    if (type === "map" && isObject(value)) return Object.keys(value).length;
    if (type === "string" || type === "map") return invalid(`${text} is ${kindOf(value)}`);
    if (typeof value === "string") return invalid(`${text} is a string, not a list; the length of text is \`size(… + "")\``);
    const list = listOf(value, text);
    if (list instanceof Unknown) return list;
    return list.open === null ? list.items.length : open(list.open);
  };
}

function codePoints(text: string): number {
  let pairs = 0;
  for (let at = 1; at < text.length; at += 1) {
    const [high, low] = [text.charCodeAt(at - 1), text.charCodeAt(at)];
    if (high >= 0xd800 && high <= 0xdbff && low >= 0xdc00 && low <= 0xdfff) pairs += 1;
  }
  return text.length - pairs;
}

function method(expression: Expression & { readonly kind: "method" }, parts: Parts): Run {
  const { name, args } = expression;
  const type = parts.source.types.get(expression.on);
  if (type?.kind === "record") {
    const found = type.record.members[name];
    const on = compile(expression.on, parts);
    const values = args.map((argument) => compile(argument, parts));
    return found?.kind === "method" ? callMethod(on, name, found, values) : () => invalid(`\`${name}\` is unknown`);
  }
  const [argument] = args;
  if (argument === undefined) return size(expression.on, parts);
  if (name === "startsWith" || name === "endsWith") return affix(expression, argument, name, parts);
  if (name === "matches") {
    const pattern = argument.kind === "literal" && typeof argument.value === "string" ? argument.value : "";
    const matcher = parts.regex(pattern);
    if (typeof matcher === "function") return textSearch(expression, () => matching(matcher), parts);
    parts.source.report(argument, matcher.problem);
    return () => invalid(matcher.problem);
  }
  if (argument.kind === "literal" && typeof argument.value === "string") {
    const search = containing(argument.value);
    return textSearch(expression, () => search, parts);
  }
  const part = compile(argument, parts);
  const text = words(argument, parts);
  return textSearch(expression, (scope) => textOr(part(scope), text, containing), parts);
}

function textOr<T>(value: Value, text: string, make: (part: string) => T): T | Unknown {
  if (typeof value === "string") return make(value);
  return value instanceof Unknown ? value : invalid(`${text} is ${kindOf(value)}, not a string`);
}

type MakeSearch = (scope: Scope) => ReturnType<typeof containing> | Unknown;

function textSearch(expression: Expression & { readonly kind: "method" }, make: MakeSearch, parts: Parts): Run {
  const text = words(expression.on, parts);
  if (parts.source.types.get(expression.on)?.kind !== "payload") {
    const on = compile(expression.on, parts);
    return (scope) => {
      const value = on(scope);
      const search = make(scope);
      if (search instanceof Unknown) return value instanceof Unknown ? worse(value, search) : search;
      return searchValue(value, search, text);
    };
  }
  const fact = parts.facts.get("shell");
  const shell = fact === undefined ? null : callFact(fact, [command]);
  return (scope) => {
    const search = make(scope);
    return search instanceof Unknown ? search : searchPayload(search, shell)(scope);
  };
}

const missingCommand: Unknown = invalid("`payload.command` is missing");

function command(scope: Scope): Value {
  return isJsonObject(scope.payload) ? (scope.payload["command"] ?? missingCommand) : missingCommand;
}

function affix(
  expression: Expression & { readonly kind: "method" },
  argument: Expression,
  name: "startsWith" | "endsWith",
  parts: Parts,
): Run {
  const on = compile(expression.on, parts);
  const part = compile(argument, parts);
  const [text, partText] = [words(expression.on, parts), words(argument, parts)];
  return (scope) => {
    const value = on(scope);
    const test = textOr(part(scope), partText, (affixed) => affixed);
    if (test instanceof Unknown) return value instanceof Unknown ? worse(value, test) : test;
    return searchValue(value, (whole) => whole[name](test), text);
  };
}

function macro(expression: Expression & { readonly kind: "macro" }, parts: Parts): Run {
  const level = parts.levels.size;
  const inner: Parts = { ...parts, levels: new Map([...parts.levels, [expression.variable, level]]) };
  const name: Macro = expression.name;
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

function arithmetic(expression: Expression & { readonly kind: "arithmetic" }, parts: Parts): Run {
  const left = compile(expression.left, parts);
  const right = compile(expression.right, parts);
  const { operator } = expression;
  const text = words(expression, parts);
  return (scope) => {
    const [a, b] = [left(scope), right(scope)];
    if (a instanceof Unknown) return b instanceof Unknown ? worse(a, b) : a;
    if (b instanceof Unknown) return b;
    if (isNumber(a) && isNumber(b)) return calculate(operator, a, b);
    if (operator === "+" && typeof a === "string" && typeof b === "string") {
      return a.length + b.length <= searchedCharacters ? a + b : invalid(`${text} is longer than ${searchedCharacters} characters`);
    }
    if (operator === "+" && Array.isArray(a) && Array.isArray(b)) {
      return a.length + b.length <= searchedCharacters ? [...a, ...b] : invalid(`${text} has more than ${searchedCharacters} items`);
    }
    return invalid(`${text}: \`${operator}\` between ${kindOf(a)} and ${kindOf(b)}`);
  };
}

/** Where the test is unknown both ways are looked at: they may agree, and one that is invalid must show. */
function choose(expression: Expression & { readonly kind: "choose" }, parts: Parts): Run {
  const test = truth(expression.test, parts);
  const then = compile(expression.whenTrue, parts);
  const otherwise = compile(expression.otherwise, parts);
  return (scope) => {
    const answer = test(scope);
    if (!(answer instanceof Unknown)) return answer === true ? then(scope) : otherwise(scope);
    const [a, b] = [then(scope), otherwise(scope)];
    if (typeof a === "boolean" && a === b) return a;
    const unknown = a instanceof Unknown ? worse(answer, a) : answer;
    return b instanceof Unknown ? worse(unknown, b) : unknown;
  };
}
