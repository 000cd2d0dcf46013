import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { CanopyError } from "@canopy-runtime/core";
import { getRequestListener } from "@hono/node-server";

import type { App } from "./app.ts";

export interface ListenOptions {
  readonly host: string;
  /** 0 for one that is free. */
  readonly port: number;
  /** How long a client may take over its headers, and over all of a request. */
  readonly headersMs: number;
  readonly requestMs: number;
  /** How long a connection may be silent. */
  readonly idleMs: number;
  readonly connections: number;
}

export interface Listening {
  readonly address: AddressInfo;
  /** Stops listening, and resolves when every answer that was begun is given; after `graceMs` connections are cut. */
  close(graceMs: number): Promise<void>;
}

/** Serves the app over HTTP/1.1. Rejects with `INVALID_OPTIONS` where the address cannot be had. */
export async function listen(app: App, options: ListenOptions): Promise<Listening> {
  const { headersMs, requestMs, idleMs } = options;
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false, errorHandler: () => notUnderstood() });
  const server = createServer(
    {
      maxHeaderSize: 16 * 1024,
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: Math.min(idleMs, 30_000),
      connectionsCheckingInterval: Math.min(1000, headersMs),
      requireHostHeader: true,
      insecureHTTPParser: false,
    },
    (incoming, outgoing) => void answer(incoming, outgoing),
  );
  server.maxConnections = options.connections;
  // Headers past a count would be dropped unseen, an `Origin` among them; their bytes are bounded anyway.
  server.maxHeadersCount = 0;
  server.timeout = idleMs;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        new CanopyError("INVALID_OPTIONS", `cannot listen on ${options.host}, port ${options.port}: ${error.code ?? error.message}`, {
          cause: error,
        }),
      );
    });
    server.listen({ host: options.host, port: options.port, backlog: 511 }, resolve);
  });
  return { address: server.address() as AddressInfo, close: async (graceMs) => await close(server, graceMs) };
}

/** What Node read and nobody can make an address of. */
function notUnderstood(): Response {
  const body = '{"error":{"code":"invalid_request","message":"the request cannot be understood"}}';
  return new Response(body, { status: 400, headers: { "content-type": "application/json" } });
}

async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}
