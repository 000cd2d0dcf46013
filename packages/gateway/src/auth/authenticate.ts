import type { IncomingMessage } from "node:http";

import { Refusal } from "../http/refusal.ts";
import type { JwtVerifier } from "./jwt.ts";
import type { KeyStore } from "./key-store.ts";
import type { Principal } from "./principal.ts";

/** How callers may prove who they are. */
export interface Authentication {
  readonly keys: KeyStore | null;
  readonly jwt: JwtVerifier | null;
  /** Who a caller from this machine is that proves nothing; null where it is nobody. */
  readonly loopback: Principal | null;
}

/** Who is asking. Throws a `Refusal` with 401 where nobody knows, and with 503 where it cannot be found out. */
export async function authenticate(request: IncomingMessage, { keys, jwt, loopback }: Authentication): Promise<Principal> {
  const { authorization } = request.headers;
  if (authorization === undefined) {
    if (loopback !== null && isFromThisMachine(request)) return loopback;
    throw unauthenticated("a key is missing: send `Authorization: Bearer …`");
  }
  const [, token] = /^bearer +([\x21-\x7e]+)$/i.exec(authorization) ?? [];
  if (token === undefined) throw unauthenticated("the `Authorization` is not `Bearer` and a key");
  const principal = await find(token, keys, jwt);
  // The same words whatever was wrong with it.
  if (principal === undefined) throw unauthenticated("the key does not hold");
  return principal;
}

async function find(token: string, keys: KeyStore | null, jwt: JwtVerifier | null): Promise<Principal | undefined> {
  try {
    return token.startsWith("canopy_") ? await keys?.find(token) : await jwt?.(token);
  } catch {
    throw new Refusal(503, "unavailable", "keys cannot be checked at the moment", { "retry-after": "5" });
  }
}

/** Not through a proxy on this machine: whoever it speaks for is somewhere else. */
function isFromThisMachine({ socket, headers }: IncomingMessage): boolean {
  const proxied = Object.keys(headers).some(
    (name) => name === "forwarded" || name === "via" || name.startsWith("x-forwarded-") || name === "x-real-ip",
  );
  return !proxied && isLoopbackAddress(socket.remoteAddress ?? "");
}

export function isLoopbackAddress(address: string): boolean {
  return address === "::1" || /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/i.test(address);
}

function unauthenticated(message: string): Refusal {
  return new Refusal(401, "unauthenticated", message, { "www-authenticate": 'Bearer realm="canopy"' });
}
