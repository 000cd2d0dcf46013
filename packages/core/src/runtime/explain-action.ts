import { describeAction } from "../facts/describe.ts";
import { factFunctions } from "../facts/index.ts";
import type { JsonObject } from "../json.ts";
import { explain } from "../policy/explain.ts";
import type { RuleExplanation } from "../policy/explain.ts";
import type { Decision } from "../policy/decision.ts";
import type { Policy } from "../policy/policy.ts";
import type { AuthorizationRequest, RuleReference } from "./authorizer.ts";
import { readRequest } from "./judge.ts";
import type { JudgeOptions } from "./judge.ts";
import type { JudgedAction, JudgedRequest } from "./judgement.ts";
import { lookUpPaths } from "./look-up-paths.ts";

/** Why the policy answers what it answers about one action. */
export interface ActionExplanation {
  readonly actionType: string;
  readonly decision: Decision;
  readonly reason: string;
  /** The rules that decided; none where the default did. */
  readonly rules: readonly RuleReference[];
  /** What analysis made of the payload, see `docs/facts.md`; null for an action type without facts. */
  readonly understood: JsonObject | null;
  /** Every rule about this action type, in the order of the policy, with what came of its conditions. */
  readonly considered: readonly RuleExplanation[];
}

/** Explains each action of the request; none where the request cannot be read. */
export async function explainActions(
  policy: Policy,
  request: AuthorizationRequest,
  { resolvePaths, ownFiles }: JudgeOptions,
): Promise<readonly ActionExplanation[]> {
  const data = readRequest(request);
  if ("refused" in data) {
    return [{ actionType: "", decision: "DENY", reason: data.refused, rules: [], understood: null, considered: [] }];
  }
  const { agentCtx } = data;
  return await Promise.all(
    data.actions.map(async ({ actionType, payload, open }) => {
      const looked = resolvePaths ? await lookUpPaths(actionType, payload, { agentCtx, ownFiles }) : undefined;
      return explainAction(policy, { actionType, payload, open, disk: looked?.disk ?? null }, { agentCtx, ownFiles });
    }),
  );
}

/** Explains one action by what is given alone. */
export function explainAction(
  policy: Policy,
  { actionType, payload, disk }: JudgedAction,
  { agentCtx, ownFiles }: Pick<JudgedRequest, "agentCtx" | "ownFiles">,
): ActionExplanation {
  const inputs = { ownFiles, ...(disk === null ? {} : { disk }) };
  const { decision, reason, rules, considered } = explain(policy, { agentCtx, actionType, payload }, inputs);
  const understood = describeAction(factFunctions, actionType, { agentCtx, payload, ...inputs });
  return { actionType, decision, reason, rules, understood, considered };
}
