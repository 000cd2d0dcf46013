import type { ValueType } from "../../facts/schema.ts";
import { unreachable } from "../../unreachable.ts";
import { nearest } from "../nearest.ts";
import { quoted } from "../problems.ts";
import { children } from "./expression.ts";
import type { Expression, Span } from "./expression.ts";
import { Double, Uint } from "./numbers.ts";
import { arithmeticType, fitComparison, fitSize } from "./signatures.ts";
import type { Type } from "./types.ts";
import { bool, comparable, doubleType, dyn, int, isNumeric, joined, list, nullType, string, typeName, uintType } from "./types.ts";
import { factMethod, fitArguments, memberType, nearMiss } from "./vocabulary.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** The static type of every expression in a condition. */
export type Types = ReadonlyMap<Expression, Type>;

/** Type-checks a condition and reports what can never be meant: an unknown name, a comparison that can only be unknown. */
export function check(condition: Expression, vocabulary: Vocabulary): Types {
  const types = new Map<Expression, Type>();
  const scope: Scope = { vocabulary, types, names: new Map() };
  if (vocabulary.quoting === true) typeOf(condition, scope);
  else requireBoolean(condition, scope);
  return types;
}

/** The fields of the payload that `condition` asks for with `has()`. */
export function askedFields(condition: Expression): readonly string[] {
  const inner = children(condition).flatMap(askedFields);
  if (condition.kind !== "has") return inner;
  // `has(payload.a.b)` asks for `a` as well.
  let of: Expression = condition.of;
  let { name } = condition;
  while (of.kind === "member") ({ of, name } = of);
  return of.kind === "variable" && of.name === "payload" ? [...inner, name] : inner;
}

interface Scope {
  readonly vocabulary: Vocabulary;
  /** What was found so far. */
  readonly types: Map<Expression, Type>;
  /** The variables of comprehensions in sight. */
  readonly names: ReadonlyMap<string, Type>;
}

const variables = ["agent_ctx", "action_type", "payload"];
const textMethods = ["contains", "startsWith", "endsWith", "matches"];
const listMethods = ["exists", "all", "exists_one", "filter", "map"];

function requireBoolean(expression: Expression, scope: Scope): void {
  const type = typeOf(expression, scope);
  if (type.kind !== "bool" && type.kind !== "dyn")
    scope.vocabulary.report(expression, `${typeName(type)} is no condition: it is neither true nor false`);
}

function typeOf(expression: Expression, scope: Scope): Type {
  const type = infer(expression, scope);
  scope.types.set(expression, type);
  return type;
}

function infer(expression: Expression, scope: Scope): Type {
  switch (expression.kind) {
    case "literal":
      return literalType(expression.value);
    case "variable":
      return variableType(expression, expression.name, scope);
    case "member":
      return memberType(expression, typeOf(expression.of, scope), expression.name, scope.vocabulary);
    case "index":
      return index(expression, scope);
    case "has":
      return has(expression, scope);
    case "call":
      return call(expression, expression.name, expression.args, scope);
    case "method":
      return method(expression, scope);
    case "macro":
      return macro(expression, scope);
    case "list":
      return listType(expression, expression.items, scope);
    case "not":
      requireBoolean(expression.of, scope);
      return bool;
    case "negate": {
      const type = typeOf(expression.of, scope);
      if (type.kind !== "dyn" && type.kind !== "int" && type.kind !== "double") {
        scope.vocabulary.report(expression, `\`-\` takes a number, this is ${typeName(type)}`);
      }
      return type;
    }
    case "and":
    case "or":
      for (const item of expression.items) requireBoolean(item, scope);
      return bool;
    case "compare":
      fitComparison(expression, typeOf(expression.left, scope), typeOf(expression.right, scope), scope.vocabulary.report);
      return bool;
    case "arithmetic":
      return arithmeticType(expression, plain(expression.left, scope), plain(expression.right, scope), scope.vocabulary.report);
    case "choose": {
      requireBoolean(expression.test, scope);
      return joined(plain(expression.whenTrue, scope), plain(expression.otherwise, scope));
    }
    default:
      return unreachable(expression);
  }
}

/** A value that is passed on. Passed on whole, the payload would no longer be known to be the payload, and its fields not be checked. */
function plain(expression: Expression, scope: Scope): ValueType {
  const type = typeOf(expression, scope);
  if (type.kind !== "payload" && type.kind !== "agent_ctx") return type;
  scope.vocabulary.report(expression, `say which field of \`${type.kind}\` is meant`);
  return dyn;
}

function variableType(at: Span, name: string, scope: Scope): Type {
  const local = scope.names.get(name);
  if (local !== undefined) return local;
  if (name === "agent_ctx" || name === "payload") return { kind: name };
  if (name === "action_type") return string;
  if (scope.vocabulary.facts.has(name)) {
    scope.vocabulary.report(at, `\`${name}\` is a function; it is called as \`${name}(payload.…)\``);
    return dyn;
  }
  const near = nearest(name, [...variables, ...scope.names.keys()]);
  const advice = near === undefined ? `; text is written in quotes: \`"${name}"\`` : "";
  scope.vocabulary.report(at, `unknown name ${quoted(name)}${advice}`, near);
  return dyn;
}

