import type { Writable } from "node:stream";

import type { AuthorizationRequest, AuthorizationResult } from "@canopy-runtime/core";
import { pino } from "pino";

import type { Principal } from "../auth/principal.ts";

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;

/** How the gateway tells what it does: a JSON object a line. It is not the audit log, and proves nothing. */
export interface LogOptions {
  readonly level?: (typeof logLevels)[number];
  /** Also agent contexts, payloads and reasons, which may hold secrets. */
  readonly payloads?: boolean;
  /** Standard output where left out. */
  readonly stream?: Writable;
}

export interface GatewayLog {
  decided(result: AuthorizationResult, request: AuthorizationRequest, principal: Principal, seconds: number): void;
  answered(line: AnswerLine): void;
  told(event: string, details?: Readonly<Record<string, unknown>>): void;
  warned(event: string, details?: Readonly<Record<string, unknown>>): void;
  /** Something that should not happen; its message and stack stay here. */
  failed(event: string, error: unknown): void;
}

export interface AnswerLine {
  readonly method: string;
  /** The route, not the address: what callers make up stays out. */
  readonly route: string;
  readonly status: number;
  readonly ms: number;
  readonly requestId: string;
  readonly principal: string | null;
  readonly code?: string;
}

export function createLog({ level = "info", payloads = false, stream }: LogOptions): GatewayLog {
  const settings = {
    level,
    base: {},
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (name: string) => ({ level: name }) },
  };
  const logger = stream === undefined ? pino(settings) : pino(settings, stream);
  return {
    decided(result, request, principal, seconds) {
      if (!logger.isLevelEnabled("info")) return;
      logger.info(
        {
          decision: result.decision,
          ...(result.would === undefined ? {} : { would: result.would }),
          action_types: request.actions.map(({ actionType }) => actionType),
          rules: result.rules.map(({ id }) => id),
          avid: result.avid,
          authorization_id: result.authorizationId,
          trace_id: result.traceId,
          policy_digest: result.policyDigest,
          via: principal.id,
          ms: milliseconds(seconds * 1000),
          ...(payloads
            ? { reason: result.reason, agent_ctx: request.agentCtx, payloads: request.actions.map(({ payload }) => payload) }
            : {}),
        },
        "decision",
      );
    },
    answered({ ms, requestId, principal, ...line }) {
      const told = line.status >= 500 ? "warn" : "debug";
      if (!logger.isLevelEnabled(told)) return;
      logger[told]({ ...line, ms: milliseconds(ms), request_id: requestId, via: principal }, "answer");
    },
    told: (event, details = {}) => logger.info(details, event),
    warned: (event, details = {}) => logger.warn(details, event),
    failed: (event, error) => logger.error({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }, event),
  };
}

function milliseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
