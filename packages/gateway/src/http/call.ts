import type { IncomingHttpHeaders } from "node:http";

import type { z } from "zod";

import type { Principal, Scope } from "../auth/principal.ts";

/** One request, after its caller is known and its body understood. */
export interface Call<Body = unknown, Query = unknown> {
  readonly principal: Principal;
  /** The parts of the path that the route leaves open, such as `:id`; not checked. */
  readonly params: Readonly<Record<string, string>>;
  readonly body: Body;
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
  /** From `traceparent`, where there is one. */
  readonly traceId: string | undefined;
  /** Aborts when the caller is gone. */
  readonly signal: AbortSignal;
  /** Ends the connection, so that half an answer is not taken for a whole one. */
  readonly cut: () => unknown;
  /** Calls back where the caller does not get the answer: it goes, or has gone, before it has all of it, or is told of an error in its place. */
  readonly gone: (callback: () => void) => unknown;
}

/** What a route answers; JSON unless it says otherwise. */
export type Answer =
  | { readonly status?: 200 | 503; readonly json: unknown; readonly headers?: Readonly<Record<string, string>> }
  | {
      readonly status?: 200 | 503;
      readonly text: string | ReadableStream<Uint8Array>;
      readonly type: string;
      readonly headers?: Readonly<Record<string, string>>;
    };

/** One method and path; the router, the checks and the OpenAPI document are made from the same value. */
export interface Route<Body = never, Query = never> {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Which scopes a caller needs one of, or `open` for what says nothing about anybody. */
  readonly access: "open" | readonly Scope[];
  readonly summary: string;
  readonly description?: string;
  readonly body?: z.ZodType<Body>;
  readonly query?: z.ZodType<Query>;
  /** What a good answer holds. */
  readonly answer: { readonly description: string } & ({ readonly schema: z.ZodType } | { readonly type: string });
  /** In whose words a refusal is told: `decision` is then there, and says no, for a client that does not look at the status. */
  readonly refusals?: "canopy" | "authzen";
  handle(call: Call<Body, Query>): Promise<Answer> | Answer;
}

/** A route whose types are its own business. */
export type AnyRoute = Omit<Route, "body" | "query" | "handle"> & {
  readonly body?: z.ZodType;
  readonly query?: z.ZodType;
  handle(call: Call): Promise<Answer> | Answer;
};

/** Ties the types of a route together: what `handle` gets is what `body` and `query` read. */
export function route<Body = undefined, Query = undefined>(definition: Route<Body, Query>): AnyRoute {
  return definition;
}
