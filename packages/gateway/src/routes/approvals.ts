import { CanopyError } from "@canopy-runtime/core";
import type { Canopy } from "@canopy-runtime/core";
import { z } from "zod";

import type { AnyRoute } from "../http/call.ts";
import { route } from "../http/call.ts";
import { openGate } from "../http/gate.ts";
import { Refusal } from "../http/refusal.ts";
import { approvalAnswer, approvalsAnswer, cancelBody, decisionBody, states, wireApproval } from "../wire/approval.ts";

const listQuery = z.strictObject({ state: z.enum(states).default("pending").meta({ description: "`pending` where left out." }) });

/** What one answer holds, the newest first. */
const mostListed = 500;

/** To say how a request stands takes its entries in the log. */
const mostReaders = 4;

/**
 * What waits for a person, and what people say to it. Who decides is the name that the operator gave the key, never what the caller says. A key's holder is
 * somebody who could reach this address, so the assurance of a decision is `same_user`: a request that wants a signature is refused here.
 */
export function approvalRoutes({ approvals }: Pick<Canopy, "approvals">): readonly AnyRoute[] {
  const gate = openGate(mostReaders, "approvals are being read by as many as may, try again");
  return [
    route({
      method: "GET",
      path: "/approvals",
      access: ["approve"],
      summary: "Requests for approval, the newest 500 first",
      query: listQuery,
      answer: { description: "The requests", schema: approvalsAnswer },
      async handle({ query: { state } }) {
        const leave = gate();
        try {
          return await told(async () => ({ approvals: (await approvals.list({ state })).slice(0, mostListed).map(wireApproval) }));
        } finally {
          leave();
        }
      },
    }),
    route({
      method: "GET",
      path: "/approvals/:id",
      access: ["approve"],
      summary: "One request, with all of what a person should see before they decide",
      answer: { description: "The request", schema: approvalAnswer },
      handle: async ({ params }) =>
        await told(async () => {
          const found = await approvals.get(idOf(params));
          if (found === null) throw new Refusal(404, "not_found", "there is no such request");
          return wireApproval(found);
        }),
    }),
    route({
      method: "POST",
      path: "/approvals/:id/decision",
      access: ["approve"],
      summary: "A person's yes or no to one exact action, once",
      body: decisionBody,
      answer: { description: "The request with its decision", schema: approvalAnswer },
      handle: async ({ params, body: { decision, digest, note }, principal }) =>
        await told(async () =>
          wireApproval(
            await approvals.decide(idOf(params), { decision, digest, by: principal.name, ...(note === undefined ? {} : { note }) }),
          ),
        ),
    }),
    route({
      method: "POST",
      path: "/approvals/:id/cancel",
      access: ["approve"],
      summary: "Takes a request back, or a decision that was not used yet",
      body: cancelBody,
      answer: { description: "The request", schema: approvalAnswer },
      handle: async ({ params, body: { note }, principal }) =>
        await told(async () =>
          wireApproval(await approvals.cancel(idOf(params), { by: principal.name, ...(note === undefined ? {} : { note }) })),
        ),
    }),
  ];
}

function idOf({ id = "" }: Readonly<Record<string, string>>): string {
  if (/^APR-[0-9a-f]{32}$/.test(id)) return id;
  throw new Refusal(404, "not_found", "there is no such request");
}

async function told(work: () => Promise<unknown>): Promise<{ readonly json: unknown }> {
  try {
    return { json: await work() };
  } catch (error) {
    if (!(error instanceof CanopyError)) throw error;
    if (error.code === "APPROVAL_REFUSED") throw new Refusal(409, "conflict", error.message);
    throw new Refusal(503, "unavailable", "approvals cannot be reached at the moment", { "retry-after": "5" });
  }
}
