import type { AuthorizationRequest, AuthorizationResult, JsonObject, JsonValue } from "@canopy-runtime/core";
import { z } from "zod";

import { agentContextFor } from "../auth/agent-context.ts";
import type { Principal } from "../auth/principal.ts";
import { Refusal } from "../http/refusal.ts";
import { jsonObject } from "./json.ts";
import { wireAnswer } from "./authorize.ts";

// OpenID AuthZEN Authorization API 1.0. Unknown members are ignored, as it demands.
const text = z.string().min(1).max(1024);
const entity = z.object({ type: text, id: text, properties: jsonObject.optional() });
const subject = entity.meta({ id: "Subject" });
const resource = entity.meta({ id: "Resource" });
const action = z.object({ name: z.string().min(1).max(256), properties: jsonObject.optional() }).meta({ id: "Action" });

/** Who wants to do what to what. */
export interface Evaluation {
  readonly subject: Entity;
  readonly action: { readonly name: string; readonly properties?: JsonObject | undefined };
  readonly resource: Entity;
  readonly context?: JsonObject | undefined;
}

interface Entity {
  readonly type: string;
  readonly id: string;
  readonly properties?: JsonObject | undefined;
}

export const evaluationBody: z.ZodType<Evaluation> = z
  .object({ subject, action, resource, context: jsonObject.optional() })
  .meta({ id: "EvaluationRequest" });

export interface EvaluationAnswer {
  readonly decision: boolean;
  readonly context?: JsonObject | undefined;
}

export const evaluationAnswer: z.ZodType<EvaluationAnswer> = z
  .object({
    decision: z.boolean(),
    context: jsonObject.optional().meta({
      description: "The answer as Canopy gives it, as `outcome`, and beside it `reason`, `rules`, `authorization_id`, … and `approval`.",
    }),
  })
  .meta({ id: "EvaluationAnswer" });

const semantics = ["execute_all", "deny_on_first_deny", "permit_on_first_permit"] as const;

/** Each is looked at by itself: one that is not whole is a decision of false, not the end of all. */
export interface Evaluations {
  readonly subject?: JsonObject | undefined;
  readonly action?: JsonObject | undefined;
  readonly resource?: JsonObject | undefined;
  readonly context?: JsonObject | undefined;
  readonly evaluations?: readonly JsonObject[] | undefined;
  readonly options?: { readonly evaluations_semantic?: (typeof semantics)[number] | undefined } | undefined;
}

export const evaluationsBody: z.ZodType<Evaluations> = z
  .object({
    subject: jsonObject.optional(),
    action: jsonObject.optional(),
    resource: jsonObject.optional(),
    context: jsonObject.optional(),
    evaluations: z.array(jsonObject).max(100).optional(),
    options: z.object({ evaluations_semantic: z.enum(semantics).optional() }).optional(),
  })
  .meta({ id: "EvaluationsRequest" });

export const evaluationsAnswer: z.ZodType<EvaluationAnswer | { readonly evaluations: readonly EvaluationAnswer[] }> = z
  .union([z.object({ evaluations: z.array(evaluationAnswer) }), evaluationAnswer])
  .meta({ id: "EvaluationsAnswer" });

/**
 * One of the evaluations with the defaults that stand around it: an entity of its own replaces the default as a whole, save for the `type`, `id` or `name` that
 * it leaves out.
 */
export function withDefaults(own: JsonObject, defaults: Evaluations): JsonObject {
  const merged: Record<string, JsonValue> = {};
  for (const [key, required] of requiredParts) {
    const mine = own[key];
    const other = defaults[key];
    if (mine === undefined) {
      if (other !== undefined) merged[key] = other;
      continue;
    }
    const missing =
      isObject(mine) && other !== undefined ? required.filter((part) => mine[part] === undefined && other[part] !== undefined) : [];
    merged[key] =
      missing.length === 0 || !isObject(mine)
        ? mine
        : { ...mine, ...Object.fromEntries(missing.map((part) => [part, other?.[part] ?? null])) };
  }
  return merged;
}

const requiredParts = [
  ["subject", ["type", "id"]],
  ["action", ["name"]],
  ["resource", ["type", "id"]],
  ["context", []],
] as const;

/**
 * The action's name is the action type, its properties are the payload, and subject, resource and context stand in the payload beside them, so that rules can
 * ask for them. The subject is the agent: a key that does not speak for it gets a DENY, on record. Throws a `Refusal` where a property would hide one of the three.
 */
export function readEvaluation(evaluation: Evaluation, principal: Principal, traceId: string | undefined): AuthorizationRequest {
  const { properties = {}, name } = evaluation.action;
  const hidden = ["subject", "resource", "context"].find((key) => Object.hasOwn(properties, key));
  if (hidden !== undefined)
    throw new Refusal(400, "invalid_request", `\`action.properties.${hidden}\` has the name of what stands beside it`);
  const { agentCtx } = agentContextFor(principal, { agent_id: evaluation.subject.id });
  const speaksFor = agentCtx["agent_id"] ?? agentCtx["id"];
  return {
    agentCtx,
    actions: [
      {
        actionType: name,
        payload: {
          ...properties,
          subject: evaluation.subject,
          resource: evaluation.resource,
          ...(evaluation.context === undefined ? {} : { context: evaluation.context }),
        },
      },
    ],
    ...(speaksFor === evaluation.subject.id ? {} : { refused: "the key does not speak for this subject" }),
    ...(traceId === undefined ? {} : { traceId }),
    via: principal.id,
  };
}

/** True for ALLOW alone. What else there is to say stands in `context`; an approval that is asked for is one of those things. */
export function wireEvaluation(result: AuthorizationResult): EvaluationAnswer {
  const { decision, approval_id: approvalId, ...rest } = wireAnswer(result);
  const context = { outcome: decision, ...rest, ...(approvalId === undefined ? {} : { approval: { id: approvalId } }) };
  // Members that are undefined are not there in JSON.
  return { decision: decision === "ALLOW", context: context as unknown as JsonObject };
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
