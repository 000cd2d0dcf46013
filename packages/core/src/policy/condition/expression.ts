import { unreachable } from "../../unreachable.ts";
import { Double, Uint } from "./numbers.ts";
import type { Scalar } from "./numbers.ts";

/** Where an expression stands in the text of its condition: offsets in UTF-16 code units, the end excluded. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in";
export type Arithmetic = "+" | "-" | "*" | "/" | "%";
export type Macro = "exists" | "all" | "exists_one" | "filter" | "map";

/** What a condition says, free of the library that parsed it. */
export type Expression = Span &
  (
    | { readonly kind: "literal"; readonly value: Scalar }
    | { readonly kind: "variable"; readonly name: string }
    | { readonly kind: "member"; readonly of: Expression; readonly name: string }
    | { readonly kind: "index"; readonly of: Expression; readonly at: Expression }
    | { readonly kind: "has"; readonly of: Expression; readonly name: string }
    | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] }
    | { readonly kind: "method"; readonly on: Expression; readonly name: string; readonly args: readonly Expression[] }
    | {
        readonly kind: "macro";
        readonly name: Macro;
        readonly on: Expression;
        readonly variable: string;
        /** The filter of a three-argument `map`. */
        readonly where: Expression | null;
        readonly body: Expression;
      }
    | { readonly kind: "list"; readonly items: readonly Expression[] }
    | { readonly kind: "not"; readonly of: Expression }
    | { readonly kind: "negate"; readonly of: Expression }
    | { readonly kind: "and" | "or"; readonly items: readonly Expression[] }
    | { readonly kind: "compare"; readonly operator: Comparison; readonly left: Expression; readonly right: Expression }
    | { readonly kind: "arithmetic"; readonly operator: Arithmetic; readonly left: Expression; readonly right: Expression }
    | { readonly kind: "choose"; readonly test: Expression; readonly whenTrue: Expression; readonly otherwise: Expression }
  );

/** One text for one meaning: spacing, quotes, brackets and the spelling of `contains` do not show in it. */
export function canonical(expression: Expression): string {
  const each = (items: readonly Expression[]): string => items.map(canonical).join(" ");
  switch (expression.kind) {
    case "literal":
      return canonicalScalar(expression.value);
    case "variable":
      return expression.name;
    case "member":
      return `(. ${canonical(expression.of)} ${expression.name})`;
    case "index":
      // `a["b"]` and `a.b` are the same question.
      if (expression.at.kind === "literal" && typeof expression.at.value === "string" && isName(expression.at.value)) {
        return `(. ${canonical(expression.of)} ${expression.at.value})`;
      }
      return `([] ${canonical(expression.of)} ${canonical(expression.at)})`;
    case "has":
      return `(has ${canonical(expression.of)} ${isName(expression.name) ? expression.name : JSON.stringify(expression.name)})`;
    case "call":
      return `(call ${expression.name} ${each(expression.args)})`;
    case "method":
      return `(method ${expression.name} ${canonical(expression.on)} ${each(expression.args)})`;
    case "macro": {
      const where = expression.where === null ? "" : ` ${canonical(expression.where)}`;
      return `(${expression.name} ${canonical(expression.on)} ${expression.variable}${where} ${canonical(expression.body)})`;
    }
    case "list":
      return `[${each(expression.items)}]`;
    case "not":
      return `(! ${canonical(expression.of)})`;
    case "negate":
      return `(- ${canonical(expression.of)})`;
    case "and":
    case "or":
      return `(${expression.kind} ${each(expression.items)})`;
    case "compare":
    case "arithmetic":
      return `(${expression.operator} ${canonical(expression.left)} ${canonical(expression.right)})`;
    case "choose":
      return `(? ${canonical(expression.test)} ${canonical(expression.whenTrue)} ${canonical(expression.otherwise)})`;
    default:
      return unreachable(expression);
  }
}

/** The expressions directly inside this one. */
export function children(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "literal":
    case "variable":
      return [];
    case "member":
    case "has":
    case "not":
    case "negate":
      return [expression.of];
    case "index":
      return [expression.of, expression.at];
    case "call":
      return expression.args;
    case "method":
      return [expression.on, ...expression.args];
    case "macro":
      return expression.where === null ? [expression.on, expression.body] : [expression.on, expression.where, expression.body];
    case "list":
    case "and":
    case "or":
      return expression.items;
    case "compare":
    case "arithmetic":
      return [expression.left, expression.right];
    case "choose":
      return [expression.test, expression.whenTrue, expression.otherwise];
    default:
      return unreachable(expression);
  }
}

/** `agent_ctx.env` as ["agent_ctx", "env"]: the members read from a variable, or undefined where it is anything else. */
export function pathOf(expression: Expression): readonly string[] | undefined {
  if (expression.kind === "variable") return [expression.name];
  const name =
    expression.kind === "member"
      ? expression.name
      : expression.kind === "index" && expression.at.kind === "literal" && typeof expression.at.value === "string"
        ? expression.at.value
        : undefined;
  if (name === undefined || (expression.kind !== "member" && expression.kind !== "index")) return undefined;
  const before = pathOf(expression.of);
  return before === undefined ? undefined : [...before, name];
}

function isName(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text);
}

function canonicalScalar(value: Scalar): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value instanceof Double) return `${value.value}d`;
  if (value instanceof Uint) return `${value.value}u`;
  return String(value);
}
