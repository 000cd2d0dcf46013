import type { JsonObject } from "@canopy-runtime/core";
import { z } from "zod";

import type { AnyRoute, Call } from "../http/call.ts";
import { route } from "../http/call.ts";
import type { Hold } from "../http/capacity.ts";
import { Refusal } from "../http/refusal.ts";
import { decide } from "../operation/decide.ts";
import type { Desk } from "../operation/decide.ts";
import {
  evaluationAnswer,
  evaluationBody,
  evaluationsAnswer,
  evaluationsBody,
  readEvaluation,
  wireEvaluation,
  withDefaults,
} from "../wire/authzen.ts";
import type { Evaluation, EvaluationAnswer, Evaluations } from "../wire/authzen.ts";
import { validate } from "../wire/validate.ts";

/** OpenID AuthZEN Authorization API 1.0: Access Evaluation, Access Evaluations, and the metadata. `publicUrl` is asked for once the port is known. */
export function authzenRoutes(desk: Desk, publicUrl: () => string): readonly AnyRoute[] {
  const evaluation = route({
    method: "POST",
    path: "/access/v1/evaluation",
    access: ["authorize"],
    summary: "AuthZEN: one evaluation",
    description: "REQUIRE_APPROVAL is `decision: false` with the approval in `context`.",
    body: evaluationBody,
    answer: { description: "The decision", schema: evaluationAnswer },
    refusals: "authzen",
    handle: async (call) => ({
      json: await desk.capacity.run(call.principal.id, 1, async (hold) => await evaluate(desk, call, call.body, hold)),
    }),
  });

  const evaluations = route({
    method: "POST",
    path: "/access/v1/evaluations",
    access: ["authorize"],
    summary: "AuthZEN: several evaluations",
    body: evaluationsBody,
    answer: { description: "A decision for each, or up to the one that settles it", schema: evaluationsAnswer },
    refusals: "authzen",
    async handle(call) {
      const { evaluations: items = [] } = call.body;
      // Without a list it is one evaluation.
      const whole = items.length === 0 ? validate(evaluationBody, call.body) : undefined;
      return await desk.capacity.run(call.principal.id, Math.max(1, items.length), async (hold) => ({
        json:
          whole === undefined
            ? { evaluations: await evaluateAll(desk, call, call.body, items, hold) }
            : await evaluate(desk, call, whole, hold),
      }));
    },
  });

  const configuration = route({
    method: "GET",
    path: "/.well-known/authzen-configuration",
    access: "open",
    summary: "AuthZEN: where the endpoints are",
    answer: {
      description: "The metadata",
      schema: z.object({
        policy_decision_point: z.string(),
        access_evaluation_endpoint: z.string(),
        access_evaluations_endpoint: z.string(),
      }),
    },
    handle: () => ({
      json: {
        policy_decision_point: publicUrl(),
        access_evaluation_endpoint: `${publicUrl()}/access/v1/evaluation`,
        access_evaluations_endpoint: `${publicUrl()}/access/v1/evaluations`,
      },
    }),
  });

  return [evaluation, evaluations, configuration];
}

async function evaluate(desk: Desk, call: Call, evaluation: Evaluation, hold: Hold): Promise<EvaluationAnswer> {
  return wireEvaluation(await decide(desk, call, readEvaluation(evaluation, call.principal, call.traceId), hold));
}

async function evaluateAll(
  desk: Desk,
  call: Call,
  body: Evaluations,
  items: readonly JsonObject[],
  hold: Hold,
): Promise<readonly EvaluationAnswer[]> {
  const one = async (item: JsonObject): Promise<EvaluationAnswer> => {
    try {
      return await evaluate(desk, call, validate(evaluationBody, withDefaults(item, body)), hold);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { decision: false, context: { error: { status: error.status, message: error.message } } };
    }
  };
  const semantic = body.options?.evaluations_semantic ?? "execute_all";
  if (semantic === "execute_all") return await Promise.all(items.map(one));
  const last = semantic === "permit_on_first_permit";
  const answers: EvaluationAnswer[] = [];
  for (const item of items) {
    const answer = await one(item);
    answers.push(answer);
    if (answer.decision === last) break;
  }
  return answers;
}
