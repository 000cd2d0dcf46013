import { z } from "zod";

import type { AnyRoute } from "../http/call.ts";
import { route } from "../http/call.ts";
import { decide } from "../operation/decide.ts";
import type { Desk } from "../operation/decide.ts";
import { authorizeAnswer, authorizeBody, readAuthorize, wireAnswer } from "../wire/authorize.ts";
import { outcomeAnswer, outcomeBody, readOutcome } from "../wire/outcome.ts";
import { Refusal } from "../http/refusal.ts";

/** Asking, saying how it ended, and what tools are: all that a client of the runtime needs. */
export function authorizeRoutes(desk: Desk): readonly AnyRoute[] {
  const authorize = route({
    method: "POST",
    path: "/authorize_action",
    access: ["authorize"],
    summary: "May this action be taken?",
    description: "Proceed only on status 200 with `decision` `ALLOW`. The answer is on record when it arrives.",
    body: authorizeBody,
    answer: { description: "The decision", schema: authorizeAnswer },
    refusals: "canopy",
    async handle(call) {
      const { request, ignored } = readAuthorize(call.body, call.principal, call.traceId);
      const result = await desk.capacity.run(call.principal.id, 1, async (hold) => await decide(desk, call, request, hold));
      const { request_id: requestId } = call.body;
      return {
        json: {
          ...wireAnswer(result),
          ...(requestId === undefined ? {} : { request_id: requestId }),
          ...(ignored.length === 0 ? {} : { ignored }),
        },
      };
    },
  });

  const outcome = route({
    method: "POST",
    path: "/outcome",
    access: ["authorize"],
    summary: "How an action that was allowed ended",
    body: outcomeBody,
    answer: { description: "It is on record", schema: outcomeAnswer },
    async handle({ body, principal }) {
      const claim = desk.authorizations.claim(body.authorization_id, principal.id);
      try {
        await desk.capacity.run(principal.id, 1, async () => await desk.canopy.recordOutcome(readOutcome(body, principal)));
      } catch (error) {
        claim.undo();
        if (error instanceof Refusal) throw error;
        throw new Refusal(503, "unavailable", "the outcome could not be put on record", { "retry-after": "5" });
      }
      return { json: { recorded: true } };
    },
  });

  const toolBindings = route({
    method: "GET",
    path: "/tool_bindings",
    access: ["authorize"],
    summary: "How the policy in force turns tool calls into actions",
    answer: {
      description: "By tool name",
      schema: z.object({
        bindings: z.record(
          z.string(),
          z.array(z.object({ action_type: z.string(), payload: z.record(z.string(), z.string()), ignore: z.array(z.string()) })),
        ),
      }),
    },
    async handle() {
      const { bindings } = await desk.canopy.policy();
      const wire = [...bindings].map(
        ([tool, list]) => [tool, list.map(({ actionType, payload, ignore }) => ({ action_type: actionType, payload, ignore }))] as const,
      );
      return { json: { bindings: Object.fromEntries(wire) } };
    },
  });

  return [authorize, outcome, toolBindings];
}
