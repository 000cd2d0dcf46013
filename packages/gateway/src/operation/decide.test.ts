import type { AuthorizationResult, Canopy, Outcome } from "@canopy-runtime/core";
import { context, propagation, trace } from "@opentelemetry/api";
import { describe, expect, it, onTestFinished } from "vitest";

import type { Principal } from "../auth/principal.ts";
import { Capacity } from "../http/capacity.ts";
import { rememberAuthorizations } from "./authorizations.ts";
import { decide } from "./decide.ts";
import type { Desk } from "./decide.ts";
import { createLog } from "./log.ts";
import { createMetrics } from "./metrics.ts";

const allowed: AuthorizationResult = {
  decision: "ALLOW",
  reason: "a rule allows it",
  avid: "AVID-0",
  rules: [],
  policyDigest: "d",
  authorizationId: `7-${"a".repeat(32)}`,
  traceId: "t",
  enforced: true,
};

const principal: Principal = { id: "key:x", name: "x", scopes: new Set(["authorize"]), agentCtx: {}, passes: new Set() };
const request = { agentCtx: {}, actions: [{ actionType: "a", payload: null }] } as const;

/** A desk whose runtime answers when the test says so. */
function desk(decisionMs: number): {
  readonly desk: Desk;
  readonly answer: (result: AuthorizationResult) => void;
  readonly outcomes: readonly Outcome[];
} {
  const { promise, resolve } = Promise.withResolvers<AuthorizationResult>();
  const outcomes: Outcome[] = [];
  const canopy = {
    authorize: async () => await promise,
    recordOutcome: async (outcome: Outcome) => {
      outcomes.push(outcome);
      await Promise.resolve();
    },
  } as unknown as Canopy;
  const metrics = createMetrics(() => ({
    inFlight: 0,
    heldBytes: 0,
    ready: true,
    policyStale: false,
    logWritable: true,
    appended: 0,
    appendFailures: 0,
  }));
  const log = createLog({ level: "silent" });
  return {
    desk: {
      canopy,
      capacity: new Capacity({ inFlight: 1, heldBytes: 1 }),
      metrics,
      authorizations: rememberAuthorizations(),
      log,
      decisionMs,
    },
    answer: resolve,
    outcomes,
  };
}

describe("an answer that its caller does not get", () => {
  it("because it comes too late, is a 503, and on record as not run when it comes", async () => {
    const { desk: made, answer, outcomes } = desk(5);
    await expect(decide(made, { principal, headers: {}, gone: () => undefined }, request, () => undefined)).rejects.toMatchObject({
      status: 503,
      code: "unavailable",
    });
    expect(outcomes).toEqual([]);
    answer(allowed);
    await new Promise((resolve) => setImmediate(resolve));
    expect(outcomes).toMatchObject([{ authorizationId: allowed.authorizationId, status: "not_run", via: "gateway" }]);
  });

  it("because it has gone, is on record as not run", async () => {
    const { desk: made, answer, outcomes } = desk(60_000);
    const leaving: (() => void)[] = [];
    const gone = (callback: () => void): unknown => leaving.push(callback);
    const decided = decide(made, { principal, headers: {}, gone }, request, () => undefined);
    answer(allowed);
    expect(await decided).toBe(allowed);
    expect(outcomes).toEqual([]);
    for (const leave of [...leaving, ...leaving]) leave();
    expect(leaving).toHaveLength(1);
    expect(outcomes).toHaveLength(1);
    // And nobody can say otherwise any more.
    expect(() => made.authorizations.claim(allowed.authorizationId ?? "", principal.id)).toThrow("on record already");
  });

  it("has run where its outcome was reported before", async () => {
    const { desk: made, answer, outcomes } = desk(60_000);
    const leaving: (() => void)[] = [];
    const decided = decide(made, { principal, headers: {}, gone: (callback) => leaving.push(callback) }, request, () => undefined);
    answer(allowed);
    await decided;
    made.authorizations.claim(allowed.authorizationId ?? "", principal.id);
    for (const leave of leaving) leave();
    expect(leaving).toHaveLength(1);
    expect(outcomes).toEqual([]);
  });
});

it("tells of each decision in a span of the caller's trace", async () => {
  const attributes: Record<string, unknown>[] = [];
  let ended = 0;
  const span = {
    setAttributes: (some: Record<string, unknown>) => attributes.push(some),
    setStatus: () => undefined,
    end: () => (ended += 1),
    spanContext: () => undefined,
  };
  trace.setGlobalTracerProvider({
    getTracer: () => ({
      startActiveSpan: async (_name: string, _options: object, _context: object, run: (given: unknown) => unknown) => await run(span),
    }),
  } as never);
  let extracted: unknown;
  propagation.setGlobalPropagator({
    extract: (given: unknown, carrier: unknown) => ((extracted = carrier), given),
    inject: () => undefined,
    fields: () => [],
  } as never);
  onTestFinished(() => {
    trace.disable();
    propagation.disable();
  });
  expect(context.active()).toBeDefined();
  const { desk: made, answer } = desk(60_000);
  const headers = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
  answer(allowed);
  await decide(made, { principal, headers, gone: () => undefined }, request, () => undefined);
  expect(extracted).toBe(headers);
  expect(attributes).toEqual([
    { "canopy.decision": "ALLOW", "canopy.policy_digest": "d", "canopy.authorization_id": allowed.authorizationId, "canopy.trace_id": "t" },
  ]);
  expect(ended).toBe(1);
});
