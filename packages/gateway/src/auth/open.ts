import type { JsonObject } from "@canopy-runtime/core";

import type { Authentication } from "./authenticate.ts";
import { openJwtVerifier, readJwtSettings } from "./jwt.ts";
import type { JwtSettings } from "./jwt.ts";
import { openKeyStore } from "./key-store.ts";

export interface AuthenticationOptions {
  readonly keys?: string;
  readonly jwt?: string | JwtSettings;
  readonly loopback?: { readonly agentCtx: JsonObject };
}

/** Opens whatever tells who callers are. Throws `INVALID_OPTIONS`. */
export async function openAuthentication({ keys, jwt, loopback }: AuthenticationOptions): Promise<Authentication> {
  return {
    keys: keys === undefined ? null : await openKeyStore(keys),
    jwt: jwt === undefined ? null : await openJwtVerifier(typeof jwt === "string" ? await readJwtSettings(jwt) : jwt),
    loopback:
      loopback === undefined
        ? null
        : { id: "loopback", name: "loopback", scopes: new Set(["authorize"]), agentCtx: loopback.agentCtx, passes: new Set() },
  };
}
