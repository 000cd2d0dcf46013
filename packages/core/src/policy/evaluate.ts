import { Unknown } from "../facts/unknown.ts";
import { CanopyError } from "../errors.ts";
import { cloneJson, isJsonCopy, isJsonObject } from "../json.ts";
import type { JsonValue } from "../json.ts";
import type { RuleReference } from "../runtime/authorizer.ts";
import { withDefaults } from "./actions.ts";
import type { EvaluationInputs, Scope } from "./condition/values.ts";
import { scopeOf } from "./condition/values.ts";
import { decisions } from "./decision.ts";
import type { Decision } from "./decision.ts";
import type { Severity } from "./format.ts";
import { severities } from "./format.ts";
import type { Policy } from "./policy.ts";
import { reasonOf } from "./reason.ts";
import { actionTypeLength } from "./request.ts";
import type { ActionRequest } from "./request.ts";
import { visit } from "./rule-index.ts";
import type { Rule } from "./rule.ts";
import type { Quote } from "./template.ts";

/** What a policy says about one request, and why. */
export interface Evaluation {
  readonly decision: Decision;
  /** What was understood and which rule decided, in a few sentences. */
  readonly reason: string;
  /** The rules that decided: all that asked for this decision. Empty where the default did, or where the request was not fit to be judged. */
  readonly rules: readonly RuleReference[];
  /** The highest severity among these, or null where none says one. */
  readonly severity: Severity | null;
  /** What could not be known and had a part in the decision. */
  readonly unknowns: readonly UnknownInput[];
  /** Whether the policy's default decided, and no rule. */
  readonly byDefault: boolean;
  /** Rules whose conditions held, or could have, and that the root policy lifts for this request. */
  readonly exceptions: readonly RuleReference[];
  /** What the reason quotes of the request. */
  readonly quotes: readonly Quote[];
}

export interface UnknownInput {
  readonly kind: "invalid" | "open";
  readonly why: string;
  /** The rule that it made apply, or null where it is the request itself. */
  readonly rule: RuleReference | null;
}

/** A rule that applies, and whether because its conditions are true or because they may be. */
export interface Applied {
  readonly rule: Rule;
  readonly decision: Decision;
  readonly because: true | Unknown;
}

/** Everything the rules said about one request. */
export interface Verdict {
  readonly scope: Scope;
  readonly decision: Decision;
  /** Those that asked for `decision`. */
  readonly deciding: readonly Applied[];
  readonly byDefault: boolean;
  readonly lifted: readonly Rule[];
}

/**
 * Judges `request`. Pure, synchronous and total: never throws, and the same policy, request and inputs give the same answer. A request that is
 * not JSON, or more than the limits of `cloneJson` allow, is DENY; so is whatever goes wrong.
 *
 * The strictest wins among the rules that apply and, unless some rule's conditions are true, the default. A rule other than ALLOW also applies
 * where its conditions are unknown: invalid at its own decision, open at most as REQUIRE_APPROVAL. A payload that is not one of its
 * standard action type is never answered looser than the default, nor than REQUIRE_APPROVAL.
 */
export function evaluate(policy: Policy, request: ActionRequest, inputs?: EvaluationInputs): Evaluation {
  try {
    const scope = prepare(request, inputs);
    if (typeof scope === "string") return refused(scope);
    return report(judge(policy, scope));
  } catch {
    return refused("the request could not be judged");
  }
}

function report(verdict: Verdict): Evaluation {
  const quotes: Quote[] = [];
  const unknowns: UnknownInput[] = verdict.scope.problems.map((why) => ({ kind: "invalid", why, rule: null }));
  let severity = -1;
  for (const { rule, because } of verdict.deciding) {
    if (because !== true) unknowns.push({ kind: because.kind, why: because.why, rule: rule.reference });
    if (rule.severity !== null) severity = Math.max(severity, severities.indexOf(rule.severity));
  }
  return {
    decision: verdict.decision,
    reason: reasonOf(verdict, quotes),
    rules: verdict.deciding.map(({ rule }) => rule.reference),
    severity: severities[severity] ?? null,
    unknowns,
    byDefault: verdict.byDefault,
    exceptions: verdict.lifted.map((rule) => rule.reference),
    quotes,
  };
}

