import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { shell, testGateway } from "../gateway.test.fixture.ts";
import { gatewayVersion } from "../version.ts";

interface Document {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly security: readonly unknown[]; readonly operationId: string }>>>
  >;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

describe("the OpenAPI document", () => {
  it("names every route, with the schemas that requests are checked with", async () => {
    const { get } = await testGateway();
    const { json, status } = await get("/openapi.json", { key: null });
    expect(status).toBe(200);
    const document = json as unknown as Document;
    expect(document.openapi).toBe("3.1.1");
    expect(Object.keys(document.paths).toSorted()).toEqual([
      "/.well-known/authzen-configuration",
      "/access/v1/evaluation",
      "/access/v1/evaluations",
      "/admin/reload",
      "/approvals",
      "/approvals/{id}",
      "/approvals/{id}/cancel",
      "/approvals/{id}/decision",
      "/audit/checkpoint",
      "/audit/entries",
      "/audit/proof",
      "/authorize_action",
      "/docs",
      "/healthz",
      "/metrics",
      "/openapi.json",
      "/outcome",
      "/readyz",
      "/tool_bindings",
    ]);
    expect(document.components.schemas["AuthorizeRequest"]).toMatchObject({
      type: "object",
      additionalProperties: false,
      oneOf: [{ required: ["action_type", "action_payload"] }, { required: ["actions"] }],
    });
  });

  it("refers to nothing that is not there, and names no operation twice", async () => {
    const { get } = await testGateway();
    const { body, json } = await get("/openapi.json");
    const document = json as unknown as Document;
    const known = Object.keys(document.components.schemas);
    const wanted = new Set([...body.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? ""));
    expect([...wanted].filter((name) => !known.includes(name))).toEqual([]);
    expect(body).not.toMatch(/\$defs|\$schema/);
    const ids = Object.values(document.paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("says of each route whether it takes a key, and that is so", async () => {
    const { get, raw } = await testGateway();
    const document = (await get("/openapi.json")).json as unknown as Document;
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, { security }] of Object.entries(methods)) {
        const reply = await raw(
          `${method.toUpperCase()} ${path.replace("{id}", "APR-1")} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
        );
        expect([path, reply.startsWith("HTTP/1.1 401 ")]).toEqual([path, security.length > 0]);
      }
    }
  });

  it("describes the answers as they are", async () => {
    const { authorizeAnswer } = await import("../wire/authorize.ts");
    const { post } = await testGateway();
    for (const command of ["ls", "rm", "curl"])
      expect(authorizeAnswer.safeParse((await post("/authorize_action", shell(command))).json).success).toBe(true);
  });

  it("has the version of the package", () => {
    const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
    expect(gatewayVersion).toBe(manifest.version);
  });
});

it("GET /docs is a page that needs no script and nothing from elsewhere", async () => {
  const { get } = await testGateway();
  const { status, body, headers } = await get("/docs", { key: null });
  expect(status).toBe(200);
  expect(headers["content-type"]).toBe("text/html; charset=utf-8");
  expect(headers["content-security-policy"]).toMatch(/^default-src 'none'; style-src 'sha256-/);
  expect(body).toContain("/authorize_action");
  expect(body).not.toMatch(/<script|<link|<img|https?:\/\/|\son\w+=/i);
});
