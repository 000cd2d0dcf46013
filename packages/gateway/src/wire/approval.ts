import type { Approval, ApprovalDetails } from "@canopy-runtime/core";
import { z } from "zod";

const note = z.string().max(2000).optional();

/** A person's yes or no to what they were shown, which `digest` names. */
export interface DecisionBody {
  readonly decision: "approve" | "deny";
  readonly digest: string;
  readonly note?: string | undefined;
}

export const decisionBody: z.ZodType<DecisionBody> = z
  .strictObject({
    decision: z.enum(["approve", "deny"]),
    digest: z
      .string()
      .regex(/^[0-9a-f]{64}$/, "not the digest of a request")
      .meta({ description: "Of the request as it was shown; another one is refused." }),
    note,
  })
  .meta({ id: "ApprovalDecision" });

export const cancelBody: z.ZodType<{ readonly note?: string | undefined }> = z.strictObject({ note }).meta({ id: "ApprovalCancel" });

export const states = ["pending", "approved", "denied", "expired", "cancelled", "used"] as const;

const approval = z
  .looseObject({ id: z.string(), digest: z.string(), state: z.enum(states), problem: z.string().nullable() })
  .meta({ id: "Approval" });

export const approvalAnswer: z.ZodType = approval;
export const approvalsAnswer: z.ZodType = z.object({ approvals: z.array(approval) });

/** In the words of the wire and of the log. */
export function wireApproval(given: Approval | ApprovalDetails): object {
  const { decision, use } = given;
  return {
    id: given.id,
    state: given.state,
    problem: given.problem,
    digest: given.digest,
    avid: given.avid,
    agent: given.agent,
    action_types: given.actionTypes,
    reason: given.reason,
    rules: given.rules,
    severity: given.severity,
    wants: given.wants,
    requested_at: given.requestedAt.toISOString(),
    decide_by: given.decideBy.toISOString(),
    decision:
      decision === null
        ? null
        : {
            decision: decision.decision,
            decided_by: decision.by,
            decided_at: decision.at.toISOString(),
            assurance: decision.assurance,
            note: decision.note,
          },
    use_by: given.useBy?.toISOString() ?? null,
    use: use === null ? null : { authorization_id: use.authorizationId, at: use.at.toISOString(), outcome: use.outcome },
    ...("preview" in given ? { preview: given.preview } : {}),
  };
}
