import { createHash } from "node:crypto";

import canonicalize from "canonicalize";

import { cloneJson } from "../json.ts";
import type { Authorizer } from "../runtime/authorizer.ts";
import type { Allowed } from "./denial.ts";

/** How a run ended, before it is hashed. */
export interface Run {
  readonly status: "success" | "error" | "not_run";
  /** What the tool returned, or what it threw. */
  readonly result: unknown;
  readonly durationMs: number;
}

/**
 * Puts on record how a run ended. Resolves also where that fails or takes longer than `timeoutMs`, because the tool's result must not be lost
 * over it: the process is warned instead, once for each authorizer.
 */
export async function reportOutcome(authorizer: Authorizer, decision: Allowed, run: Run, timeoutMs: number): Promise<void> {
  const { authorizationId, traceId } = decision;
  if (authorizationId === null) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not recorded within ${timeoutMs} ms`)), timeoutMs);
    });
    const outcome = {
      authorizationId,
      traceId,
      status: run.status,
      outputHash: run.status === "success" ? hashOutput(run.result) : null,
      ...(run.status === "error" ? classOf(run.result) : {}),
      durationMs: Math.max(0, Math.round(run.durationMs)),
    };
    await Promise.race([authorizer.recordOutcome(outcome), late]);
  } catch (error) {
    warn(authorizer, error);
  } finally {
    clearTimeout(timer);
  }
}

/** The name of an error's class, where it has one that is a name and no message. */
function classOf(error: unknown): { readonly errorClass?: string } {
  try {
    const name: unknown = error instanceof Error ? error.name : undefined;
    return typeof name === "string" && /^[\w$.-]{1,64}$/.test(name) ? { errorClass: name } : {};
  } catch {
    // An accessor that throws is nobody's name.
    return {};
  }
}

/** SHA-256, in lower-case hex, over the canonical JSON (RFC 8785) of what a tool returned; null where that is not JSON or there is none. */
function hashOutput(output: unknown): string | null {
  if (output === undefined) return null;
  try {
    const text = canonicalize(cloneJson(output));
    return text === undefined ? null : createHash("sha256").update(text).digest("hex");
  } catch {
    return null;
  }
}

const warned = new WeakSet<Authorizer>();

function warn(authorizer: Authorizer, error: unknown): void {
  if (warned.has(authorizer)) return;
  warned.add(authorizer);
  const why = error instanceof Error ? error.message : "unknown error";
  process.emitWarning(`the outcome of a tool call could not be recorded (${why}); the audit log has its decision alone`, {
    code: "CANOPY_OUTCOME_NOT_RECORDED",
  });
}
