import type { IncomingMessage, ServerResponse } from "node:http";

import type { JsonValue } from "@canopy-runtime/core";
import { Hono } from "hono";
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";

import { authenticate } from "../auth/authenticate.ts";
import type { Authentication } from "../auth/authenticate.ts";
import type { Principal } from "../auth/principal.ts";
import type { GatewayLog } from "../operation/log.ts";
import type { Metrics } from "../operation/metrics.ts";
import { traceIdOf } from "../operation/trace-context.ts";
import { validate } from "../wire/validate.ts";
import { readJsonBody } from "./body.ts";
import type { BodyLimits } from "./body.ts";
import type { Answer, AnyRoute } from "./call.ts";
import type { Capacity } from "./capacity.ts";
import { refusedAtTheDoor } from "./door.ts";
import { readQuery } from "./query.ts";
import { Refusal } from "./refusal.ts";
import { requestIdOf } from "./request-id.ts";

export interface AppParts {
  readonly routes: readonly AnyRoute[];
  readonly hosts: ReadonlySet<string>;
  readonly authentication: Authentication;
  readonly limits: BodyLimits;
  readonly capacity: Capacity;
  readonly metrics: Metrics;
  readonly log: GatewayLog;
  /** Whether connections are to end with their next answer. */
  readonly isStopping: () => boolean;
}

export type App = Hono<{ Bindings: HttpBindings }>;

/** The routes behind the door: who asks is found out before the body is read, what is asked before anything is done. Every other address is a 404. */
export function createApp(parts: AppParts): App {
  const app: App = new Hono();
  for (const each of parts.routes) {
    app.on(each.method, each.path, async ({ env, req }) => await respond(parts, each, req.param(), env.incoming, env.outgoing));
  }
  const forms = parts.routes.map(({ method, path }) => ({ method, path, form: formOf(path) }));
  app.notFound(async ({ req, env }) => {
    const known = forms.filter(({ form }) => form.test(req.path));
    const refusal =
      known.length === 0
        ? new Refusal(404, "not_found", "there is nothing at this address")
        : new Refusal(405, "method_not_allowed", "this address takes another method", {
            allow: known.map(({ method }) => method).join(", "),
          });
    return await respond(parts, { path: known[0]?.path ?? "none", refusal }, {}, env.incoming, env.outgoing);
  });
  app.onError((error, { env }) => {
    parts.log.failed("an answer could not be made", error);
    return send(
      env.outgoing,
      refuse(new Refusal(500, "internal", "internal error"), undefined, { "x-request-id": requestIdOf(env.incoming) }),
    );
  });
  return app;
}

type Params = Readonly<Record<string, string>>;
type Target = AnyRoute | { readonly path: string; readonly refusal: Refusal };