/** What was asked, made fit to be judged; a clause that says why it cannot be. */
export function prepare(request: ActionRequest, inputs: EvaluationInputs | undefined): Scope | string {
  const { actionType } = request;
  if (typeof actionType !== "string" || actionType === "") return "the action type is not a name";
  if (actionType.length > actionTypeLength) return `the action type is longer than ${actionTypeLength} characters`;
  try {
    const agentCtx = owned(request.agentCtx);
    if (!isJsonObject(agentCtx)) return "the agent context is not an object";
    return scopeOf(actionType, agentCtx, withDefaults(actionType, owned(request.payload)), inputs);
  } catch (error) {
    return error instanceof CanopyError ? `the request is ${error.message}` : "the request could not be read";
  }
}

/** Nobody can change, while it is judged, what was judged. */
function owned(value: JsonValue): JsonValue {
  return isJsonCopy(value) ? value : cloneJson(value);
}

function refused(why: string): Evaluation {
  return {
    decision: "DENY",
    reason: `${why}.`,
    rules: [],
    severity: null,
    unknowns: [{ kind: "invalid", why, rule: null }],
    byDefault: false,
    exceptions: [],
    quotes: [],
  };
}

/** Finds the decision. Rules that can no longer change it are not looked at. */
function judge(policy: Policy, scope: Scope): Verdict {
  const tiers = policy.index.about(scope.actionType);
  const { problems } = scope;
  const applied: Applied[] = [];
  const lifted: Rule[] = [];
  let someTrue = false;
  let decision = "ALLOW" as Decision;
  const each = (rule: Rule): void => {
    const application = apply(rule, scope);
    if (application === null) return;
    if (application === "lifted") {
      lifted.push(rule);
      return;
    }
    applied.push(application);
    if (application.because === true) someTrue = true;
    decision = stricter(decision, application.decision);
  };
  visit(tiers.DENY, scope, each);
  if (decision !== "DENY") {
    visit(tiers.REQUIRE_APPROVAL, scope, each);
    // An ALLOW still matters where it keeps a stricter default out, or nothing else was said.
    if (decision === "ALLOW" || (!someTrue && policy.default === "DENY")) visit(tiers.ALLOW, scope, each);
  }
  const joins = !someTrue || problems.length > 0;
  if (joins) decision = stricter(decision, policy.default);
  if (problems.length > 0) decision = stricter(decision, "REQUIRE_APPROVAL");
  const deciding = applied.filter((application) => application.decision === decision);
  return { scope, decision, deciding, byDefault: joins && deciding.length === 0 && policy.default === decision, lifted };
}

/** How a rule applies to a request: not at all (null), lifted by an exception, or at the decision given. */
export function apply(rule: Rule, scope: Scope): Applied | "lifted" | null {
  const value = rule.condition(scope);
  if (value === false) return null;
  const { decision } = rule.reference;
  // Whatever is not true is unknown: a condition answers nothing else.
  if (value !== true && decision === "ALLOW") return null;
  // An exception loosens, so it has to be true.
  if (rule.exceptions.some((exception) => exception(scope) === true)) return "lifted";
  if (value === true) return { rule, decision, because: true };
  if (!(value instanceof Unknown)) throw new TypeError("a condition answered with neither a truth nor an Unknown");
  return { rule, decision: value.kind === "open" ? "REQUIRE_APPROVAL" : decision, because: value };
}

function stricter(a: Decision, b: Decision): Decision {
  return decisions.indexOf(a) > decisions.indexOf(b) ? a : b;
}
