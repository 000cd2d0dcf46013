import { constants } from "node:fs";
import { open } from "node:fs/promises";

import { CanopyError, parseJson } from "@canopy-runtime/core";
import { createLocalJWKSet, createRemoteJWKSet, customFetch, decodeProtectedHeader, errors, jwtVerify } from "jose";
import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import { z } from "zod";

import { jsonObject } from "../wire/json.ts";
import { issueText } from "../wire/validate.ts";
import { grantProblem, scopes } from "./principal.ts";
import type { Grant, Principal } from "./principal.ts";

/** Signatures of which only the issuer has the key. With a shared secret whoever checks could sign. */
const algorithms = ["EdDSA", "Ed25519", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"] as const;

/** Whose tokens count, and what their subjects may do. Wire format, hence `snake_case`. */
export interface JwtSettings {
  /** `iss` and `aud` of every token. */
  readonly issuer: string;
  readonly audience: string;
  /** A file with a JWK Set, or an https address of one. */
  readonly jwks: string;
  /** `EdDSA` and `ES256` where left out. */
  readonly algorithms?: readonly (typeof algorithms)[number][] | undefined;
  /** `sub` of the token → what its bearer may do. A subject that is not here is nobody. */
  readonly subjects: Readonly<Record<string, Partial<Grant>>>;
}

const grant = z.strictObject({
  kind: z.enum(["agent", "host"]).default("agent"),
  scopes: z.array(z.enum(scopes)).default(["authorize"]),
  agent_ctx: jsonObject.default({}),
  allow: z.array(z.string().min(1).max(128)).default([]),
});

const jwtSettings = z.strictObject({
  issuer: z.string().min(1),
  audience: z.string().min(1),
  jwks: z.string().min(1),
  algorithms: z.array(z.enum(algorithms)).min(1).default(["EdDSA", "ES256"]),
  subjects: z.record(z.string().min(1).max(200), grant),
});

/** Who the bearer of a token is; undefined where the token does not hold. Rejects where the issuer's keys cannot be had. */
export type JwtVerifier = (token: string) => Promise<Principal | undefined>;

/** Reads the settings from a file. Throws `INVALID_OPTIONS`. */
export async function readJwtSettings(path: string): Promise<JwtSettings> {
  try {
    return parseJson(await readText(path)) as unknown as JwtSettings;
  } catch (error) {
    throw invalid(`the settings for tokens in \`${path}\` cannot be read: ${why(error)}`);
  }
}

/**
 * Checks tokens (RFC 7519, RFC 8725) against keys that come from the operator's settings alone: a header that brings a key or says where one is (`jwk`, `jku`,
 * `x5c`, `x5u`) refuses the token. `iss`, `aud` and `exp` are required, and the subject must be one that the settings name. Throws `INVALID_OPTIONS`.
 */
export async function openJwtVerifier(given: JwtSettings, fetchKeys: typeof fetch = fetch): Promise<JwtVerifier> {
  const read = jwtSettings.safeParse(given);
  if (!read.success) throw invalid(`the settings for tokens cannot be understood: ${issueText(read.error)}`);
  const { issuer, audience, jwks, algorithms: accepted, subjects } = read.data;
  const principals = new Map(Object.entries(subjects).map(([subject, each]) => [subject, principalOf(subject, each)]));
  const keys = await openKeys(jwks, fetchKeys);
  return async (token) => {
    if (token.length > longestToken || isRefusedByHeader(token)) return undefined;
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: [...accepted],
        requiredClaims: ["exp", "sub"],
        clockTolerance: 5,
      });
      return typeof payload.sub === "string" ? principals.get(payload.sub) : undefined;
    } catch (error) {
      // What the issuer's server answers is not the bearer's fault.
      if (error instanceof errors.JWKSTimeout || error instanceof KeysUnavailable || !(error instanceof errors.JOSEError)) throw error;
      return undefined;
    }
  };
}

const longestToken = 8192;

/** It brings a key or says where one is, or has an extension that must be understood: none is. */
function isRefusedByHeader(token: string): boolean {
  try {
    const header = decodeProtectedHeader(token);
    return ["jwk", "jku", "x5c", "x5u", "crit"].some((name) => Object.hasOwn(header, name));
  } catch {
    return true;
  }
}

function principalOf(subject: string, { kind, scopes: granted, agent_ctx: agentCtx, allow }: Grant): Principal {
  const problem = grantProblem({ kind, scopes: granted, agent_ctx: agentCtx, allow });
  if (problem !== undefined) throw invalid(`the settings for tokens give \`${subject}\` what it may not have: ${problem}`);
  return { id: `jwt:${subject}`, name: subject, scopes: new Set(granted), agentCtx, passes: new Set(allow) };
}

/** The issuer's keys could not be had. */
class KeysUnavailable extends Error {}

async function openKeys(jwks: string, fetchKeys: typeof fetch): Promise<JWTVerifyGetKey> {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(jwks)) {
    try {
      return createLocalJWKSet(parseJson(await readText(jwks)) as unknown as JSONWebKeySet);
    } catch (error) {
      throw invalid(`the keys in \`${jwks}\` cannot be read: ${why(error)}`);
    }
  }
  const url = URL.parse(jwks);
  if (url === null || url.protocol !== "https:" || url.username !== "" || url.password !== "") {
    throw invalid(`\`${jwks}\` is not an https address, where keys would be safe from whoever is on the way`);
  }
  const fetchSet = withPause(async (address, init) => await fetchKeySet(address, init, fetchKeys));
  return createRemoteJWKSet(url, {
    timeoutDuration: 5000,
    cooldownDuration: 30_000,
    cacheMaxAge: 600_000,
    [customFetch]: fetchSet,
  });
}

type FetchSet = (address: string, init: RequestInit) => Promise<Response>;

/** After a failure the issuer is left alone for a while: anybody can send a token that asks for its keys. */
function withPause(fetchSet: FetchSet): FetchSet {
  let pauseUntil = 0;
  return async (address, init) => {
    if (performance.now() < pauseUntil) throw new KeysUnavailable("the issuer's keys could not be fetched a moment ago");
    try {
      return await fetchSet(address, init);
    } catch (error) {
      pauseUntil = performance.now() + pauseMs;
      throw error;
    }
  };
}

const pauseMs = 5000;

/** Redirects are not followed, and what is too long to be a key set is not read to its end. */
async function fetchKeySet(address: string, init: RequestInit, fetchKeys: typeof fetch): Promise<Response> {
  try {
    const response = await fetchKeys(address, { ...init, redirect: "error" });
    if (response.status !== 200 || response.redirected) throw new Error(`status ${response.status}`);
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const part of response.body ?? []) {
      bytes += part.byteLength;
      if (bytes > longestKeySet) throw new Error("too long");
      parts.push(part);
    }
    return new Response(Buffer.concat(parts), { status: 200, headers: { "content-type": "application/json" } });
  } catch (error) {
    throw new KeysUnavailable("the issuer's keys cannot be fetched", { cause: error });
  }
}

const longestKeySet = 1024 * 1024;

async function readText(path: string): Promise<string> {
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const status = await handle.stat();
    if (!status.isFile() || status.size > longestKeySet) throw new Error("it is no file, or a very long one");
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

function why(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === "ENOENT" ? "there is no such file" : error instanceof Error ? error.message : String(error);
}

function invalid(message: string): CanopyError {
  return new CanopyError("INVALID_OPTIONS", message);
}
