import { children } from "../condition/expression.ts";
import type { Expression } from "../condition/expression.ts";
import type { ParsedBlock } from "../conditions.ts";
import type { Position } from "../problems.ts";
import type { Subject } from "./subject.ts";

/** One expression of a rule or an exception, and where in it that stands. */
export interface Visit {
  readonly expression: Expression;
  /** Whether being true here loosens the answer; flipped by every `!`, `when_not` and comparison with false on the way. */
  readonly loosens: boolean;
  readonly at: Position;
  /** What each variable of a comprehension in sight goes through. */
  readonly lists: ReadonlyMap<string, Expression>;
}

/** Visits every expression of the subject, outer ones first. */
export function walk(subject: Subject, visit: (visit: Visit) => void): void {
  walkBlock(subject.block, subject.loosens, visit);
}

function walkBlock(block: ParsedBlock, loosens: boolean, visit: (visit: Visit) => void): void {
  if (block.kind !== "condition") {
    for (const part of block.parts) walkBlock(part, block.kind === "not" ? !loosens : loosens, visit);
    return;
  }
  const go = (expression: Expression, polarity: boolean, lists: Visit["lists"]): void => {
    visit({ expression, loosens: polarity, at: block.locate(expression.start), lists });
    const inner = expression.kind === "macro" ? new Map([...lists, [expression.variable, expression.on]]) : lists;
    const flips = expression.kind === "not" || comparesWithFalse(expression);
    for (const child of children(expression)) {
      go(child, flips ? !polarity : polarity, expression.kind === "macro" && child === expression.on ? lists : inner);
    }
  };
  go(block.expression, loosens, new Map());
}

function comparesWithFalse(expression: Expression): boolean {
  if (expression.kind !== "compare" || (expression.operator !== "==" && expression.operator !== "!=")) return false;
  const constant = [expression.left, expression.right].find((side) => side.kind === "literal" && typeof side.value === "boolean");
  return constant?.kind === "literal" && constant.value === (expression.operator !== "==");
}

/** What a value is read from: a fact, the payload, the agent context, or nothing of these; through the lists that comprehensions go through. */
export function originOf(expression: Expression, lists: Visit["lists"]): "fact" | "payload" | "agent_ctx" | null {
  switch (expression.kind) {
    case "variable": {
      if (expression.name === "payload" || expression.name === "agent_ctx") return expression.name;
      const list = lists.get(expression.name);
      return list === undefined ? null : originOf(list, new Map([...lists].filter(([name]) => name !== expression.name)));
    }
    case "member":
    case "index":
      return originOf(expression.of, lists);
    case "call":
      return expression.name === "size" ? null : "fact";
    case "method":
    case "macro":
      return originOf(expression.on, lists);
    default:
      return null;
  }
}

/** The text of a literal; undefined for any other expression. */
export function textOf(expression: Expression | undefined): string | undefined {
  return expression?.kind === "literal" && typeof expression.value === "string" ? expression.value : undefined;
}

/** The expression as the policy writes it. */
export function words(block: ParsedBlock, expression: Expression): string {
  const source = sourceOf(block, expression);
  return source === undefined ? "" : source.slice(expression.start, expression.end);
}

function sourceOf(block: ParsedBlock, expression: Expression): string | undefined {
  if (block.kind !== "condition") {
    for (const part of block.parts) {
      const found = sourceOf(part, expression);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return holds(block.expression, expression) ? block.text : undefined;
}

function holds(whole: Expression, part: Expression): boolean {
  return whole === part || children(whole).some((child) => holds(child, part));
}
