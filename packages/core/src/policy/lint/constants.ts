import type { Assembly } from "../assemble.ts";
import { scopeOf } from "../condition/values.ts";
import { children } from "../condition/expression.ts";
import type { Expression } from "../condition/expression.ts";
import type { ParsedBlock } from "../conditions.ts";
import { isGlob } from "../glob.ts";
import { quoted } from "../problems.ts";
import { expressionFormula, formulaOf, joined, keyOf, negation } from "./formula.ts";
import type { Formula } from "./formula.ts";
import { bounded, neverTrue } from "./implies.ts";
import type { Find, Subject } from "./subject.ts";

/** Steps for one question. */
const steps = 100_000;

/** Finds conditions that are decided before any request is seen, and conditions that stand twice. */
export function findConstants(subject: Subject, assembly: Assembly, find: Find): void {
  findDuplicates(subject.block, subject, find);
  if (lookAtBlock(subject.block, subject, assembly, find) || !hasConditions(subject.block)) return;
  const what = subject.kind === "rule" ? "the conditions of the rule" : "the conditions of the exception";
  const answer = answerOfFormula(subject.formula, subject);
  if (answer === false) {
    const effect = subject.loosens ? `so the ${subject.kind} does nothing` : "so the rule applies at most where something is not known";
    find("never-true", subject.at, `${what} can never be true together, ${effect}`, alternatives);
  } else if (answer === true) find("always-true", subject.at, `${what} can never be false`, exclusions);
}

const alternatives = "conditions under `when_all` hold together; alternatives go under `when_any`";
const exclusions = 'for one of several values that it must not have, write `!(x in ["a", "b"])`';

/** Looks at each block from the inside outwards, and tells the innermost that is constant. The outermost is the rule's, and told of that. */
function lookAtBlock(block: ParsedBlock, subject: Subject, assembly: Assembly, find: Find): boolean {
  if (block.kind === "condition") return lookAt(block.expression, block, subject, assembly, find);
  const told = block.parts.map((part) => lookAtBlock(part, subject, assembly, find));
  if (told.includes(true)) return true;
  const [first] = conditionsOf(block);
  if (block === subject.block || block.parts.length < 2 || first === undefined) return false;
  const answer = answerOfFormula(formulaOf(block, subject.types), subject);
  if (answer === null) return false;
  const at = first.locate(first.expression.start);
  const word = `\`when_${block.kind}\``;
  if (answer)
    find("always-true", at, `this ${word} can never be false`, block.kind === "any" ? exclusions : "leave it out, or say what is meant");
  else find("never-true", at, `this ${word} can never be true`, block.kind === "all" ? alternatives : "leave it out, or say what is meant");
  return true;
}

/** What is known of `action_type` where the rule names its action types. */
function aboutOf({ actionTypes }: Subject): Formula {
  if (actionTypes.some(isGlob)) return { kind: "constant", value: true };
  const on = "(action_type:string)";
  return {
    kind: "literal",
    atom: { key: `about ${on}`, mayBeOpen: false, meaning: { kind: "texts", on, texts: new Set(actionTypes) } },
    negated: false,
  };
}

function hasConditions(block: ParsedBlock): boolean {
  return block.kind === "condition" || block.parts.some(hasConditions);
}

function conditionsOf(block: ParsedBlock): readonly (ParsedBlock & { readonly kind: "condition" })[] {
  return block.kind === "condition" ? [block] : block.parts.flatMap(conditionsOf);
}

/** Looks at the condition, and where it is not constant as a whole, at each part that is true or false by itself. */
function lookAt(
  expression: Expression,
  block: ParsedBlock & { readonly kind: "condition" },
  subject: Subject,
  assembly: Assembly,
  find: Find,
): boolean {
  const { types } = subject;
  const text = quoted(block.text.slice(expression.start, expression.end));
  const at = block.locate(expression.start);
  if (expression.kind === "compare" && speaks(expression) && keyOf(expression.left, types) === keyOf(expression.right, types)) {
    find("self-comparison", at, `${text} compares a value with itself`, "compare it with what it is meant to be");
    return true;
  }
  const answer = fixedAnswer(expression, subject, assembly);
  if (answer !== null) {
    if (answer) find("always-true", at, `${text} can never be false`, "leave it out, or say what is meant");
    else find("never-true", at, `${text} can never be true`, "leave it out, or say what is meant");
    return true;
  }
  const told = children(expression).map((child) => {
    // `exists(x, true)` asks for any item at all, and `x == false` is another way to write `!x`.
    if (child.kind === "literal") return false;
    return lookAt(child, block, subject, assembly, find);
  });
  return told.includes(true);
}

/** The answer that the expression has for every request for which it has one; null where that is not proven. */
function fixedAnswer(expression: Expression, subject: Subject, assembly: Assembly): boolean | null {
  if (subject.types.get(expression)?.kind !== "bool") return null;
  if (!speaks(expression)) return answerOfConstants(expression, subject, assembly);
  return answerOfFormula(expressionFormula(expression, subject.types), subject);
}

function answerOfFormula(formula: Formula, subject: Subject): boolean | null {
  const about = aboutOf(subject);
  const never = (other: Formula): boolean => bounded(subject.budget, steps, (budget) => neverTrue(joined("and", [about, other]), budget));
  if (never(formula)) return false;
  return never(negation(formula)) ? true : null;
}

/** Whether it speaks of anything that a request brings along. */
function speaks(expression: Expression): boolean {
  return expression.kind === "variable" || expression.kind === "has" || children(expression).some(speaks);
}

/** What constants among themselves are worth. */
function answerOfConstants(expression: Expression, { types }: Subject, { workshop }: Assembly): boolean | null {
  try {
    const run = workshop.compiler.compileValue(expression, { text: "", types, report: () => undefined });
    const value = run(scopeOf("constant", {}, {}, undefined));
    return typeof value === "boolean" ? value : null;
  } catch {
    return null;
  }
}

function findDuplicates(block: ParsedBlock, subject: Subject, find: Find): void {
  if (block.kind === "condition") {
    duplicatesIn(block.expression, block, subject, find);
    return;
  }
  const seen = new Set<string>();
  for (const part of block.parts) {
    const key = JSON.stringify(formulaOf(part, subject.types), (_name, value: unknown) => (value instanceof Set ? [...value] : value));
    if (part.kind === "condition" && seen.has(key)) {
      find(
        "duplicate-condition",
        part.locate(part.expression.start),
        `${quoted(part.text)} stands here before`,
        "leave one out, or say what is meant",
      );
    }
    seen.add(key);
    findDuplicates(part, subject, find);
  }
}

function duplicatesIn(expression: Expression, block: ParsedBlock & { readonly kind: "condition" }, subject: Subject, find: Find): void {
  if (expression.kind === "and" || expression.kind === "or") {
    const seen = new Set<string>();
    for (const item of expression.items) {
      const key = keyOf(item, subject.types);
      if (seen.has(key)) {
        const text = quoted(block.text.slice(item.start, item.end));
        find("duplicate-condition", block.locate(item.start), `${text} stands here before`, "leave one out, or say what is meant");
      }
      seen.add(key);
    }
  }
  for (const child of children(expression)) duplicatesIn(child, block, subject, find);
}
