import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

const ids = new WeakMap<IncomingMessage, string>();

/** The caller's `X-Request-ID` where it is a plain word of at most 128 characters, else a new one; the same for the life of the request. */
export function requestIdOf(request: IncomingMessage): string {
  let id = ids.get(request);
  if (id === undefined) {
    const given = request.headers["x-request-id"];
    id = typeof given === "string" && /^[A-Za-z0-9._:/+=@~-]{1,128}$/.test(given) ? given : randomUUID();
    ids.set(request, id);
  }
  return id;
}
