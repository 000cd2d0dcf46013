import type { Assembly, CompiledException } from "../assemble.ts";
import { check } from "../condition/check.ts";
import type { Types } from "../condition/check.ts";
import { askedFields } from "../condition/check.ts";
import type { Expression } from "../condition/expression.ts";
import { payloadShape } from "../condition/types.ts";
import { expressionsOf } from "../conditions.ts";
import type { ParsedBlock } from "../conditions.ts";
import type { Decision } from "../decision.ts";
import type { DraftRule } from "../draft.ts";
import type { Position } from "../problems.ts";
import type { Severity } from "../format.ts";
import type { LintId } from "./catalogue.ts";
import type { Formula } from "./formula.ts";
import { formulaOf } from "./formula.ts";
import type { Budget } from "./implies.ts";

/** A rule, or an exception, as lint looks at it. */
export interface Subject {
  readonly kind: "rule" | "exception";
  /** The rule's id; for an exception that of the rule that it lifts. */
  readonly id: string;
  readonly file: string;
  readonly at: Position;
  /** Whether it stands in the file that is linted. */
  readonly own: boolean;
  readonly decision: Decision;
  readonly severity: Severity | null;
  readonly actionTypes: readonly string[];
  readonly block: ParsedBlock;
  readonly types: Types;
  readonly formula: Formula;
  /** Whether what is true here loosens the answer: the conditions of an ALLOW, and of an exception. */
  readonly loosens: boolean;
  /** The rule as it was written; null for an exception. */
  readonly draft: DraftRule | null;
  /** Steps that proofs about all subjects together may still take. */
  readonly budget: Budget;
  /** Whether the root policy lifts the rule somewhere. */
  readonly lifted: boolean;
}

/** Says what was found at a place of the linted file. */
export type Find = (id: LintId, at: Position, message: string, better?: string) => void;

/** Enough for thousands of rules, and for a second or two where a policy is made to be hard. */
const stepsInAll = 20_000_000;

export function subjectsOf({ drafts, exceptions, workshop, files }: Assembly): readonly Subject[] {
  const budget: Budget = { left: stepsInAll };
  const typesOf = (block: ParsedBlock, actionTypes: readonly string[]): Types => {
    const expressions = expressionsOf(block);
    const asked = new Set(expressions.flatMap(askedFields));
    const joined = new Map<Expression, NonNullable<ReturnType<Types["get"]>>>();
    // The policy loads, so there is nothing to report.
    for (const expression of expressions) {
      const found = check(expression, { facts: workshop.facts, payload: payloadShape(actionTypes), asked, report: () => undefined });
      for (const [part, type] of found) joined.set(part, type);
    }
    return joined;
  };
  const rules = drafts.map((draft): Subject => {
    const { id, file, root, source, actionTypes, condition } = draft;
    const types = typesOf(condition, actionTypes);
    return {
      kind: "rule",
      id,
      file,
      at: source.at,
      own: root,
      decision: source.decision,
      severity: source.severity,
      actionTypes,
      block: condition,
      types,
      formula: formulaOf(condition, types),
      loosens: source.decision === "ALLOW",
      draft,
      budget,
      lifted: exceptions.some(({ rule }) => rule === id),
    };
  });
  const lifting = exceptions.flatMap((exception: CompiledException): readonly Subject[] => {
    const rule = rules.find(({ id }) => id === exception.rule);
    if (rule === undefined) return [];
    const types = typesOf(exception.condition, rule.actionTypes);
    const { condition: block, at } = exception;
    const file = files[0]?.source.name ?? "";
    return [
      { ...rule, kind: "exception", file, at, own: true, block, types, formula: formulaOf(block, types), loosens: true, draft: null },
    ];
  });
  return [...rules, ...lifting];
}
