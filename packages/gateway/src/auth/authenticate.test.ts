import { existsSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { startGateway } from "../index.ts";
import { shell, temporaryFolder, testGateway } from "../gateway.test.fixture.ts";

describe("callers without a key", () => {
  const loopback = { agentCtx: { agent_id: "local", env: "dev" } };

  it("may ask from this machine where the operator said so, all of them as one agent, and do nothing else", async () => {
    const { post, get, entries } = await testGateway({ loopback });
    const reply = await post("/authorize_action", shell("ls", { agent_ctx: { agent_id: "root", session_id: "s" } }), { key: null });
    expect(reply.json).toMatchObject({ decision: "ALLOW", ignored: ["agent_id", "session_id"] });
    expect((await entries("decision"))[0]).toMatchObject({ via: "loopback", agent_ctx: { agent_id: "local", env: "dev" } });
    for (const path of ["/audit/entries", "/audit/checkpoint", "/audit/proof?entry=1", "/metrics"])
      expect((await get(path, { key: null })).status).toBe(403);
    expect((await post("/admin/reload", {}, { key: null })).status).toBe(403);
  });

  it("are not taken for local where a proxy on this machine speaks for them", async () => {
    const { post } = await testGateway({ loopback });
    for (const name of ["x-forwarded-for", "forwarded", "via", "x-real-ip", "x-forwarded-proto"]) {
      expect((await post("/authorize_action", shell("ls"), { key: null, headers: { [name]: "203.0.113.9" } })).status).toBe(401);
    }
  });

  it("are refused where they send a key that does not hold: no second chance as nobody", async () => {
    const { post } = await testGateway({ loopback });
    expect((await post("/authorize_action", shell("ls"), { key: "canopy_x" })).status).toBe(401);
  });

  it.each(["0.0.0.0", "::", "192.0.2.1", "example.com"])("never where it listens on %s", async (host) => {
    await expect(startGateway({ host, loopback, audit: `${await temporaryFolder()}/audit.log` })).rejects.toMatchObject({
      code: "INVALID_OPTIONS",
    });
  });
});

it("a policy that does not load leaves no log behind", async () => {
  const audit = `${await temporaryFolder()}/audit.log`;
  const policy = { name: "p", text: "rules: 7" };
  await expect(startGateway({ port: 0, audit, policy, loopback: { agentCtx: {} } })).rejects.toMatchObject({ code: "POLICY_INVALID" });
  expect(existsSync(audit)).toBe(false);
});

it.each([
  ["nobody who could ask", {}],
  ["an option that nobody knows", { keys: "k", cors: true }],
  ["a port that is none", { keys: "k", port: 70_000 }],
  ["every address and no name for it", { keys: "k", host: "0.0.0.0" }],
  ["a host name that is none", { keys: "k", allowedHosts: ["*"] }],
  ["a limit that is none", { keys: "k", limits: { bodyBytes: 0 } }],
  ["a limit that nobody knows", { keys: "k", limits: { bytes: 1 } }],
  ["a public address that is none", { keys: "k", publicUrl: "ftp://x" }],
  ["a key file that is not there", { keys: "/nowhere/keys.json" }],
  ["a policy that does not load", { loopback: { agentCtx: {} }, policy: { name: "p", text: "rules: 7" } }],
])("starts nothing with %s", async (_name, options) => {
  const audit = `${await temporaryFolder()}/audit.log`;
  await expect(startGateway({ port: 0, log: { level: "silent" }, audit, ...options } as never)).rejects.toHaveProperty("code");
});