function index(expression: Expression & { readonly kind: "index" }, scope: Scope): Type {
  const of = typeOf(expression.of, scope);
  const at = typeOf(expression.at, scope);
  const key = expression.at.kind === "literal" ? expression.at.value : undefined;
  if (typeof key === "string" && of.kind !== "list") return memberType(expression, of, key, scope.vocabulary);
  switch (of.kind) {
    case "list":
      if (at.kind !== "dyn" && !isNumeric(at))
        scope.vocabulary.report(expression.at, `a list is indexed by a number, not by ${typeName(at)}`);
      return of.of;
    case "payload":
      if (scope.vocabulary.payload.standard.length > 0) scope.vocabulary.report(expression.at, "say which field of the payload is meant");
      return dyn;
    case "map":
    case "agent_ctx":
      if (at.kind !== "dyn" && at.kind !== "string")
        scope.vocabulary.report(expression.at, `an object is indexed by text, not by ${typeName(at)}`);
      return of.kind === "map" ? of.of : dyn;
    case "dyn":
      return dyn;
    default:
      scope.vocabulary.report(expression, `${typeName(of)} cannot be indexed`);
      return dyn;
  }
}

function has(expression: Expression & { readonly kind: "has" }, scope: Scope): Type {
  const of = typeOf(expression.of, scope);
  if (of.kind !== "payload" && of.kind !== "agent_ctx" && of.kind !== "map" && of.kind !== "dyn") {
    scope.vocabulary.report(expression, "`has()` asks for a field of `payload` or `agent_ctx`");
  }
  if (of.kind === "payload") nearMiss(expression, expression.name, scope.vocabulary);
  if (of.kind === "agent_ctx") memberType(expression, of, expression.name, scope.vocabulary);
  return bool;
}

function call(at: Span, name: string, args: readonly Expression[], scope: Scope): Type {
  const types = args.map((argument) => typeOf(argument, scope));
  if (name === "size") {
    const [type] = types;
    if (args.length !== 1 || type === undefined) scope.vocabulary.report(at, "`size()` takes one value");
    else fitSize(at, type, scope.vocabulary.report);
    return int;
  }
  const fact = scope.vocabulary.facts.get(name);
  if (fact === undefined) {
    scope.vocabulary.report(at, `unknown function ${quoted(name)}`, nearest(name, [...scope.vocabulary.facts.keys(), "size", "has"]));
    return dyn;
  }
  fitArguments(at, name, fact.parameters, types, scope.vocabulary.report);
  return { kind: "record", record: fact.result };
}

function method(expression: Expression & { readonly kind: "method" }, scope: Scope): Type {
  const { name, args } = expression;
  const on = typeOf(expression.on, scope);
  const types = args.map((argument) => typeOf(argument, scope));
  if (on.kind === "record") return factMethod(expression, on.record, name, types, scope.vocabulary);
  if (name === "size" && args.length === 0) {
    fitSize(expression, on, scope.vocabulary.report);
    return int;
  }
  if (!textMethods.includes(name)) {
    const known = [...textMethods, ...listMethods, "size"];
    scope.vocabulary.report(expression, `unknown function ${quoted(name)}`, nearest(name, known));
    return dyn;
  }
  const [type] = types;
  if (args.length !== 1 || type === undefined) scope.vocabulary.report(expression, `\`${name}\` takes one text`);
  else if (type.kind !== "string" && type.kind !== "dyn")
    scope.vocabulary.report(expression, `\`${name}\` takes text, not ${typeName(type)}`);
  if (on.kind === "list" && name === "contains") {
    scope.vocabulary.report(expression, '`contains` searches text; ask a list with `in`, as in `"x" in list`');
  } else if (on.kind !== "string" && on.kind !== "dyn" && !(on.kind === "payload" && (name === "contains" || name === "matches"))) {
    scope.vocabulary.report(expression, `\`${name}\` searches text, this is ${typeName(on)}`);
  }
  const [argument] = args;
  if (name === "matches" && !(argument?.kind === "literal" && typeof argument.value === "string")) {
    scope.vocabulary.report(
      expression,
      "`matches` takes its pattern as text in quotes, so that it can be checked when the policy is loaded",
    );
  }
  return bool;
}

function macro(expression: Expression & { readonly kind: "macro" }, scope: Scope): Type {
  const { name, variable } = expression;
  const on = typeOf(expression.on, scope);
  const item: Type = on.kind === "list" ? on.of : on.kind === "map" ? string : dyn;
  if (on.kind !== "list" && on.kind !== "map" && on.kind !== "dyn") {
    scope.vocabulary.report(expression, `\`${name}\` goes through a list, this is ${typeName(on)}`);
  }
  if (variables.includes(variable) || scope.names.has(variable) || scope.vocabulary.facts.has(variable)) {
    scope.vocabulary.report(expression, `the name ${quoted(variable)} is taken; call the item something else`);
  }
  const inner: Scope = { ...scope, names: new Map([...scope.names, [variable, item]]) };
  if (expression.where !== null) requireBoolean(expression.where, inner);
  if (name === "map") {
    return list(plain(expression.body, inner));
  }
  requireBoolean(expression.body, inner);
  if (name === "filter") return list(item);
  return bool;
}

function listType(at: Span, items: readonly Expression[], scope: Scope): Type {
  const [first, ...others] = items.map((item) => plain(item, scope));
  if (first === undefined) return list(dyn);
  let of = first;
  for (const type of others) {
    if (!comparable(of, type))
      scope.vocabulary.report(at, `a list holds values of one type, this one ${typeName(of)} and ${typeName(type)}`);
    of = joined(of, type);
  }
  return list(of);
}

function literalType(value: (Expression & { readonly kind: "literal" })["value"]): ValueType {
  if (value === null) return nullType;
  if (typeof value === "string") return string;
  if (typeof value === "boolean") return bool;
  if (value instanceof Double) return doubleType;
  return value instanceof Uint ? uintType : int;
}
