import { words } from "../words.ts";
import type { Token } from "./tokens.ts";

type Truth = "true" | "false" | "unknown";

/**
 * Whether a WHERE condition keeps no row back: it holds for every row (`1=1`, `id = id`, `x OR true`), or asks nothing of the row at all
 * (`now() > '2000-01-01'`). False means that it may select; it is no proof that it does.
 */
export function keepsNothingBack(tokens: readonly Token[], doublePipeIsOr: boolean): boolean {
  return either(tokens, doublePipeIsOr, 0) === "true";
}

/** Brackets inside brackets; what is deeper counts as if it held. */
const deepest = 40;

function either(tokens: readonly Token[], pipes: boolean, depth: number): Truth {
  if (depth > deepest) return "true";
  const parts = splitAt(tokens, (token) => isWord(token, "OR", "XOR") || (pipes && isSymbol(token, "||")));
  const truths = parts.map((part) => both(part, pipes, depth));
  if (truths.includes("true")) return "true";
  return truths.includes("unknown") ? "unknown" : "false";
}

function both(tokens: readonly Token[], pipes: boolean, depth: number): Truth {
  let between = false;
  const parts = splitAt(tokens, (token) => {
    if (isWord(token, "BETWEEN")) between = true;
    if (!isWord(token, "AND") && !isSymbol(token, "&&")) return false;
    const joins = !between;
    between = false;
    return joins;
  });
  const truths = parts.map((part) => negated(part, pipes, depth));
  if (truths.includes("false")) return "false";
  return truths.includes("unknown") ? "unknown" : "true";
}

function negated(tokens: readonly Token[], pipes: boolean, depth: number): Truth {
  const [first, ...rest] = tokens;
  if (first !== undefined && (isWord(first, "NOT") || isSymbol(first, "!"))) {
    const truth = depth > deepest ? "unknown" : negated(rest, pipes, depth + 1);
    return truth === "unknown" ? truth : truth === "true" ? "false" : "true";
  }
  const inner = bare(tokens);
  if (inner.length < tokens.length && !isWord(inner[0], "SELECT", "WITH", "VALUES")) return either(inner, pipes, depth + 1);
  return atom(inner);
}

function atom(tokens: readonly Token[]): Truth {
  const [only] = tokens;
  if (only === undefined) return "unknown";
  if (tokens.length === 1) return literalTruth(only);
  const at = comparisonAt(tokens);
  if (at !== null) {
    const left = bare(tokens.slice(0, at.from));
    const right = bare(tokens.slice(at.to));
    const operator = at.operator;
    if (/^(?:=|==|<=>|<=|>=|LIKE|ILIKE|RLIKE|GLOB|IN|BETWEEN|IS|ISNOTDISTINCTFROM)$/.test(operator) && holdsSame(left, right, operator))
      return "true";
    if (/^I?LIKE$|^GLOB$/.test(operator) && right.length === 1 && /^[%*]+$/.test(right[0]?.text ?? "")) return "true";
    const compared = compare(left, right, operator);
    if (compared !== null) return compared ? "true" : "false";
  }
  return asksOfTheRow(tokens) ? "unknown" : "true";
}

function literalTruth(token: Token): Truth {
  if (token.kind === "number") return Number(token.text) === 0 ? "false" : "true";
  if (isWord(token, "FALSE", "NULL")) return "false";
  if (isWord(token, "TRUE") || token.kind === "string" || token.kind === "parameter") return "true";
  return "unknown";
}

interface Comparison {
  readonly operator: string;
  readonly from: number;
  readonly to: number;
}

function comparisonAt(tokens: readonly Token[]): Comparison | null {
  let depth = 0;
  for (let index = 0; index < tokens.length; index += 1) {
    const token = tokens[index];
    if (token === undefined) break;
    depth += isSymbol(token, "(") ? 1 : isSymbol(token, ")") ? -1 : 0;
    if (depth > 0) continue;
    if (token.kind === "symbol" && /^(?:=|==|<=>|<>|!=|<|>|<=|>=)$/.test(token.text))
      return { operator: token.text, from: index, to: index + 1 };
    if (isWord(token, "LIKE", "ILIKE", "RLIKE", "GLOB", "IN", "BETWEEN") && !isWord(tokens[index - 1], "NOT")) {
      return { operator: token.text, from: index, to: index + 1 };
    }
    if (isWord(token, "IS")) {
      const next = tokens.slice(index, index + 4).map((item) => item.text);
      if (next.join("") === "ISNOTDISTINCTFROM") return { operator: "ISNOTDISTINCTFROM", from: index, to: index + 4 };
      return next[1] === "NOT" ? null : { operator: "IS", from: index, to: index + 1 };
    }
  }
  return null;
}

