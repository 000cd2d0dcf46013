import { readFile } from "node:fs/promises";

import { CanopyError, matchesFilter, proveEntry, readAuditLog } from "@canopy-runtime/core";
import type { AuditRecord, EntryFilter } from "@canopy-runtime/core";
import { z } from "zod";

import { openGate } from "../http/gate.ts";
import type { Call } from "../http/call.ts";
import type { AnyRoute } from "../http/call.ts";
import { route } from "../http/call.ts";
import type { GatewayLog } from "../operation/log.ts";
import { Refusal } from "../http/refusal.ts";

const time = z.iso.datetime({ offset: true });

const entriesQuery = z
  .strictObject({
    last: z
      .string()
      .regex(/^\d{1,6}$/, "not a count")
      .optional()
      .meta({ description: "How many lines, counted from the end, are looked at: 100 where left out, at most 100,000." }),
    since: time.optional(),
    until: time.optional(),
    type: z.string().max(64).optional(),
    avid: z.string().max(69).optional(),
    action_type: z.string().max(256).optional(),
    decision: z.enum(["ALLOW", "DENY", "REQUIRE_APPROVAL"]).optional(),
    rule: z.string().max(256).optional(),
    trace_id: z.string().max(256).optional(),
  })
  .meta({ id: "EntriesQuery" });

const proofQuery = z.strictObject({ entry: z.string().regex(/^\d{1,15}(?:-[0-9a-f]{32})?$/, "neither the number nor the id of an entry") });

/** Reading costs the disk as much as it finds, a proof all of the log: so many at once. */
const mostReaders = 4;

/** What is on record, for those who may read what all agents asked for. */
export function auditRoutes(logPath: string, log: GatewayLog): readonly AnyRoute[] {
  const gate = openGate(mostReaders, "the audit log is being read by as many as may, try again");

  const entries = route({
    method: "GET",
    path: "/audit/entries",
    access: ["audit"],
    summary: "Entries of the audit log, oldest first",
    description: "A line an entry, byte for byte as the log has it, so that hashes can be checked. Nothing is verified here.",
    query: entriesQuery,
    answer: { description: "JSON lines", type: "application/jsonl" },
    handle({ query, signal, cut }) {
      const leave = gate();
      const lines = linesOf(logPath, query, signal);
      const encoder = new TextEncoder();
      const text = new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            try {
              const { done, value } = await lines.next();
              if (done !== true) return controller.enqueue(encoder.encode(`${value}\n`));
              leave();
              controller.close();
            } catch (error) {
              leave();
              log.failed("the audit log could not be read to its end", error);
              cut();
              controller.close();
            }
          },
          async cancel() {
            leave();
            await lines.return();
          },
        },
        { highWaterMark: 0 },
      );
      signal.addEventListener("abort", leave, { once: true });
      return { text, type: "application/jsonl; charset=utf-8" };
    },
  });

  const checkpoint = route({
    method: "GET",
    path: "/audit/checkpoint",
    access: ["audit"],
    summary: "The latest signed checkpoint",
    description:
      "A C2SP signed note. Keep copies where this machine cannot reach them: a log that was cut or written anew shows against them.",
    answer: { description: "The checkpoint", type: "text/plain" },
    async handle() {
      try {
        return { text: await readFile(`${logPath}.checkpoint`, "utf8"), type: "text/plain; charset=utf-8" };
      } catch {
        throw new Refusal(404, "not_found", "there is no checkpoint: the log has no key, or none was made yet");
      }
    },
  });

  const proof = route({
    method: "GET",
    path: "/audit/proof",
    access: ["audit"],
    summary: "What shows that an entry is in the log",
    description:
      "A C2SP tlog-proof against the latest checkpoint, and the line whose bytes it proves. `canopy verify --proof` checks it without the log.",
    query: proofQuery,
    answer: { description: "The proof", schema: z.object({ proof: z.string(), line: z.string() }) },
    async handle({ query }) {
      const leave = gate();
      try {
        return { json: await proveEntry(logPath, query.entry.includes("-") ? query.entry : Number(query.entry)) };
      } catch (error) {
        throw proofRefusal(error);
      } finally {
        leave();
      }
    },
  });

  return [entries, checkpoint, proof];
}

async function* linesOf(path: string, query: z.infer<typeof entriesQuery>, signal: Call["signal"]): AsyncGenerator<string, void> {
  const filter: EntryFilter = {
    ...(query.since === undefined ? {} : { since: new Date(query.since) }),
    ...(query.until === undefined ? {} : { until: new Date(query.until) }),
    ...(query.type === undefined ? {} : { type: query.type }),
    ...(query.avid === undefined ? {} : { avid: query.avid }),
    ...(query.action_type === undefined ? {} : { actionType: query.action_type }),
    ...(query.decision === undefined ? {} : { decision: query.decision }),
    ...(query.rule === undefined ? {} : { rule: query.rule }),
    ...(query.trace_id === undefined ? {} : { traceId: query.trace_id }),
  };
  const last = Math.min(100_000, Number(query.last ?? 100));
  const records: AsyncIterable<AuditRecord> = readAuditLog(path, { last, signal });
  for await (const { text, entry } of records) {
    if (Object.keys(filter).length === 0 || (entry !== null && matchesFilter(entry, filter))) yield text;
  }
}

function proofRefusal(error: unknown): unknown {
  if (!(error instanceof CanopyError)) return error;
  // Of the messages, none says where files are.
  if (error.code === "INVALID_OPTIONS") return new Refusal(404, "not_found", "the log has no such entry");
  if (error.code === "AUDIT_LOG_UNAVAILABLE") return new Refusal(409, "conflict", "there is no checkpoint that covers the entry yet");
  return new Refusal(503, "unavailable", "the log is not what was signed, see `canopy verify`");
}
