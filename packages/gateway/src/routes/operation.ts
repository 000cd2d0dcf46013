import { CanopyError } from "@canopy-runtime/core";
import { z } from "zod";

import type { AnyRoute } from "../http/call.ts";
import { route } from "../http/call.ts";
import { Refusal } from "../http/refusal.ts";
import type { Metrics } from "../operation/metrics.ts";
import type { Readiness } from "../operation/readiness.ts";
import type { Waiting } from "../operation/waiting.ts";

export interface OperationParts {
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  readonly waiting: Waiting;
  /** Puts the policy in force anew and answers its digest. Rejects where it does not load. */
  readonly reload: () => Promise<string>;
}

const readinessAnswer = z
  .object({
    ready: z.boolean(),
    policy: z.enum(["in force", "stale", "none"]),
    log: z.enum(["verified", "being verified", "not sound", "not writable"]),
    keys: z.enum(["readable", "not readable", "none"]),
    stopping: z.boolean(),
  })
  .meta({ id: "Readiness" });

/** What operators and their machines ask. */
export function operationRoutes({ readiness, metrics, reload, waiting }: OperationParts): readonly AnyRoute[] {
  return [
    route({
      method: "GET",
      path: "/healthz",
      access: "open",
      summary: "Whether the process answers",
      answer: { description: "It does", schema: z.object({ ok: z.literal(true) }) },
      handle: () => ({ json: { ok: true } }),
    }),
    route({
      method: "GET",
      path: "/readyz",
      access: "open",
      summary: "Whether requests should come here",
      description:
        "200 where they should, 503 where not. A policy file that does not load leaves the one before in force: `stale`, and still 200.",
      answer: { description: "They should", schema: readinessAnswer },
      async handle() {
        const report = await readiness.report();
        return { status: report.ready ? 200 : 503, json: report };
      },
    }),
    route({
      method: "GET",
      path: "/metrics",
      access: ["audit", "admin"],
      summary: "Counts and times, for Prometheus",
      answer: { description: "The text format 0.0.4", type: "text/plain" },
      async handle() {
        await Promise.all([readiness.report(), waiting.look()]);
        return { text: metrics.text(), type: "text/plain; version=0.0.4; charset=utf-8" };
      },
    }),
    route({
      method: "POST",
      path: "/admin/reload",
      access: ["admin"],
      summary: "Puts the policy in force anew, from the file that the gateway was started with",
      body: z.strictObject({}).meta({ id: "Nothing" }),
      answer: { description: "It is in force", schema: z.object({ policy_digest: z.string() }) },
      async handle() {
        try {
          return { json: { policy_digest: await reload() } };
        } catch (error) {
          if (!(error instanceof CanopyError)) throw error;
          throw new Refusal(
            422,
            "policy_invalid",
            `the policy before stays in force: ${error.message.replaceAll("\n", "; ").slice(0, 2000)}`,
          );
        }
      },
    }),
  ];
}
