import type { AuthorizationRequest, AuthorizationResult, Canopy } from "@canopy-runtime/core";
import { SpanKind, SpanStatusCode, context, propagation, trace } from "@opentelemetry/api";

import type { Principal } from "../auth/principal.ts";
import type { Call } from "../http/call.ts";
import type { Capacity, Hold } from "../http/capacity.ts";
import { Refusal } from "../http/refusal.ts";
import type { Authorizations } from "./authorizations.ts";
import type { GatewayLog } from "./log.ts";
import type { Metrics } from "./metrics.ts";

/** What a decision needs around it. */
export interface Desk {
  readonly canopy: Canopy;
  readonly capacity: Capacity;
  readonly metrics: Metrics;
  readonly authorizations: Authorizations;
  readonly log: GatewayLog;
  /** How long the engine and the log together may take over one decision. */
  readonly decisionMs: number;
}

const tracer = trace.getTracer("@canopy-runtime/gateway");

/**
 * Asks the runtime, and answers when the answer is on record. An ALLOW that its caller did not get, because it came too late or the caller had gone, is
 * put on record as `not_run`. Throws a `Refusal` where the answer took too long; `hold` is told of what then still goes on.
 */
export async function decide(
  desk: Desk,
  call: Pick<Call, "principal" | "gone" | "headers">,
  request: AuthorizationRequest,
  hold: Hold,
): Promise<AuthorizationResult> {
  const parent = propagation.extract(context.active(), call.headers);
  return await tracer.startActiveSpan("canopy.authorize", { kind: SpanKind.SERVER }, parent, async (span) => {
    const started = performance.now();
    try {
      const result = await inTime(desk, call.principal, request, hold);
      const seconds = (performance.now() - started) / 1000;
      const actionType = request.actions.length === 1 ? request.actions[0].actionType : "several";
      desk.metrics.decided(result.decision, actionType, seconds);
      desk.log.decided(result, request, call.principal, seconds);
      if (result.authorizationId !== null) {
        desk.authorizations.decided(result.authorizationId, call.principal.id, result.decision === "ALLOW");
        if (result.decision === "ALLOW") call.gone(() => notRun(desk, call.principal, result));
      }
      span.setAttributes({
        "canopy.decision": result.decision,
        "canopy.policy_digest": result.policyDigest ?? "",
        "canopy.authorization_id": result.authorizationId ?? "",
        "canopy.trace_id": result.traceId,
      });
      return result;
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

async function inTime(
  { canopy, decisionMs, ...desk }: Desk,
  principal: Principal,
  request: AuthorizationRequest,
  hold: Hold,
): Promise<AuthorizationResult> {
  const answer = canopy.authorize(request);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), decisionMs);
  });
  const result = await Promise.race([answer, late]);
  clearTimeout(timer);
  if (result !== null) return result;
  // It may be on record in a moment, and nobody acts on it.
  hold(answer.then((tooLate) => notRun({ canopy, decisionMs, ...desk }, principal, tooLate)));
  throw new Refusal(503, "unavailable", `the decision was not on record within ${decisionMs} ms`, { "retry-after": "5" });
}

/** The caller does not have the answer, so nothing ran. */
function notRun(
  { canopy, authorizations, log }: Desk,
  principal: Principal,
  { decision, authorizationId, traceId }: AuthorizationResult,
): void {
  if (decision !== "ALLOW" || authorizationId === null) return;
  try {
    authorizations.claim(authorizationId, principal.id);
  } catch {
    return;
  }
  const outcome = { authorizationId, traceId, status: "not_run", outputHash: null, durationMs: 0, via: "gateway" } as const;
  canopy
    .recordOutcome(outcome)
    .catch((error: unknown) => log.failed("an answer that its caller did not get could not be marked as not run", error));
}
