import type { ASTNode } from "@marcbachmann/cel-js";

import type { Arithmetic, Comparison, Expression, Macro, Span } from "./expression.ts";
import { markInfixContains } from "./infix.ts";
import { Double, Uint, int } from "./numbers.ts";

type Parsed = { readonly expression: Expression } | { readonly at: Span; readonly problem: string };

/** Reads a condition: CEL, plus the infix `x contains "y"`. Never throws; what it does not understand, it says where and why. */
export type ParseCondition = (condition: string) => Parsed;

/** The most characters that one condition may have. */
const conditionLength = 8192;
const conditionDepth = 64;

/** The parser, over a CEL library that is loaded only now. This file alone knows it, and uses nothing of it but the syntax tree. */
export async function loadParser(): Promise<ParseCondition> {
  const { parse } = await import("@marcbachmann/cel-js");
  return (condition) => {
    if (condition.length > conditionLength) return { at: start, problem: `a condition has at most ${conditionLength} characters` };
    const { cel, marks } = markInfixContains(condition);
    try {
      const reading = { marks, used: new Set<number>() };
      const expression = convert(parse(cel).ast, reading, 0);
      // INVARIANT: every word that was written over is accounted for, so that no string or name can have been changed.
      if (reading.used.size !== marks.size) return { at: start, problem: "the use of `contains` is not understood" };
      return { expression };
    } catch (error) {
      return failure(error);
    }
  };
}

interface Reading {
  readonly marks: ReadonlySet<number>;
  readonly used: Set<number>;
}

const start: Span = { start: 0, end: 0 };

/** A construct of CEL, or a use of one, that conditions do not have. */
class Unsupported extends Error {
  readonly at: Span;

  constructor(at: Span, message: string) {
    super(message);
    this.at = at;
  }
}

function convert(node: ASTNode, reading: Reading, depth: number): Expression {
  const at: Span = { start: node.start, end: node.end };
  if (depth > conditionDepth) throw new Unsupported(at, "the condition is nested too deeply");
  const inner = (child: ASTNode): Expression => convert(child, reading, depth + 1);
  switch (node.op) {
    case "value":
      return { ...at, kind: "literal", value: literal(node.args, at) };
    case "id":
      return { ...at, kind: "variable", name: node.args };
    case ".":
      return { ...at, kind: "member", of: inner(node.args[0]), name: node.args[1] };
    case "[]":
      return { ...at, kind: "index", of: inner(node.args[0]), at: inner(node.args[1]) };
    case "call":
      return call(at, node.args[0], node.args[1].map(inner));
    case "rcall":
      return method(at, node.args[0], inner(node.args[1]), node.args[2].map(inner));
    case "list":
      return { ...at, kind: "list", items: node.args.map(inner) };
    case "&&":
    case "||":
      return { ...at, kind: node.op === "&&" ? "and" : "or", items: chain(node).map(inner) };
    case "!_":
      return { ...at, kind: "not", of: inner(node.args) };
    case "-_":
      return negate(at, node.args, inner);
    case "?:":
      return { ...at, kind: "choose", test: inner(node.args[0]), whenTrue: inner(node.args[1]), otherwise: inner(node.args[2]) };
    case "in": {
      const [left, right] = [inner(node.args[0]), inner(node.args[1])];
      const mark = [...reading.marks].find((offset) => offset >= left.end && offset < right.start);
      if (mark === undefined) return { ...at, kind: "compare", operator: "in", left, right };
      reading.used.add(mark);
      return { ...at, kind: "method", name: "contains", on: left, args: [right] };
    }
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=":
      return { ...at, kind: "compare", operator: node.op satisfies Comparison, left: inner(node.args[0]), right: inner(node.args[1]) };
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      return { ...at, kind: "arithmetic", operator: node.op satisfies Arithmetic, left: inner(node.args[0]), right: inner(node.args[1]) };
    case "map":
      throw new Unsupported(at, "maps written in a condition are not supported");
    case ".?":
    case "[?]":
      throw new Unsupported(at, "optional values are not supported; ask with `has()`");
    default:
      // A construct of a later version of the library.
      throw new Unsupported(start, "the condition uses something that is not supported");
  }
}

