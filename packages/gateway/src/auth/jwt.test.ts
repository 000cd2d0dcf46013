import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { SignJWT, exportJWK, exportSPKI, generateKeyPair } from "jose";
import type { JWTHeaderParameters, JWTPayload } from "jose";
import { describe, expect, it } from "vitest";

import { shell, temporaryFolder, testGateway } from "../gateway.test.fixture.ts";
import { openJwtVerifier } from "./jwt.ts";
import type { JwtSettings, JwtVerifier } from "./jwt.ts";

const issuer = "https://id.example/";
const claims = { iss: issuer, aud: "canopy", sub: "agent-7" };

interface Issuer {
  readonly settings: JwtSettings;
  readonly keys: Awaited<ReturnType<typeof generateKeyPair>>;
  readonly jwks: object;
  readonly sign: (payload: JWTPayload, header?: Partial<JWTHeaderParameters>, expires?: string | null) => Promise<string>;
}

async function anIssuer(): Promise<Issuer> {
  const keys = await generateKeyPair("ES256", { extractable: true });
  const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: "k1", alg: "ES256", use: "sig" }] };
  const file = join(await temporaryFolder(), "jwks.json");
  await writeFile(file, JSON.stringify(jwks));
  return {
    settings: { issuer, audience: "canopy", jwks: file, subjects: { "agent-7": { agent_ctx: { agent_id: "seven", env: "dev" } } } },
    keys,
    jwks,
    async sign(payload, header = {}, expires = "5m") {
      const token = new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: "k1", ...header });
      if (expires !== null) token.setExpirationTime(expires);
      return await token.sign(keys.privateKey);
    },
  };
}

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("a token", () => {
  it("of the issuer, for this audience, whose subject is known, holds", async () => {
    const { settings, sign } = await anIssuer();
    const verify = await openJwtVerifier(settings);
    expect(await verify(await sign(claims))).toMatchObject({ id: "jwt:agent-7", agentCtx: { agent_id: "seven", env: "dev" } });
  });

  it("does not hold where it is longer than tokens are, whatever it says", async () => {
    const { settings, sign } = await anIssuer();
    const verify = await openJwtVerifier(settings);
    const [short, long] = [await sign({ ...claims, note: "x".repeat(1000) }), await sign({ ...claims, note: "x".repeat(8192) })];
    expect([(await verify(short))?.id, await verify(long)]).toEqual(["jwt:agent-7", undefined]);
  });

  it("does not hold where anything is missing, late, early, or of somebody else", async () => {
    const { settings, sign } = await anIssuer();
    const stranger = await anIssuer();
    const verify = await openJwtVerifier(settings);
    const good = await sign(claims);
    const [head = "", body = "", signature = ""] = good.split(".");
    const cases: Record<string, string> = {
      "no expiry": await sign(claims, {}, null),
      expired: await sign(claims, {}, "-1m"),
      "not valid yet": await sign({ ...claims, nbf: Math.floor(Date.now() / 1000) + 3600 }),
      "no issuer": await sign({ aud: "canopy", sub: "agent-7" }),
      "another issuer": await sign({ ...claims, iss: "https://id.example" }),
      "no audience": await sign({ iss: issuer, sub: "agent-7" }),
      "another audience": await sign({ ...claims, aud: ["canopy-2"] }),
      "no subject": await sign({ iss: issuer, aud: "canopy" }),
      "an unknown subject": await sign({ ...claims, sub: "agent-8" }),
      "a subject of every object": await sign({ ...claims, sub: "__proto__" }),
      "another's signature": await stranger.sign(claims),
      "a critical extension": await sign(claims, { crit: ["b64"], b64: true }),
      "no signature": `${head}.${body}.`,
      "a changed body": `${head}.${base64({ ...claims, exp: 9_999_999_999, sub: "agent-7" })}.${signature}`,
      unsigned: `${base64({ alg: "none" })}.${base64({ ...claims, exp: 9_999_999_999 })}.`,
      "the key that it brings": await stranger.sign(claims, { jwk: await exportJWK(stranger.keys.publicKey) }),
      "the address of keys that it names": await sign(claims, { jku: "https://evil.example/jwks" }),
      "a certificate that it brings": await sign(claims, { x5c: ["AAAA"] }),
      "the address of a certificate": await sign(claims, { x5u: "https://evil.example/cert" }),
      "an unknown key": await sign(claims, { kid: "k2" }),
      nothing: "",
      words: "a.b.c",
      "too long": `${good}${"x".repeat(9000)}`,
    };
    for (const [name, token] of Object.entries(cases)) expect([name, await verify(token)]).toEqual([name, undefined]);
  });

  it("that is signed with the public key as if it were a secret does not hold", async () => {
    const { settings, keys } = await anIssuer();
    const secret = new TextEncoder().encode(await exportSPKI(keys.publicKey));
    const forged = await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).setExpirationTime("5m").sign(secret);
    expect(await (await openJwtVerifier(settings))(forged)).toBeUndefined();
  });
});

