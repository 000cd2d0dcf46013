import type { DecisionEntry, EntryBody } from "../audit/index.ts";
import { cloneJson } from "../json.ts";
import type { JsonObject } from "../json.ts";
import type { Decision } from "../policy/decision.ts";
import type { Used } from "../approval/settle.ts";
import { engineVersion } from "../version.ts";
import type { RuleReference } from "./authorizer.ts";
import type { ReadRequest, RequestData } from "./judge.ts";
import type { Judgement } from "./judgement.ts";
import type { Disk } from "./look-up-paths.ts";

/** All that an answer and its entry are made from. */
export interface Answered {
  readonly judgement: Judgement;
  /** What is answered: not what policy says, where a person approved, or in observe mode. */
  readonly decision: Decision;
  readonly approvalId: string | null;
  /** The approval that the answer uses up. */
  readonly used: Used | null;
  /** Policy said no, and observe mode lets it through. */
  readonly observed: boolean;
  readonly digest: string | null;
  /** Names the list of files that counted as Canopy's own. */
  readonly ownFiles: string | null;
  readonly avid: string;
  readonly traceId: string;
  /** Who asked, where it was not the host program itself. */
  readonly via?: string;
}

/** What the log says of a decision. */
export function decisionEntry(
  data: ReadRequest,
  { judgement, decision, approvalId, used, observed, digest, ownFiles, traceId, via }: Answered,
): EntryBody {
  return {
    type: "decision",
    avid: data.avid,
    agent_ctx: data.agentCtx,
    ...("refused" in data ? { action_type: null, payload: null } : actionFields(data, judgement)),
    decision,
    ...(observed ? { would: judgement.decision } : decision === judgement.decision ? {} : { judged: judgement.decision }),
    reason: judgement.reason,
    rules: rulesEntry(judgement.rules),
    policy_digest: digest,
    ...(approvalId === null ? {} : { approval_id: approvalId }),
    ...(used === null ? {} : { approval: { id: used.id, digest: used.digest, decided_by: used.decidedBy, assurance: used.assurance } }),
    trace_id: traceId,
    ...(via === undefined ? {} : { via }),
    enforced: !observed,
    engine: engineVersion,
    ...(ownFiles === null ? {} : { own_files: ownFiles }),
  };
}

/** Most decisions are one rule's; what the log says of it is made once, and the log need not copy it again. */
const entriesOfOne = new WeakMap<RuleReference, DecisionEntry["rules"]>();

export function rulesEntry(rules: readonly RuleReference[]): DecisionEntry["rules"] {
  const [only] = rules;
  if (only === undefined || rules.length > 1) return rules.map(({ id, decision, file, line }) => ({ id, decision, file, line }));
  let known = entriesOfOne.get(only);
  if (known === undefined) {
    const { id, decision, file, line } = only;
    known = cloneJson([{ id, decision, file, line }]) as unknown as DecisionEntry["rules"];
    entriesOfOne.set(only, known);
  }
  return known;
}

type ActionFields = Pick<DecisionEntry, "action_type" | "payload" | "actions" | "tool" | "details">;

/** What was asked, in the words of the log. */
export function actionFields({ actions, tool }: RequestData, judgement: Judgement): ActionFields {
  const [first] = actions;
  if (first === undefined) return { action_type: null, payload: null };
  const judged = judgement.actions.map(({ decision, disk }, index): JsonObject => {
    const { actionType = "", payload = null, open = [] } = actions[index] ?? {};
    return {
      action_type: actionType,
      payload,
      decision,
      ...(open.length === 0 ? {} : { open }),
      ...(disk === null ? {} : { disk: diskEntry(disk) }),
    };
  });
  const { action_type: _type, payload: _payload, decision: _decision, ...details } = judged[0] ?? {};
  return {
    action_type: first.actionType,
    payload: first.payload,
    ...(actions.length > 1 ? { actions: judged } : Object.keys(details).length === 0 ? {} : { details }),
    ...(tool === null ? {} : { tool: { name: tool.name, args: tool.args, call_id: tool.callId, toctou: tool.toctou } }),
  };
}

/** What the disk was asked, in the words of the log; without it a decision cannot be judged again. */
function diskEntry(disk: Disk): JsonObject {
  return Object.fromEntries(Object.entries(disk).map(([path, { real, links }]) => [path, { real, links }]));
}