/** `a && b && c` as its operands: one level, however long the chain is. */
function chain(node: ASTNode & { readonly op: "&&" | "||" }): readonly ASTNode[] {
  const operands: ASTNode[] = [];
  let rest: ASTNode = node;
  while (rest.op === node.op) {
    operands.unshift(rest.args[1]);
    rest = rest.args[0];
  }
  return [rest, ...operands];
}

function literal(value: unknown, at: Span): (Expression & { readonly kind: "literal" })["value"] {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return new Double(value);
  if (typeof value === "bigint") {
    const fitting = int(value);
    if (fitting === undefined) throw new Unsupported(at, "the number does not fit into 64 bits");
    return fitting;
  }
  if (value instanceof Uint8Array) throw new Unsupported(at, "bytes are not supported");
  if (typeof value === "object" && "value" in value && typeof value.value === "bigint") return new Uint(value.value);
  throw new Unsupported(at, "the literal is not supported");
}

function negate(at: Span, of: ASTNode, inner: (node: ASTNode) => Expression): Expression {
  // The least int has no positive counterpart that fits, so a minus before digits belongs to the number.
  if (of.op === "value" && typeof of.args === "bigint") return { ...at, kind: "literal", value: literal(-of.args, at) };
  if (of.op === "value" && typeof of.args === "number") return { ...at, kind: "literal", value: new Double(-of.args) };
  return { ...at, kind: "negate", of: inner(of) };
}

function call(at: Span, name: string, args: readonly Expression[]): Expression {
  if (name !== "has") return { ...at, kind: "call", name, args };
  const [field] = args;
  if (args.length === 1 && field?.kind === "member") return { ...at, kind: "has", of: field.of, name: field.name };
  if (args.length === 1 && field?.kind === "index" && field.at.kind === "literal" && typeof field.at.value === "string") {
    return { ...at, kind: "has", of: field.of, name: field.at.value };
  }
  throw new Unsupported(at, "`has()` takes one field, as in `has(payload.path)`");
}

const macros: ReadonlySet<string> = new Set<Macro>(["exists", "all", "exists_one", "filter", "map"]);

function isMacro(name: string): name is Macro {
  return macros.has(name);
}

function method(at: Span, name: string, on: Expression, args: readonly Expression[]): Expression {
  if (!isMacro(name)) return { ...at, kind: "method", name, on, args };
  const [variable, ...rest] = args;
  const body = rest.at(-1);
  const where = rest.length === 2 ? (rest[0] ?? null) : null;
  const most = name === "map" ? 2 : 1;
  if (variable?.kind !== "variable" || body === undefined || rest.length > most) {
    throw new Unsupported(at, `\`${name}()\` takes a name and a condition, as in \`${name}(x, x == "…")\``);
  }
  return { ...at, kind: "macro", name, on, variable: variable.name, where, body };
}

function failure(error: unknown): Parsed {
  if (error instanceof Unsupported) return { at: error.at, problem: error.message };
  if (error instanceof RangeError) return { at: start, problem: "the condition is nested too deeply" };
  const { range, summary } = error as { readonly range?: unknown; readonly summary?: unknown };
  const message = typeof summary === "string" ? summary : error instanceof Error ? error.message : String(error);
  return { at: isSpan(range) ? range : start, problem: words(message) };
}

function isSpan(value: unknown): value is Span {
  return typeof value === "object" && value !== null && "start" in value && typeof value.start === "number" && "end" in value;
}

/** The library's message in our form; its token names mean something to it alone. */
function words(message: string): string {
  const tokens: Readonly<Record<string, string>> = {
    EOF: "the end of the condition",
    IDENTIFIER: "a name",
    RPAREN: "`)`",
    LPAREN: "`(`",
    RBRACKET: "`]`",
    RBRACE: "`}`",
    LBRACE: "`{`",
    COLON: "`:`",
    DOT: "`.`",
  };
  const plain = message.replaceAll(/\b[A-Z]{2,}\b/g, (word) => tokens[word] ?? word.toLowerCase());
  return `${plain.charAt(0).toLowerCase()}${plain.slice(1)}`;
}
