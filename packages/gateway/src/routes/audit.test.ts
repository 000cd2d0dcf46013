import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { createAuditKey, verifyEntryProof } from "@canopy-runtime/core";
import { describe, expect, it } from "vitest";

import { shell, temporaryFolder, testGateway } from "../gateway.test.fixture.ts";

describe("GET /audit/entries", () => {
  it("gives the lines byte for byte as they stand in the log", async () => {
    const { post, get, audit, log } = await testGateway();
    for (const command of ["ls", "rm", "curl"]) await post("/authorize_action", shell(command));
    const { status, body, headers } = await get("/audit/entries", { key: audit });
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("application/jsonl; charset=utf-8");
    expect(body).toBe(await readFile(log, "utf8"));
  });

  it("gives the last, and those that are asked for", async () => {
    const { post, get, audit } = await testGateway();
    for (const command of ["ls", "rm", "ls"]) await post("/authorize_action", shell(command));
    const ask = async (query: string): Promise<readonly { decision?: string }[]> =>
      (await get(`/audit/entries?${query}`, { key: audit })).body
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as { decision?: string });
    expect((await ask("last=1")).map(({ decision }) => decision)).toEqual(["ALLOW"]);
    expect(await ask("last=0")).toEqual([]);
    expect((await ask("decision=DENY")).map(({ decision }) => decision)).toEqual(["DENY"]);
    expect(await ask("rule=list")).toHaveLength(2);
    expect(await ask("type=policy.loaded")).toHaveLength(1);
    expect(await ask("since=2999-01-01T00:00:00Z")).toEqual([]);
    expect(await ask("action_type=execute_shell&until=2999-01-01T00:00:00%2B02:00")).toHaveLength(3);
  });

  it("lets so many read at once, and more when they are done", async () => {
    const { get, audit } = await testGateway();
    for (let round = 0; round < 3; round += 1) {
      const replies = await Promise.all(Array.from({ length: 12 }, async () => await get("/audit/entries", { key: audit })));
      for (const { status } of replies) expect([200, 503]).toContain(status);
    }
    expect((await get("/audit/entries", { key: audit })).status).toBe(200);
  });

  it("keeps no place for whoever asks for the headers alone", async () => {
    const { get, raw, audit } = await testGateway();
    const head = `HEAD /audit/entries HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${audit}\r\nConnection: close\r\n\r\n`;
    for (let round = 0; round < 6; round += 1) expect(await raw(head)).toMatch(/^HTTP\/1\.1 200 /);
    expect((await get("/audit/entries", { key: audit })).status).toBe(200);
  });
});

it("a log with a key gives its checkpoint and proofs that hold without it", async () => {
  const keyPath = join(await temporaryFolder(), "audit.key");
  const publicKey = await createAuditKey(keyPath, "test.example/log");
  const path = join(await temporaryFolder(), "audit.log");
  const { post, get, audit } = await testGateway({ audit: { path, keyPath, checkpointEvery: 1 } });
  const { json } = await post("/authorize_action", shell("ls"));
  await post("/authorize_action", shell("ls"));
  const checkpoint = await get("/audit/checkpoint", { key: audit });
  expect(checkpoint).toMatchObject({ status: 200, headers: { "content-type": "text/plain; charset=utf-8" } });
  expect(checkpoint.body).toMatch(/^canopy-audit\/[0-9a-f]{32}\n\d+\n/);
  const { status, json: proof } = await get(`/audit/proof?entry=${String(json["authorization_id"])}`, { key: audit });
  expect(status).toBe(200);
  expect(await verifyEntryProof(String(proof["proof"]), String(proof["line"]), [publicKey])).toMatchObject({ kind: "proven" });
  expect((await get(`/audit/proof?entry=1-${"0".repeat(32)}`, { key: audit })).status).toBe(404);
  expect((await get("/audit/proof?entry=999999", { key: audit })).status).toBe(409);
});

it("a log without a key has neither, and says so", async () => {
  const { get, audit } = await testGateway();
  expect((await get("/audit/checkpoint", { key: audit })).status).toBe(404);
  expect((await get("/audit/proof?entry=0", { key: audit })).status).toBe(409);
  expect((await get("/audit/proof?entry=../x", { key: audit })).status).toBe(400);
  expect((await get("/audit/proof", { key: audit })).status).toBe(400);
});
