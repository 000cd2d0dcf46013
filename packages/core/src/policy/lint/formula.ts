import { constantTexts } from "../condition/compare.ts";
import type { Types } from "../condition/check.ts";
import { children } from "../condition/expression.ts";
import type { Expression } from "../condition/expression.ts";
import { Double, Uint } from "../condition/numbers.ts";
import type { ParsedBlock } from "../conditions.ts";

/**
 * Conditions with every `not` moved inwards to single questions. The value is kept, for all four of true, invalid, open and false: `not` leaves
 * both kinds of unknown as they are, and De Morgan's laws hold in Kleene's logic.
 */
export type Formula =
  | { readonly kind: "constant"; readonly value: boolean }
  | { readonly kind: "and" | "or"; readonly items: readonly Formula[] }
  | { readonly kind: "literal"; readonly atom: Atom; readonly negated: boolean };

/** One question. Two with the same key have the same value for every request. */
export interface Atom {
  readonly key: string;
  /** Whether the value may be open: a fact, or a search of the whole payload, has a part in it. */
  readonly mayBeOpen: boolean;
  readonly meaning: Meaning;
}

/**
 * What is known of the question itself. `texts` asks whether a value is one of these texts, `bound` how it stands to a number: both are unknown for
 * every value of another type. `never` is never true.
 */
export type Meaning =
  | { readonly kind: "texts"; readonly on: string; readonly texts: ReadonlySet<string> }
  | { readonly kind: "bound"; readonly on: string; readonly operator: Bound; readonly limit: number; readonly counts: boolean }
  | { readonly kind: "macro"; readonly name: "exists" | "all"; readonly on: string; readonly body: Formula; readonly cheap: boolean }
  | { readonly kind: "never" }
  | { readonly kind: "opaque" };

export type Bound = "==" | "<" | "<=" | ">" | ">=";

export function formulaOf(block: ParsedBlock, types: Types): Formula {
  if (block.kind === "condition") return expressionFormula(block.expression, types);
  const items = block.parts.map((part) => formulaOf(part, types));
  if (block.kind === "all") return joined("and", items);
  const any = joined("or", items);
  return block.kind === "any" ? any : negation(any);
}

export function expressionFormula(expression: Expression, types: Types, names: Names = new Map()): Formula {
  switch (expression.kind) {
    case "literal":
      return typeof expression.value === "boolean" ? { kind: "constant", value: expression.value } : opaque(expression, types, names);
    case "not":
      return negation(expressionFormula(expression.of, types, names));
    case "and":
    case "or":
      return joined(
        expression.kind,
        expression.items.map((item) => expressionFormula(item, types, names)),
      );
    case "compare":
      return comparison(expression, types, names);
    case "macro":
      return quantified(expression, types, names);
    default:
      return opaque(expression, types, names);
  }
}

export function negation(formula: Formula): Formula {
  switch (formula.kind) {
    case "constant":
      return { kind: "constant", value: !formula.value };
    case "literal":
      return { ...formula, negated: !formula.negated };
    default:
      return { kind: formula.kind === "and" ? "or" : "and", items: formula.items.map(negation) };
  }
}

export function joined(kind: "and" | "or", items: readonly Formula[]): Formula {
  const [only] = items;
  return items.length === 1 && only !== undefined ? only : { kind, items };
}

/** The variables of comprehensions in sight, by names that do not depend on what the policy calls them. */
type Names = ReadonlyMap<string, string>;

function literal(key: string, expression: Expression, meaning: Meaning): Formula {
  return { kind: "literal", atom: { key, mayBeOpen: mayBeOpen(expression), meaning }, negated: false };
}

function opaque(expression: Expression, types: Types, names: Names): Formula {
  return literal(keyOf(expression, types, names), expression, { kind: "opaque" });
}

