import fc from "fast-check";
import { expect, it } from "vitest";

import { createMemoryAuditSink } from "../audit/index.ts";
import { isJsonObject } from "../json.ts";
import type { JsonObject } from "../json.ts";
import { openCanopy } from "../runtime/open-canopy.ts";
import { policy, refund } from "./approval.test.fixture.request.ts";
import { createMemoryApprovalStore } from "./memory-store.ts";
import { openStates } from "./store.ts";
import type { StoredApprovalState } from "./store.ts";

type Step =
  | { readonly kind: "authorize"; readonly amount: number }
  | { readonly kind: "approve" | "deny" | "cancel"; readonly pick: number }
  | { readonly kind: "edit"; readonly pick: number; readonly state: StoredApprovalState }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "restart" };

const states: readonly StoredApprovalState[] = [...openStates, "expired", "cancelled", "used"];
const pick = fc.nat(3);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("authorize" as const), amount: fc.integer({ min: 1, max: 2 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("approve" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("deny" as const, "cancel" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("edit" as const), pick, state: fc.constantFrom(...states) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(1, 40, 200, 2000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
);

interface Checked {
  readonly uses: number;
  readonly wrong: readonly string[];
}

/** What must be so of a log whatever was done: each use has its own yes before it, of the same action, in time, not taken back. */
function check(lines: readonly string[], useWithinMs: number): Checked {
  const decided = new Map<string, { readonly digest: unknown; readonly at: number }>();
  const over = new Set<string>();
  const wrong: string[] = [];
  let uses = 0;
  for (const line of lines) {
    const { type, ts, approval_id: id, decision, digest, approval } = JSON.parse(line) as JsonObject;
    if (typeof id !== "string" || typeof ts !== "string") continue;
    const at = Date.parse(ts);
    if (type === "approval.decided" && decision === "approve" && !over.has(id)) {
      if (decided.has(id)) wrong.push(`${id} was approved twice`);
      decided.set(id, { digest, at });
    } else if (type === "approval.decided" || type === "approval.cancelled" || type === "approval.expired") {
      over.add(id);
    } else if (type === "decision" && isJsonObject(approval)) {
      uses += 1;
      const yes = decided.get(id);
      if (yes === undefined || approval["id"] !== id || approval["digest"] !== yes.digest || decision !== "ALLOW")
        wrong.push(`${id} was not approved`);
      else if (over.has(id)) wrong.push(`${id} was over`);
      else if (at - yes.at >= useWithinMs) wrong.push(`${id} was too late`);
      over.add(id);
    }
  }
  return { uses, wrong };
}

it("whatever people, clocks and whoever edits the store do, each use has a yes of its own", async () => {
  let uses = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      let at = Date.parse("2026-03-01T12:00:00Z");
      const now = (): Date => new Date(at);
      const sink = createMemoryAuditSink({ now });
      // The runtime closes what it is given; this log and this store outlive it.
      const audit = { ...sink, close: async () => await Promise.resolve() };
      const store = { ...createMemoryApprovalStore(), close: async () => await Promise.resolve() };
      const options = { policy, audit: Object.assign(audit, { now }), approvals: { store, decideWithinMs: 1000, useWithinMs: 100 } };
      let canopy = await openCanopy(options);
      const ids: string[] = [];
      for (const each of steps) {
        // Time goes on by itself: two entries of one moment say nothing about which was too late.
        at += 1;
        if (each.kind === "authorize") {
          const answer = await canopy.authorize(refund({ actions: [{ actionType: "refund", payload: { amount: each.amount } }] }));
          if (answer.decision === "REQUIRE_APPROVAL" && !ids.includes(answer.approvalId)) ids.push(answer.approvalId);
        } else if (each.kind === "wait") {
          at += each.ms;
        } else if (each.kind === "restart") {
          await canopy.close();
          canopy = await openCanopy(options);
        } else {
          // Mostly the last ones: those before are over.
          const id = ids[Math.max(0, ids.length - 1 - (each.pick >> 1))];
          if (id === undefined) continue;
          if (each.kind === "edit") await store.change(id, { from: states, to: each.state, reserve: "x" });
          else if (each.kind === "cancel") await canopy.approvals.cancel(id, { by: "Ann" }).catch(() => undefined);
          else await canopy.approvals.decide(id, { decision: each.kind, by: "Ann" }).catch(() => undefined);
        }
      }
      await canopy.close();
      const checked = check(sink.lines, 100);
      expect(checked.wrong).toEqual([]);
      uses += checked.uses;
    }),
    { numRuns: 200 },
  );
  // The runs are about something.
  expect(uses).toBeGreaterThan(50);
});
