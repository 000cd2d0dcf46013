import { Unknown } from "../facts/unknown.ts";
import type { RuleReference } from "../runtime/authorizer.ts";
import type { EvaluationInputs, Scope } from "./condition/values.ts";
import type { Evaluation } from "./evaluate.ts";
import { apply, evaluate, prepare } from "./evaluate.ts";
import { matchesGlob } from "./glob.ts";
import type { Policy } from "./policy.ts";
import type { ActionRequest } from "./request.ts";
import type { Part, Rule } from "./rule.ts";
import { show } from "./template.ts";

/** An evaluation with every rule about this action type, also those that did not decide. */
export interface Explanation extends Evaluation {
  readonly considered: readonly RuleExplanation[];
}

export interface RuleExplanation {
  readonly rule: RuleReference;
  /** What came of it: it applies, it may apply, it is lifted by an exception, or its conditions keep it out. */
  readonly outcome: "applies" | "may_apply" | "lifted" | "kept_out";
  readonly conditions: ConditionExplanation;
}

export type ConditionExplanation =
  | { readonly kind: "all" | "any" | "not"; readonly parts: readonly ConditionExplanation[] }
  | {
      readonly kind: "condition";
      readonly text: string;
      readonly answer: "true" | "false" | "invalid" | "open";
      /** Why it is unknown, where it is. */
      readonly why?: string;
      /** What it read, as text fit to be shown. */
      readonly values: Readonly<Record<string, string>>;
    };

/** `evaluate`, and for each rule about the action type which of its conditions held, failed or were unknown, and on what values. Total as well. */
export function explain(policy: Policy, request: ActionRequest, inputs?: EvaluationInputs): Explanation {
  const evaluation = evaluate(policy, request, inputs);
  try {
    const scope = prepare(request, inputs);
    if (typeof scope === "string") return { ...evaluation, considered: [] };
    const about = policy.rules.filter((rule) => rule.actionTypes.some((pattern) => matchesGlob(pattern, scope.actionType)));
    return { ...evaluation, considered: about.map((rule) => explainRule(rule, scope)) };
  } catch {
    return { ...evaluation, considered: [] };
  }
}

function explainRule(rule: Rule, scope: Scope): RuleExplanation {
  const applied = apply(rule, scope);
  const outcome = applied === null ? "kept_out" : applied === "lifted" ? "lifted" : applied.because === true ? "applies" : "may_apply";
  return { rule: rule.reference, outcome, conditions: explainPart(rule.parts, scope) };
}

function explainPart(part: Part, scope: Scope): ConditionExplanation {
  if (part.kind !== "condition") return { kind: part.kind, parts: part.parts.map((inner) => explainPart(inner, scope)) };
  const value = part.run(scope);
  const values = Object.fromEntries(part.reads().map(({ text, run }) => [text, show(run(scope))] as const));
  if (value instanceof Unknown) return { kind: "condition", text: part.text, answer: value.kind, why: value.why, values };
  return { kind: "condition", text: part.text, answer: value === true ? "true" : "false", values };
}
