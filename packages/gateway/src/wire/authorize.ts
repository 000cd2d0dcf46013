import type { AuthorizationRequest, ApprovalReference, AuthorizationResult, Decision, JsonObject, JsonValue } from "@canopy-runtime/core";
import { z } from "zod";

import { agentContextFor } from "../auth/agent-context.ts";
import type { Principal } from "../auth/principal.ts";
import { jsonObject, jsonValue } from "./json.ts";

const name = z.string().min(1).max(256);

const action = z.strictObject({
  action_type: name,
  payload: jsonValue,
  open: z
    .array(z.string().max(1000))
    .max(64)
    .optional()
    .meta({ description: "What the payload may not show of the call behind it; with any, at least REQUIRE_APPROVAL." }),
});

const tool = z.strictObject({
  name,
  args: jsonValue,
  call_id: name.optional(),
  toctou: z.literal("unprotected").optional(),
});

/** What is asked: one action in its short form, or the several actions of one tool call. */
export interface AuthorizeBody {
  readonly agent_ctx?: JsonObject | undefined;
  readonly action_type?: string | undefined;
  readonly action_payload?: JsonValue | undefined;
  readonly actions?: readonly WireAction[] | undefined;
  readonly tool?: WireTool | undefined;
  readonly refused?: string | undefined;
  readonly trace_id?: string | undefined;
  readonly request_id?: string | undefined;
}

interface WireAction {
  readonly action_type: string;
  readonly payload: JsonValue;
  readonly open?: readonly string[] | undefined;
}

interface WireTool {
  readonly name: string;
  readonly args: JsonValue;
  readonly call_id?: string | undefined;
  readonly toctou?: "unprotected" | undefined;
}

export const authorizeBody: z.ZodType<AuthorizeBody> = z
  .strictObject({
    agent_ctx: jsonObject.optional().meta({ description: "Only fields that the key may pass count; the gateway holds the rest." }),
    action_type: name.optional(),
    action_payload: jsonValue.optional(),
    actions: z.array(action).min(1).max(32).optional(),
    tool: tool.optional(),
    refused: z
      .string()
      .min(1)
      .max(1000)
      .optional()
      .meta({ description: "Why the call will not run whatever is answered; the answer is DENY, and on record." }),
    trace_id: name.optional(),
    request_id: z.string().min(1).max(128).optional().meta({ description: "Comes back in the answer." }),
  })
  .superRefine((body, context) => {
    const isShort = body.action_type !== undefined || body.action_payload !== undefined;
    const problem =
      isShort && body.actions !== undefined
        ? "`actions` stands alone, or `action_type` with `action_payload`"
        : !isShort && body.actions === undefined
          ? "`action_type` is missing"
          : isShort && body.action_type === undefined
            ? "`action_type` is missing"
            : isShort && body.action_payload === undefined
              ? "`action_payload` is missing"
              : undefined;
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  })
  .meta({ id: "AuthorizeRequest", oneOf: [{ required: ["action_type", "action_payload"] }, { required: ["actions"] }] });

const decision = z.enum(["ALLOW", "DENY", "REQUIRE_APPROVAL"]);

/** The answer: proceed only on `ALLOW`. */
export interface AuthorizeAnswer {
  readonly decision: Decision;
  readonly reason: string;
  readonly avid: string;
  readonly rules: readonly { readonly id: string; readonly decision: Decision; readonly file: string; readonly line: number }[];
  readonly policy_digest: string | null;
  readonly authorization_id: string | null;
  readonly trace_id: string;
  readonly enforced: boolean;
  readonly would?: Decision | undefined;
  readonly approval_id?: string | undefined;
  readonly approval?: { readonly id: string; readonly decided_by: string; readonly assurance: "same_user" | "key" } | undefined;
  readonly request_id?: string | undefined;
  readonly ignored?: readonly string[] | undefined;
}

export const authorizeAnswer: z.ZodType<AuthorizeAnswer> = z
  .object({
    decision,
    reason: z.string(),
    avid: z.string(),
    rules: z.array(z.object({ id: z.string(), decision, file: z.string(), line: z.int() })),
    policy_digest: z.string().nullable(),
    authorization_id: z.string().nullable().meta({ description: "Names the entry of the audit log; `POST /outcome` takes it." }),
    trace_id: z.string(),
    enforced: z.boolean(),
    would: decision.optional().meta({ description: "What enforcement would have answered; in observe mode only." }),
    approval_id: z.string().optional().meta({ description: "Names the exact action that a person would approve; with REQUIRE_APPROVAL." }),
    request_id: z.string().optional(),
    approval: z
      .object({ id: z.string(), decided_by: z.string(), assurance: z.enum(["same_user", "key"]) })
      .optional()
      .meta({ description: "The approval that was used up for this, where policy wanted one." }),
    ignored: z.array(z.string()).optional().meta({ description: "Fields of `agent_ctx` that did not count." }),
  })
  .meta({ id: "AuthorizeAnswer" });

/** The request that the runtime is asked, with the context that the gateway knows, and the fields of the caller's that did not count. */
export function readAuthorize(
  body: AuthorizeBody,
  principal: Principal,
  traceId: string | undefined,
): { readonly request: AuthorizationRequest; readonly ignored: readonly string[] } {
  const { agentCtx, ignored } = agentContextFor(principal, body.agent_ctx);
  const [first = { action_type: body.action_type ?? "", payload: body.action_payload ?? null }, ...rest] = body.actions ?? [];
  const trace = body.trace_id ?? traceId;
  const request: AuthorizationRequest = {
    agentCtx,
    actions: [readAction(first), ...rest.map(readAction)],
    ...(body.tool === undefined ? {} : { tool: readTool(body.tool) }),
    ...(body.refused === undefined ? {} : { refused: body.refused }),
    ...(trace === undefined ? {} : { traceId: trace }),
    via: principal.id,
  };
  return { request, ignored };
}

function readAction({ action_type: actionType, payload, open }: WireAction): AuthorizationRequest["actions"][0] {
  return { actionType, payload, ...(open === undefined ? {} : { open }) };
}

function readTool({ name: called, args, call_id: callId, toctou }: WireTool): NonNullable<AuthorizationRequest["tool"]> {
  return { name: called, args, ...(callId === undefined ? {} : { callId }), ...(toctou === undefined ? {} : { toctou }) };
}

/** The answer in the words of the wire. */
export function wireAnswer(result: AuthorizationResult): AuthorizeAnswer {
  return {
    decision: result.decision,
    reason: result.reason,
    avid: result.avid,
    rules: result.rules.map(({ id, decision: asked, file, line }) => ({ id, decision: asked, file, line })),
    policy_digest: result.policyDigest,
    authorization_id: result.authorizationId,
    trace_id: result.traceId,
    enforced: result.enforced,
    ...(result.would === undefined ? {} : { would: result.would }),
    ...(result.decision === "ALLOW" && result.approval !== undefined ? { approval: wireReference(result.approval) } : {}),
    ...(result.decision === "REQUIRE_APPROVAL" ? { approval_id: result.approvalId } : {}),
  };
}

function wireReference({ id, decidedBy, assurance }: ApprovalReference): NonNullable<AuthorizeAnswer["approval"]> {
  return { id, decided_by: decidedBy, assurance };
}