function comparison(expression: Expression & { readonly kind: "compare" }, types: Types, names: Names): Formula {
  const { operator, left, right } = expression;
  if (operator === "!=") return negation(comparison({ ...expression, operator: "==" }, types, names));
  if (operator === "in") {
    const texts = constantTexts(right);
    if (texts !== undefined) return oneOf(expression, keyOf(left, types, names), texts);
    const none = right.kind === "list" && right.items.length === 0;
    return literal(keyOf(expression, types, names), expression, { kind: none ? "never" : "opaque" });
  }
  const constantLeft = left.kind === "literal";
  const [value, constant] = constantLeft ? [right, left] : [left, right];
  if (constant.kind !== "literal" || value.kind === "literal") return opaque(expression, types, names);
  if (operator === "==" && typeof constant.value === "string")
    return oneOf(expression, keyOf(value, types, names), new Set([constant.value]));
  if (operator === "==" && typeof constant.value === "boolean") {
    const question = expressionFormula(value, types, names);
    return constant.value ? question : negation(question);
  }
  const limit = constant.value instanceof Double ? constant.value.value : constant.value;
  // Beyond 2^53 a comparison may be invalid for one limit and not for another.
  if (typeof limit !== "number" || Math.abs(limit) > Number.MAX_SAFE_INTEGER) return opaque(expression, types, names);
  const bound = constantLeft ? mirrored[operator] : operator;
  const on = keyOf(value, types, names);
  return literal(`(${bound} ${on} ${limit})`, expression, { kind: "bound", on, operator: bound, limit, counts: isSize(value) });
}

const mirrored: Readonly<Record<Bound, Bound>> = { "==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<=" };

function oneOf(expression: Expression, on: string, texts: ReadonlySet<string>): Formula {
  return literal(`(in ${on} ${JSON.stringify([...texts].toSorted())})`, expression, { kind: "texts", on, texts });
}

function quantified(expression: Expression & { readonly kind: "macro" }, types: Types, names: Names): Formula {
  const { name, on, variable, body } = expression;
  if (name !== "exists" && name !== "all") return opaque(expression, types, names);
  const inner = new Map([...names, [variable, `$${names.size}`]]);
  const key = keyOf(expression, types, names);
  return literal(key, expression, {
    kind: "macro",
    name,
    on: keyOf(on, types, names),
    body: expressionFormula(body, types, inner),
    cheap: isCheap(body),
  });
}

/** Whether evaluating it for an item takes none of the steps that a comprehension has. */
function isCheap(expression: Expression): boolean {
  return !["macro", "call", "method"].includes(expression.kind) && children(expression).every(isCheap);
}

export function isSize(expression: Expression): boolean {
  return (expression.kind === "call" || expression.kind === "method") && expression.name === "size";
}

/** Facts and their lists may be open, and so may a search of a whole payload, which looks into commands. Plain fields never are. */
export function mayBeOpen(expression: Expression): boolean {
  if (expression.kind === "call" && expression.name !== "size") return true;
  if (expression.kind === "method" && expression.on.kind === "variable" && expression.on.name === "payload") return true;
  return children(expression).some(mayBeOpen);
}

/** One text for one meaning, static types included: the same words may mean something else about another action type. */
export function keyOf(expression: Expression, types: Types, names: Names = new Map()): string {
  const inner = expression.kind === "macro" ? new Map([...names, [expression.variable, `$${names.size}`]]) : names;
  const field =
    expression.kind === "index" && expression.at.kind === "literal" && typeof expression.at.value === "string" ? expression.at.value : null;
  const parts =
    expression.kind === "macro"
      ? children(expression).map((child) => keyOf(child, types, child === expression.on ? names : inner))
      : field !== null && expression.kind === "index"
        ? [keyOf(expression.of, types, names)]
        : children(expression).map((child) => keyOf(child, types, names));
  // Equality does not mind which side is which.
  const ordered =
    expression.kind === "compare" && (expression.operator === "==" || expression.operator === "!=") ? parts.toSorted() : parts;
  const own = field === null ? ownWord(expression, names) : `member ${JSON.stringify(field)}`;
  return `(${own}:${types.get(expression)?.kind ?? ""}${ordered.map((part) => ` ${part}`).join("")})`;
}

function ownWord(expression: Expression, names: Names): string {
  switch (expression.kind) {
    case "literal": {
      const { value } = expression;
      if (value instanceof Double) return `double ${value.value}`;
      return value instanceof Uint ? `uint ${value.value}` : `${typeof value} ${JSON.stringify(String(value))}`;
    }
    case "variable":
      return names.get(expression.name) ?? expression.name;
    case "member":
    case "has":
      return `${expression.kind} ${JSON.stringify(expression.name)}`;
    case "call":
    case "method":
      return `${expression.kind} ${expression.name}`;
    case "macro":
      return `${expression.name}${expression.where === null ? "" : " where"}`;
    case "compare":
    case "arithmetic":
      return expression.operator;
    default:
      return expression.kind;
  }
}
