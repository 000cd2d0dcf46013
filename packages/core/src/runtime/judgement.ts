import type { JsonObject, JsonValue } from "../json.ts";
import { standardActions } from "../policy/actions.ts";
import { strictest } from "../policy/decision.ts";
import type { Decision } from "../policy/decision.ts";
import { evaluate } from "../policy/evaluate.ts";
import { severities } from "../policy/format.ts";
import type { Severity } from "../policy/format.ts";
import { nearest } from "../policy/nearest.ts";
import type { Policy } from "../policy/policy.ts";
import type { RuleReference } from "./authorizer.ts";
import type { Disk } from "./look-up-paths.ts";

/** Everything that an answer rests on, beside the policy. */
export interface JudgedRequest {
  readonly agentCtx: JsonObject;
  readonly actions: readonly JudgedAction[];
  /** Absolute paths of Canopy's own files. */
  readonly ownFiles: readonly string[];
}

export interface JudgedAction {
  readonly actionType: string;
  readonly payload: JsonValue;
  /** What the payload may not show of the call behind it. */
  readonly open: readonly string[];
  /** What the disk said of the action's paths; null where it was not asked. */
  readonly disk: Disk | null;
  /** The action's own paths of which the disk was asked. */
  readonly named?: readonly string[];
}

/** What policy says of a request, before anything is recorded. */
export interface Judgement {
  readonly decision: Decision;
  readonly reason: string;
  readonly rules: readonly RuleReference[];
  /** The highest of the rules that decided; null where none says one. */
  readonly severity: Severity | null;
  /** For each action, in order, the decision about it alone, and what the disk was asked for it. */
  readonly actions: readonly { readonly decision: Decision; readonly disk: Disk | null; readonly named: readonly string[] }[];
}

/**
 * Judges every action of the request; the strictest decision is the answer, and an open question makes it REQUIRE_APPROVAL at least. Looks at
 * nothing but its arguments, so that the same ones give the same answer at any later time.
 */
export function judgeRequest(policy: Policy, { agentCtx, actions, ownFiles }: JudgedRequest): Judgement {
  const judged = actions.map((action) => {
    const { actionType, payload, disk } = action;
    const evaluation = evaluate(policy, { agentCtx, actionType, payload }, { ownFiles, ...(disk === null ? {} : { disk }) });
    const [question] = action.open;
    const decision = question === undefined ? evaluation.decision : (strictest([evaluation.decision, "REQUIRE_APPROVAL"]) ?? "DENY");
    const loosened = decision !== evaluation.decision;
    const sentences = [
      loosened ? `what the call does is not known in full: ${action.open.join("; ")}` : evaluation.reason,
      misspelling(action.actionType),
    ];
    return {
      action,
      decision,
      disk,
      rules: loosened ? [] : evaluation.rules,
      severity: loosened ? null : evaluation.severity,
      reason: sentences.filter((sentence) => sentence !== "").join("; "),
    };
  });
  const decision = strictest(judged.map((each) => each.decision)) ?? "DENY";
  const deciding = judged.filter((each) => each.decision === decision);
  return {
    decision,
    reason:
      judged.length === 1
        ? deciding.map((each) => each.reason).join()
        : deciding.map((each) => `${each.action.actionType}: ${each.reason}`).join("; "),
    rules: deciding.flatMap((each) => each.rules),
    severity: severities.findLast((severity) => deciding.some((each) => each.severity === severity)) ?? null,
    actions: judged.map((each) => ({ decision: each.decision, disk: each.disk, named: each.action.named ?? [] })),
  };
}

function misspelling(actionType: string): string {
  if (Object.hasOwn(standardActions, actionType)) return "";
  const meant = nearest(actionType, Object.keys(standardActions));
  return meant === undefined ? "" : `\`${actionType}\` is not an action type that Canopy knows, did you mean \`${meant}\`?`;
}
