import type { FactFunction, RecordType, ValueType } from "../../facts/schema.ts";
import { unreachable } from "../../unreachable.ts";
import { nearest, normal } from "../nearest.ts";
import { quoted } from "../problems.ts";
import { children } from "./expression.ts";
import type { Expression, Span } from "./expression.ts";
import { Double, Uint } from "./numbers.ts";
import type { PayloadShape, Type } from "./types.ts";
import {
  accepts,
  agentContextKeys,
  bool,
  comparable,
  doubleType,
  dyn,
  int,
  isNumeric,
  joined,
  list,
  nullType,
  string,
  typeName,
  uintType,
} from "./types.ts";

/** The static type of every expression in a condition. */
export type Types = ReadonlyMap<Expression, Type>;

/** What a condition may speak of. */
export interface Vocabulary {
  readonly facts: ReadonlyMap<string, FactFunction>;
  readonly payload: PayloadShape;
  /** Fields of the payload that the same rule asks for with `has()`: these may be read though not every action has them. */
  readonly asked: ReadonlySet<string>;
  readonly report: (at: Span, message: string, suggestion?: string) => void;
  /** Whether the expression is only quoted: then it may be of any type. */
  readonly quoting?: boolean;
}

/** Type-checks a condition and reports what can never be meant: an unknown name, a comparison that can only be unknown. */
export function check(condition: Expression, vocabulary: Vocabulary): Types {
  const types = new Map<Expression, Type>();
  const checker = new Checker(vocabulary, types);
  if (vocabulary.quoting === true) checker.type(condition, new Map());
  else checker.boolean(condition, new Map());
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

type Scope = ReadonlyMap<string, Type>;

const variables = ["agent_ctx", "action_type", "payload"];
const textMethods = ["contains", "startsWith", "endsWith", "matches"];
const listMethods = ["exists", "all", "exists_one", "filter", "map"];

// A class for what its methods share; it lives as long as one check.
class Checker {
  readonly #vocabulary: Vocabulary;
  readonly #types: Map<Expression, Type>;

  constructor(vocabulary: Vocabulary, types: Map<Expression, Type>) {
    this.#vocabulary = vocabulary;
    this.#types = types;
  }

  boolean(expression: Expression, scope: Scope): void {
    const type = this.type(expression, scope);
    if (type.kind !== "bool" && type.kind !== "dyn")
      this.#report(expression, `${typeName(type)} is no condition: it is neither true nor false`);
  }

  type(expression: Expression, scope: Scope): Type {
    const type = this.#infer(expression, scope);
    this.#types.set(expression, type);
    return type;
  }

  #report(at: Span, message: string, suggestion?: string): void {
    this.#vocabulary.report(at, message, suggestion);
  }

  #infer(expression: Expression, scope: Scope): Type {
    switch (expression.kind) {
      case "literal":
        return literalType(expression.value);
      case "variable":
        return this.#variable(expression, expression.name, scope);
      case "member":
        return this.#member(expression, this.type(expression.of, scope), expression.name);
      case "index":
        return this.#index(expression, scope);
      case "has":
        return this.#has(expression, scope);
      case "call":
        return this.#call(expression, expression.name, expression.args, scope);
      case "method":
        return this.#method(expression, scope);
      case "macro":
        return this.#macro(expression, scope);
      case "list":
        return this.#list(expression, expression.items, scope);
      case "not":
        this.boolean(expression.of, scope);
        return bool;
      case "negate": {
        const type = this.type(expression.of, scope);
        if (type.kind !== "dyn" && type.kind !== "int" && type.kind !== "double") {
          this.#report(expression, `\`-\` takes a number, this is ${typeName(type)}`);
        }
        return type;
      }
      case "and":
      case "or":
        for (const item of expression.items) this.boolean(item, scope);
        return bool;
      case "compare":
        return this.#compare(expression, scope);
      case "arithmetic":
        return this.#arithmetic(expression, scope);
      case "choose": {
        this.boolean(expression.test, scope);
        return joined(this.#plain(expression.whenTrue, scope), this.#plain(expression.otherwise, scope));
      }
      default:
        return unreachable(expression);
    }
  }

  /** A value that is passed on. Passed on whole, the payload would no longer be known to be the payload, and its fields not be checked. */
  #plain(expression: Expression, scope: Scope): ValueType {
    const type = this.type(expression, scope);
    if (type.kind !== "payload" && type.kind !== "agent_ctx") return type;
    this.#report(expression, `say which field of \`${type.kind}\` is meant`);
    return dyn;
  }

  #variable(at: Span, name: string, scope: Scope): Type {
    const local = scope.get(name);
    if (local !== undefined) return local;
    if (name === "agent_ctx" || name === "payload") return { kind: name };
    if (name === "action_type") return string;
    if (this.#vocabulary.facts.has(name)) {
      this.#report(at, `\`${name}\` is a function; it is called as \`${name}(payload.…)\``);
      return dyn;
    }
    const near = nearest(name, [...variables, ...scope.keys()]);
    const advice = near === undefined ? `; text is written in quotes: \`"${name}"\`` : "";
    this.#report(at, `unknown name ${quoted(name)}${advice}`, near);
    return dyn;
  }

  #member(at: Span, of: Type, name: string): Type {
    switch (of.kind) {
      case "payload":
        return this.#payloadField(at, name);
      case "agent_ctx": {
        if (Object.hasOwn(agentContextKeys, name)) return agentContextKeys[name] ?? dyn;
        // Any other key may be the host's own; the same word in other letters is a slip.
        const meant = Object.keys(agentContextKeys).find((key) => normal(key) === normal(name));
        if (meant !== undefined) this.#report(at, `unknown key ${quoted(`agent_ctx.${name}`)}`, `agent_ctx.${meant}`);
        return dyn;
      }
      case "record":
        return this.#factMember(at, of.record, name);
      case "map":
        return of.of;
      case "dyn":
        return dyn;
      default:
        this.#report(at, `${typeName(of)} has no fields, so no ${quoted(name)}`);
        return dyn;
    }
  }

  #payloadField(at: Span, name: string): Type {
    const { payload, asked } = this.#vocabulary;
    const found = payload.field(name);
    if ("kind" in found) return found;
    if (asked.has(name)) return dyn;
    const near = nearest(name, payload.names);
    const whose = found.lacking.map((type) => `\`${type}\``).join(", ");
    const advice = near === undefined ? `; ask with \`has(payload.${name})\` in the same rule` : "";
    this.#report(at, `${quoted(`payload.${name}`)} is no field of ${whose}${advice}`, near === undefined ? undefined : `payload.${near}`);
    return dyn;
  }

  #factMember(at: Span, record: RecordType, name: string): Type {
    const member = Object.hasOwn(record.members, name) ? record.members[name] : undefined;
    if (member === undefined) {
      this.#report(at, `\`${record.name}\` has no member ${quoted(name)}`, nearest(name, Object.keys(record.members)));
      return dyn;
    }
    if (member.kind === "method") this.#report(at, `\`${name}\` of \`${record.name}\` is a method; it is called as \`${name}(…)\``);
    return member.type;
  }

  #index(expression: Expression & { readonly kind: "index" }, scope: Scope): Type {
    const of = this.type(expression.of, scope);
    const at = this.type(expression.at, scope);
    const key = expression.at.kind === "literal" ? expression.at.value : undefined;
    if (typeof key === "string" && of.kind !== "list") return this.#member(expression, of, key);
    switch (of.kind) {
      case "list":
        if (at.kind !== "dyn" && !isNumeric(at)) this.#report(expression.at, `a list is indexed by a number, not by ${typeName(at)}`);
        return of.of;
      case "payload":
        if (this.#vocabulary.payload.standard.length > 0) this.#report(expression.at, "say which field of the payload is meant");
        return dyn;
      case "map":
      case "agent_ctx":
        if (at.kind !== "dyn" && at.kind !== "string") this.#report(expression.at, `an object is indexed by text, not by ${typeName(at)}`);
        return of.kind === "map" ? of.of : dyn;
      case "dyn":
        return dyn;
      default:
        this.#report(expression, `${typeName(of)} cannot be indexed`);
        return dyn;
    }
  }

  #has(expression: Expression & { readonly kind: "has" }, scope: Scope): Type {
    const of = this.type(expression.of, scope);
    if (of.kind !== "payload" && of.kind !== "agent_ctx" && of.kind !== "map" && of.kind !== "dyn") {
      this.#report(expression, "`has()` asks for a field of `payload` or `agent_ctx`");
    }
    if (of.kind === "agent_ctx") this.#member(expression, of, expression.name);
    return bool;
  }

  #call(at: Span, name: string, args: readonly Expression[], scope: Scope): Type {
    const types = args.map((argument) => this.type(argument, scope));
    if (name === "size") {
      const [type] = types;
      if (args.length !== 1 || type === undefined) this.#report(at, "`size()` takes one value");
      else this.#sizeable(at, type);
      return int;
    }
    const fact = this.#vocabulary.facts.get(name);
    if (fact === undefined) {
      this.#report(at, `unknown function ${quoted(name)}`, nearest(name, [...this.#vocabulary.facts.keys(), "size", "has"]));
      return dyn;
    }
    this.#arguments(at, name, fact.parameters, types);
    return { kind: "record", record: fact.result };
  }

  #sizeable(at: Span, type: Type): void {
    if (type.kind === "list" || type.kind === "string" || type.kind === "map" || type.kind === "dyn") return;
    this.#report(at, `${typeName(type)} has no size`);
  }

  #arguments(at: Span, name: string, parameters: FactFunction["parameters"], types: readonly Type[]): void {
    const needed = parameters.filter((parameter) => parameter.optional !== true).length;
    if (types.length < needed || types.length > parameters.length) {
      const count = needed === parameters.length ? `${needed}` : `${needed} to ${parameters.length}`;
      this.#report(at, `\`${name}()\` takes ${count} argument${count === "1" ? "" : "s"}, not ${types.length}`);
    }
    for (const [index, type] of types.entries()) {
      const parameter = parameters[index];
      if (parameter === undefined || accepts(parameter, type)) continue;
      const wanted = parameter.types.map(typeName).join(" or ");
      this.#report(at, `\`${name}()\` takes ${wanted} as \`${parameter.name}\`, not ${typeName(type)}`);
    }
  }

  #method(expression: Expression & { readonly kind: "method" }, scope: Scope): Type {
    const { name, args } = expression;
    const on = this.type(expression.on, scope);
    const types = args.map((argument) => this.type(argument, scope));
    if (on.kind === "record") return this.#factMethod(expression, on.record, name, types);
    if (name === "size" && args.length === 0) {
      this.#sizeable(expression, on);
      return int;
    }
    if (!textMethods.includes(name)) {
      const known = [...textMethods, ...listMethods, "size"];
      this.#report(expression, `unknown function ${quoted(name)}`, nearest(name, known));
      return dyn;
    }
    const [type] = types;
    if (args.length !== 1 || type === undefined) this.#report(expression, `\`${name}\` takes one text`);
    else if (type.kind !== "string" && type.kind !== "dyn") this.#report(expression, `\`${name}\` takes text, not ${typeName(type)}`);
    if (on.kind === "list" && name === "contains") {
      this.#report(expression, '`contains` searches text; ask a list with `in`, as in `"x" in list`');
    } else if (on.kind !== "string" && on.kind !== "dyn" && !(on.kind === "payload" && (name === "contains" || name === "matches"))) {
      this.#report(expression, `\`${name}\` searches text, this is ${typeName(on)}`);
    }
    const [argument] = args;
    if (name === "matches" && !(argument?.kind === "literal" && typeof argument.value === "string")) {
      this.#report(expression, "`matches` takes its pattern as text in quotes, so that it can be checked when the policy is loaded");
    }
    return bool;
  }

  #factMethod(at: Span, record: RecordType, name: string, types: readonly Type[]): Type {
    const member = Object.hasOwn(record.members, name) ? record.members[name] : undefined;
    if (member?.kind === "method") {
      this.#arguments(at, name, member.parameters, types);
      return member.type;
    }
    if (member !== undefined) this.#report(at, `\`${name}\` of \`${record.name}\` is no method; it is read without brackets`);
    else this.#report(at, `\`${record.name}\` has no member ${quoted(name)}`, nearest(name, Object.keys(record.members)));
    return dyn;
  }

  #macro(expression: Expression & { readonly kind: "macro" }, scope: Scope): Type {
    const { name, variable } = expression;
    const on = this.type(expression.on, scope);
    const item: Type = on.kind === "list" ? on.of : on.kind === "map" ? string : dyn;
    if (on.kind !== "list" && on.kind !== "map" && on.kind !== "dyn") {
      this.#report(expression, `\`${name}\` goes through a list, this is ${typeName(on)}`);
    }
    if (variables.includes(variable) || scope.has(variable) || this.#vocabulary.facts.has(variable)) {
      this.#report(expression, `the name ${quoted(variable)} is taken; call the item something else`);
    }
    const inner = new Map([...scope, [variable, item]]);
    if (expression.where !== null) this.boolean(expression.where, inner);
    if (name === "map") {
      return list(this.#plain(expression.body, inner));
    }
    this.boolean(expression.body, inner);
    if (name === "filter") return list(item);
    return bool;
  }

  #list(at: Span, items: readonly Expression[], scope: Scope): Type {
    const [first, ...others] = items.map((item) => this.#plain(item, scope));
    if (first === undefined) return list(dyn);
    let of = first;
    for (const type of others) {
      if (!comparable(of, type)) this.#report(at, `a list holds values of one type, this one ${typeName(of)} and ${typeName(type)}`);
      of = joined(of, type);
    }
    return list(of);
  }

  #compare(expression: Expression & { readonly kind: "compare" }, scope: Scope): Type {
    const { operator } = expression;
    const left = this.type(expression.left, scope);
    const right = this.type(expression.right, scope);
    if (operator === "in") this.#in(expression, left, right);
    else if (operator === "==" || operator === "!=") {
      if (!comparable(left, right)) this.#report(expression, `${typeName(left)} and ${typeName(right)} cannot be compared`);
    } else if (!(ordered(left) && ordered(right) && comparable(left, right))) {
      this.#report(expression, `\`${operator}\` compares two numbers or two texts, not ${typeName(left)} and ${typeName(right)}`);
    }
    return bool;
  }

  #in(at: Span, left: Type, right: Type): void {
    if (right.kind === "list") {
      if (!comparable(left, right.of)) this.#report(at, `${typeName(left)} cannot be in a list of ${typeName(right.of)}`);
    } else if (right.kind === "map") {
      if (left.kind !== "string" && left.kind !== "dyn") this.#report(at, `the keys of an object are text, not ${typeName(left)}`);
    } else if (right.kind === "string") {
      this.#report(at, "`in` asks a list; ask text with `contains`");
    } else if (right.kind === "payload" || right.kind === "agent_ctx") {
      this.#report(at, `ask for a field with \`has(${right.kind}.…)\``);
    } else if (right.kind !== "dyn") {
      this.#report(at, `\`in\` asks a list, this is ${typeName(right)}`);
    }
  }

  #arithmetic(expression: Expression & { readonly kind: "arithmetic" }, scope: Scope): ValueType {
    const { operator } = expression;
    const left = this.#plain(expression.left, scope);
    const right = this.#plain(expression.right, scope);
    const adds = operator === "+";
    if (left.kind === "dyn" && right.kind === "dyn") return dyn;
    const known = left.kind === "dyn" ? right : left;
    const fits = isNumeric(known) || (adds && (known.kind === "string" || known.kind === "list"));
    const alike = left.kind === "dyn" || right.kind === "dyn" || left.kind === right.kind;
    if (!fits || !alike) {
      this.#report(expression, `\`${operator}\` cannot be used between ${typeName(left)} and ${typeName(right)}`);
      return dyn;
    }
    // A dyn beside an int may turn out to be a fraction.
    if (isNumeric(known) && left.kind !== right.kind) return dyn;
    return known.kind === "list" ? joined(left, right) : known;
  }
}

function literalType(value: (Expression & { readonly kind: "literal" })["value"]): ValueType {
  if (value === null) return nullType;
  if (typeof value === "string") return string;
  if (typeof value === "boolean") return bool;
  if (value instanceof Double) return doubleType;
  return value instanceof Uint ? uintType : int;
}

function ordered(type: Type): boolean {
  return type.kind === "dyn" || type.kind === "string" || type.kind === "bool" || isNumeric(type);
}
