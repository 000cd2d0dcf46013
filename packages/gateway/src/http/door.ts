import type { IncomingMessage } from "node:http";

import { Refusal } from "./refusal.ts";

/** The part of a request that is looked at before anything else is done with it. */
export type Knock = Pick<IncomingMessage, "method" | "url" | "rawHeaders" | "headers">;

/**
 * What keeps a request out, whatever it asks for; undefined where nothing does. Browsers are kept out as a whole: a page that got a name to point here
 * (DNS rebinding) sends that name as `Host`, any other page sends `Origin`. A target or header that two programs could read differently is refused.
 */
export function refusedAtTheDoor(request: Knock, hosts: ReadonlySet<string>): Refusal | undefined {
  const twice = repeated(request.rawHeaders);
  if (twice !== undefined) return new Refusal(400, "invalid_request", `the header \`${twice}\` stands twice`);
  if (!isKnownHost(request.headers.host, hosts)) {
    return new Refusal(421, "wrong_host", "the `Host` of the request is none that this gateway answers for, see --allowed-host");
  }
  if (request.headers.origin !== undefined)
    return new Refusal(403, "forbidden", "requests from web pages are refused: there is an `Origin`");
  if (request.headers["content-encoding"] !== undefined) {
    return new Refusal(415, "unsupported_media_type", "the body is encoded, send it as it is");
  }
  const { method = "", url = "" } = request;
  if (!targetForm.test(url) || url.length > longestTarget) return new Refusal(404, "not_found", "there is nothing at this address");
  if (method !== "POST" && hasBody(request)) return new Refusal(400, "invalid_request", `a ${method} has no body here`);
  return undefined;
}

/** Our paths are plain words: whatever needs escaping, folding or resolving is not one of them. */
const targetForm = /^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*|\/\.well-known(?=\/))+(?:\?[\x21-\x7e]*)?$/;
const longestTarget = 4096;

/** Headers of which a second one would be a second opinion. */
const single: ReadonlySet<string> = new Set([
  "host",
  "authorization",
  "content-type",
  "content-length",
  "transfer-encoding",
  "content-encoding",
  "origin",
  "x-request-id",
  "traceparent",
]);

function repeated(rawHeaders: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? "";
    if (!single.has(name)) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

/** A name in the list stands for every port, a name with a port for that one. */
function isKnownHost(host: string | undefined, hosts: ReadonlySet<string>): boolean {
  const [, name, port = ""] = hostForm.exec(host?.toLowerCase() ?? "") ?? [];
  return name !== undefined && (hosts.has(name) || hosts.has(`${name}${port}`));
}

const hostForm = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/;

/** Whether `name` can stand in the list of hosts. */
export function isHostName(name: string): boolean {
  return hostForm.test(name.toLowerCase());
}

function hasBody({ headers }: Knock): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}