async function respond(
  parts: AppParts,
  target: Target,
  params: Params,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<Response> {
  const started = performance.now();
  const requestId = requestIdOf(incoming);
  const headers = { "x-request-id": requestId, ...(parts.isStopping() ? { connection: "close" } : {}) };
  const seen: { principal?: Principal; code?: string } = {};
  let sent: Sent;
  try {
    const refused = refusedAtTheDoor(incoming, parts.hosts);
    if (refused !== undefined) throw refused;
    if ("refusal" in target) throw target.refusal;
    sent = good(await answer(parts, target, params, incoming, outgoing, seen), headers);
  } catch (error) {
    if (!(error instanceof Refusal)) parts.log.failed("an answer could not be made", error);
    const refusal = error instanceof Refusal ? error : new Refusal(500, "internal", "internal error");
    seen.code = refusal.code;
    sent = refuse(refusal, "refusal" in target ? undefined : target.refusals, headers);
  }
  const response = send(outgoing, sent, incoming.method);
  parts.metrics.answered(target.path, sent.status);
  parts.log.answered({
    method: incoming.method ?? "",
    route: target.path,
    status: sent.status,
    ms: performance.now() - started,
    requestId,
    principal: seen.principal?.id ?? null,
    ...(seen.code === undefined ? {} : { code: seen.code }),
  });
  return response;
}

async function answer(
  parts: AppParts,
  target: AnyRoute,
  params: Params,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  seen: { principal?: Principal },
): Promise<Answer> {
  const principal = target.access === "open" ? nobody : await authenticate(incoming, parts.authentication);
  seen.principal = principal;
  if (target.access !== "open" && !target.access.some((scope) => principal.scopes.has(scope))) {
    throw new Refusal(
      403,
      "forbidden",
      `this key may not do that: it takes the scope ${target.access.map((scope) => `\`${scope}\``).join(" or ")}`,
    );
  }
  const query = readQuery(incoming.url ?? "", target.query);
  const body = target.body === undefined ? undefined : await readBody(parts, target, principal, incoming);
  // Few routes look at the signal; it is made when one does.
  let abort: AbortController | undefined;
  let isLost = false;
  const callbacks: (() => void)[] = [];
  const lose = (): void => {
    isLost = true;
    abort?.abort();
    for (const callback of callbacks.splice(0)) callback();
  };
  // Once the whole answer was handed to the operating system it counts as given; what closes before has lost some of it.
  outgoing.once("close", () => {
    if (!outgoing.writableFinished) lose();
  });
  try {
    return await target.handle({
      principal,
      params,
      body,
      query,
      headers: incoming.headers,
      traceId: traceIdOf(incoming.headers["traceparent"]),
      get signal() {
        abort ??= new AbortController();
        if (isLost) abort.abort();
        return abort.signal;
      },
      cut: () => outgoing.destroy(),
      gone: (callback) => {
        if (isLost || outgoing.destroyed) callback();
        else callbacks.push(callback);
      },
    });
  } catch (error) {
    // The caller is told something else than what it asked for.
    lose();
    throw error;
  }
}

async function readBody(
  { limits, capacity }: AppParts,
  target: AnyRoute,
  principal: Principal,
  incoming: IncomingMessage,
): Promise<unknown> {
  const value: JsonValue = await readJsonBody(incoming, limits, capacity, principal.id);
  return target.body === undefined ? value : validate(target.body, value);
}

/** The addresses that a path with open parts stands for. */
function formOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(".", String.raw`\.`).replaceAll(/:\w+/g, "[^/]+")}$`);
}

const nobody: Principal = { id: "nobody", name: "nobody", scopes: new Set(), agentCtx: {}, passes: new Set() };

const always = { "cache-control": "no-store", "x-content-type-options": "nosniff" } as const;

/** An answer as it goes out. */
interface Sent {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | ReadableStream<Uint8Array>;
}

function good(given: Answer, headers: Readonly<Record<string, string>>): Sent {
  const { status = 200 } = given;
  const [body, type] = "json" in given ? [JSON.stringify(given.json), "application/json"] : [given.text, given.type];
  return { status, headers: { "content-type": type, ...always, ...given.headers, ...headers }, body };
}

function refuse(
  { status, code, message, headers: own }: Refusal,
  words: AnyRoute["refusals"],
  headers: Readonly<Record<string, string>>,
): Sent {
  const decision = words === "canopy" ? { decision: "DENY" } : words === "authzen" ? { decision: false } : {};
  const body = JSON.stringify({ ...decision, error: { code, message } });
  // AuthZEN has one status for every request that is not as it must be.
  const told = words === "authzen" && status === 415 ? 400 : status;
  return { status: told, headers: { "content-type": "application/json", ...always, ...headers, ...own }, body };
}

/** Hands a text to Node in one piece: as a `Response` it would go through a stream of its own, which costs more than all the rest of HTTP. */
function send(outgoing: ServerResponse, { status, headers, body }: Sent, method?: string): Response {
  if (typeof body !== "string") {
    if (method !== "HEAD") return new Response(body, { status, headers });
    // Nobody reads it, and what it holds is held until it is read or given up.
    body.cancel().catch(() => undefined);
    return new Response(null, { status, headers });
  }
  outgoing.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  outgoing.end(body);
  return RESPONSE_ALREADY_SENT;
}
