import type { Outcome } from "@canopy-runtime/core";
import { z } from "zod";

import type { Principal } from "../auth/principal.ts";

/** How a call that was allowed ended. */
export interface OutcomeBody {
  readonly authorization_id: string;
  readonly trace_id: string;
  readonly status: Outcome["status"];
  readonly error_class?: string | undefined;
  readonly output_hash: string | null;
  readonly duration_ms: number;
}

export const outcomeBody: z.ZodType<OutcomeBody> = z
  .strictObject({
    authorization_id: z.string().regex(/^\d{1,15}-[0-9a-f]{32}$/, "not the `authorization_id` of an answer"),
    trace_id: z.string().min(1).max(256),
    status: z.enum(["success", "error", "not_run"]),
    error_class: z
      .string()
      .regex(/^[\w$.-]{1,64}$/, "not the name of a class")
      .optional(),
    output_hash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, "not a SHA-256 in hex")
      .nullable(),
    duration_ms: z.number().min(0),
  })
  .meta({ id: "Outcome" });

export const outcomeAnswer: z.ZodType<{ readonly recorded: true }> = z.object({ recorded: z.literal(true) }).meta({ id: "OutcomeAnswer" });

export function readOutcome(body: OutcomeBody, principal: Principal): Outcome {
  return {
    authorizationId: body.authorization_id,
    traceId: body.trace_id,
    status: body.status,
    ...(body.error_class === undefined ? {} : { errorClass: body.error_class }),
    outputHash: body.output_hash,
    durationMs: body.duration_ms,
    via: principal.id,
  };
}