describe("the settings for tokens", () => {
  it.each([
    ["no issuer", { issuer: "" }],
    ["no audience", { audience: undefined }],
    ["keys over plain http", { jwks: "http://id.example/jwks" }],
    ["keys by another scheme", { jwks: "data://x" }],
    ["keys behind a password", { jwks: "https://a:b@id.example/jwks" }],
    ["a file that is not there", { jwks: "/nowhere/jwks.json" }],
    ["a shared secret", { algorithms: ["HS256"] }],
    ["no algorithm", { algorithms: [] }],
    ["none as algorithm", { algorithms: ["none"] }],
    ["a subject that may approve what it asks for", { subjects: { a: { scopes: ["authorize", "approve"] } } }],
    ["a subject that says who it is", { subjects: { a: { allow: ["agent_id"] } } }],
    ["a member that nobody knows", { leeway: 1_000_000 }],
  ])("with %s are refused", async (_name, change) => {
    const { settings } = await anIssuer();
    await expect(openJwtVerifier({ ...settings, ...change } as never)).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  });
});

/** A verifier whose keys come from an address that answers so. */
async function remote(
  answer: (url: string, init: RequestInit) => Response,
): Promise<{ readonly verify: JwtVerifier; readonly sign: Issuer["sign"]; readonly asked: string[] }> {
  const { settings, sign } = await anIssuer();
  const asked: string[] = [];
  const verify = await openJwtVerifier({ ...settings, jwks: "https://id.example/jwks" }, async (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input);
    asked.push(url);
    return await Promise.resolve(answer(url, init));
  });
  return { verify, sign, asked };
}

describe("keys from an address", () => {
  it("are fetched from that address alone, without redirects, and kept", async () => {
    const issued = await anIssuer();
    const inits: RequestInit[] = [];
    const verify = await openJwtVerifier({ ...issued.settings, jwks: "https://id.example/jwks" }, async (input, init = {}) => {
      inits.push(init);
      expect(input).toBe("https://id.example/jwks");
      return await Promise.resolve(Response.json(issued.jwks));
    });
    expect(await verify(await issued.sign(claims))).toBeDefined();
    expect(await verify(await issued.sign(claims))).toBeDefined();
    expect(inits).toHaveLength(1);
    expect(inits[0]).toMatchObject({ redirect: "error" });
  });

  it.each([
    ["an error", () => new Response("no", { status: 500 })],
    ["a redirect", () => new Response(null, { status: 302, headers: { location: "https://evil.example" } })],
    ["something very long", () => new Response("x".repeat(2 * 1024 * 1024))],
    ["no connection", () => Promise.reject(new Error("down")) as never],
  ])("that answers with %s let nobody in, and say that it is not the caller's fault", async (_name, answer) => {
    const { verify, sign, asked } = await remote(answer);
    await expect(verify(await sign(claims))).rejects.toThrow("cannot be fetched");
    await expect(verify(await sign(claims))).rejects.toThrow("a moment ago");
    expect(asked).toHaveLength(1);
  });
});

it("a gateway takes tokens beside keys, and a subject has the context that the settings give it", async () => {
  const { settings, sign } = await anIssuer();
  const { post, entries } = await testGateway({ jwt: settings });
  const reply = await post("/authorize_action", shell("ls", { agent_ctx: { agent_id: "other" } }), { key: await sign(claims) });
  expect(reply.json).toMatchObject({ decision: "ALLOW", ignored: ["agent_id"] });
  expect((await entries("decision"))[0]).toMatchObject({ via: "jwt:agent-7", agent_ctx: { agent_id: "seven", env: "dev" } });
  expect((await post("/authorize_action", shell("ls"), { key: await sign(claims, {}, "-1m") })).status).toBe(401);
  expect((await post("/admin/reload", {}, { key: await sign(claims) })).status).toBe(403);
});