/** Whether the right side is, or as a list or range holds, what stands on the left. */
function holdsSame(left: readonly Token[], right: readonly Token[], operator: string): boolean {
  if (left.length === 0) return false;
  const same = (other: readonly Token[]): boolean =>
    spelling(left) === spelling(other) || isQualified(left, other) || isQualified(other, left);
  if (operator === "IN") return splitAt(right, (token) => isSymbol(token, ",")).some((item) => same(bare(item)));
  if (operator === "BETWEEN") return splitAt(right, (token) => isWord(token, "AND")).every((item) => same(bare(item)));
  return same(right);
}

/** `users.id` beside `id`. */
function isQualified(long: readonly Token[], short: readonly Token[]): boolean {
  return short.length === 1 && long.length === 3 && isSymbol(long[1], ".") && spelling(long.slice(2)) === spelling(short);
}

function compare(left: readonly Token[], right: readonly Token[], operator: string): boolean | null {
  const a = constant(left);
  const b = constant(right);
  if (a === null || b === null || typeof a !== typeof b) return null;
  switch (operator) {
    case "=":
    case "==":
    case "<=>":
    case "IS":
      return a === b;
    case "<>":
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case ">":
      return a > b;
    case "<=":
      return a <= b;
    case ">=":
      return a >= b;
    default:
      return null;
  }
}

function constant(tokens: readonly Token[]): string | number | null {
  const [first, second] = tokens;
  if (first === undefined || tokens.length > 2) return null;
  if (tokens.length === 2) return isSymbol(first, "-") && second?.kind === "number" ? -Number(second.text) : null;
  if (first.kind === "number") return Number(first.text);
  return first.kind === "string" ? first.text : null;
}

const notColumns: ReadonlySet<string> = words(`
  AND OR NOT IN IS NULL TRUE FALSE LIKE ILIKE RLIKE GLOB REGEXP SIMILAR TO BETWEEN ESCAPE EXISTS SELECT FROM WHERE ANY ALL SOME CASE WHEN THEN
  ELSE END AS CAST DISTINCT INTERVAL VALUES UNION LIMIT INTEGER INT TEXT BOOLEAN BOOL DATE TIMESTAMP TIME BINARY COLLATE UNKNOWN
  CURRENT_TIMESTAMP CURRENT_DATE CURRENT_TIME CURRENT_USER SESSION_USER LOCALTIME LOCALTIMESTAMP
`);

/** Whether a name stands in it that may be a column: neither a keyword nor what is called. */
function asksOfTheRow(tokens: readonly Token[]): boolean {
  return tokens.some((token, index) => {
    if (token.kind === "name") return true;
    return token.kind === "word" && !notColumns.has(token.text) && !isSymbol(tokens[index + 1], "(") && !isSymbol(tokens[index - 1], "::");
  });
}

/** The tokens without the brackets around all of them. */
function bare(tokens: readonly Token[]): readonly Token[] {
  let from = 0;
  let to = tokens.length;
  while (to - from >= 2 && isSymbol(tokens[from], "(") && closesAt(tokens, from, to) === to - 1) {
    from += 1;
    to -= 1;
    if (from > deepest) break;
  }
  return from === 0 ? tokens : tokens.slice(from, to);
}

function closesAt(tokens: readonly Token[], from: number, to: number): number {
  let depth = 0;
  for (let index = from; index < to; index += 1) {
    depth += isSymbol(tokens[index], "(") ? 1 : isSymbol(tokens[index], ")") ? -1 : 0;
    if (depth === 0) return index;
  }
  return -1;
}

/** The parts between the tokens that `splits` picks outside all brackets. */
function splitAt(tokens: readonly Token[], splits: (token: Token) => boolean): Token[][] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    depth += isSymbol(token, "(") || isWord(token, "CASE") ? 1 : isSymbol(token, ")") || isWord(token, "END") ? -1 : 0;
    if (depth <= 0 && splits(token)) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

function spelling(tokens: readonly Token[]): string {
  return tokens.map((token) => (token.kind === "name" ? token.text.toUpperCase() : token.text)).join(" ");
}

function isWord(token: Token | undefined, ...texts: readonly string[]): boolean {
  return token?.kind === "word" && texts.includes(token.text);
}

function isSymbol(token: Token | undefined, text: string): boolean {
  return token?.kind === "symbol" && token.text === text;
}
