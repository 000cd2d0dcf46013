import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { addKey, revokeKey } from "../index.ts";
import { describe, expect, it, vi } from "vitest";

import { shell, temporaryFolder, testGateway } from "../gateway.test.fixture.ts";

describe("POST /authorize_action", () => {
  it("answers what policy says, and the answer is on record when it arrives", async () => {
    const { post, entries } = await testGateway();
    const { status, json } = await post("/authorize_action", shell("ls"));
    expect(status).toBe(200);
    expect(json).toMatchObject({
      decision: "ALLOW",
      rules: [{ id: "list", decision: "ALLOW", file: "test.yaml", line: 5 }],
      enforced: true,
    });
    expect(json["avid"]).toMatch(/^AVID-[0-9a-f]{64}$/);
    const [entry] = await entries("decision");
    expect(entry).toMatchObject({
      decision: "ALLOW",
      action_type: "execute_shell",
      payload: { command: "ls" },
      trace_id: json["trace_id"],
    });
    expect(json["authorization_id"]).toBe(`${JSON.stringify(entry?.["seq"])}-${JSON.stringify(entry?.["entry_hash"]).slice(1, 33)}`);
    expect(entry?.["via"]).toMatch(/^key:[0-9a-f]{16}$/);
  });

  it("names the approval that a person would give, and denies what no rule allows", async () => {
    const { post } = await testGateway();
    const asked = await post("/authorize_action", shell("curl"));
    expect(asked.json).toMatchObject({ decision: "REQUIRE_APPROVAL", approval_id: expect.stringMatching(/^APR-[0-9a-f]{32}$/) as string });
    expect((await post("/authorize_action", shell("rm"))).json).toMatchObject({ decision: "DENY", rules: [] });
  });

  it("judges in the context that it holds for the key: the caller is not believed about itself", async () => {
    const { post, keys, entries } = await testGateway();
    const { key } = await addKey(keys, { name: "production", agentCtx: { agent_id: "p", env: "production" }, allow: ["session_id"] });
    const deploy = {
      action_type: "deploy",
      action_payload: {},
      agent_ctx: { agent_id: "other", env: "dev", role: "admin", session_id: "s1" },
    };
    // The gateway looks at the file once a second.
    await vi.waitFor(async () => expect((await post("/authorize_action", deploy, { key })).status).toBe(200), { timeout: 20_000 });
    const { json } = await post("/authorize_action", deploy, { key });
    expect(json).toMatchObject({ decision: "DENY", rules: [{ id: "prod" }], ignored: ["agent_id", "env", "role"] });
    expect((await entries("decision")).at(-1)?.["agent_ctx"]).toEqual({ agent_id: "p", env: "production", session_id: "s1" });
  });

  it("takes the several actions of a tool call, and the strictest answer wins", async () => {
    const { post, entries } = await testGateway();
    const { json } = await post("/authorize_action", {
      actions: [
        { action_type: "execute_shell", payload: { command: "ls" } },
        { action_type: "execute_shell", payload: { command: "curl" }, open: ["argument `mode` is neither bound nor ignored"] },
      ],
      tool: { name: "bash", args: { cmd: "ls" }, call_id: "c1", toctou: "unprotected" },
      trace_id: "run-7",
      request_id: "q1",
    });
    expect(json).toMatchObject({ decision: "REQUIRE_APPROVAL", trace_id: "run-7", request_id: "q1" });
    const [entry] = await entries("decision");
    expect(entry).toMatchObject({ trace_id: "run-7", tool: { name: "bash", args: { cmd: "ls" }, call_id: "c1", toctou: "unprotected" } });
  });

  it("puts an attempt on record that will not run whatever is answered", async () => {
    const { post, entries } = await testGateway();
    const { json } = await post("/authorize_action", shell("ls", { refused: "the arguments are not JSON" }));
    expect(json).toMatchObject({ decision: "DENY", reason: "the call is not run: the arguments are not JSON" });
    expect(await entries("decision")).toHaveLength(1);
  });

  it("takes the trace id from a W3C traceparent, unless the caller names one", async () => {
    const { post } = await testGateway();
    const headers = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
    expect((await post("/authorize_action", shell("ls"), { headers })).json["trace_id"]).toBe("0af7651916cd43dd8448eb211c80319c");
    expect((await post("/authorize_action", shell("ls", { trace_id: "mine" }), { headers })).json["trace_id"]).toBe("mine");
    const bad = await post("/authorize_action", shell("ls"), { headers: { traceparent: `00-${"0".repeat(32)}-b7ad6b7169203331-01` } });
    expect(bad.json["trace_id"]).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
  });

  it("ends a key that was revoked or has expired, also while it runs", async () => {
    const { post, keys } = await testGateway();
    const { key, info } = await addKey(keys, { name: "short" });
    const { key: expired } = await addKey(keys, { name: "old", expiresAt: new Date(Date.now() - 1000) });
    await vi.waitFor(async () => expect((await post("/authorize_action", shell("ls"), { key })).status).toBe(200), { timeout: 20_000 });
    expect((await post("/authorize_action", shell("ls"), { key: expired })).status).toBe(401);
    await revokeKey(keys, info.id);
    await vi.waitFor(async () => expect((await post("/authorize_action", shell("ls"), { key })).status).toBe(401), { timeout: 20_000 });
  });
});

it("an agent may neither read nor change what the gateway keeps: log, keys, policy, approvals", async () => {
  const file = join(await temporaryFolder(), "gateway-rules.yaml");
  await writeFile(file, "version: 1\nextends: [canopy:default]\n");
  const { post, log, keys, folder } = await testGateway({ policy: file, resolvePaths: true });
  await post("/authorize_action", shell("curl https://example.com"));
  for (const path of [log, keys, `${keys}.lock`, `${log}.lock`, `${log}.approvals.db`, file, join(folder, "x", "..", "keys.json")]) {
    for (const action of ["read_file", "modify_file", "delete_file"]) {
      const { json } = await post("/authorize_action", { action_type: action, action_payload: { path } });
      expect([action, path, json["decision"]]).toEqual([action, path, "DENY"]);
    }
    expect([path, (await post("/authorize_action", shell(`echo x >> ${path}`))).json["decision"]]).toEqual([path, "DENY"]);
  }
});

describe("POST /outcome", () => {
  const success = { status: "success", output_hash: "a".repeat(64), duration_ms: 12 };

  it("puts on record how an allowed action ended, once, and from whoever was allowed", async () => {
    const { post, keys, entries } = await testGateway();
    const { key: other } = await addKey(keys, { name: "other" });
    const { json } = await post("/authorize_action", shell("ls"));
    const outcome = { ...success, authorization_id: json["authorization_id"], trace_id: json["trace_id"] };
    await vi.waitFor(async () => expect((await post("/outcome", outcome, { key: other })).status).toBe(403), { timeout: 20_000 });
    expect((await post("/outcome", outcome)).json).toEqual({ recorded: true });
    expect((await post("/outcome", outcome)).status).toBe(409);
    const [entry, ...more] = await entries("outcome");
    expect(more).toEqual([]);
    expect(entry).toMatchObject({
      status: "success",
      authorization_id: json["authorization_id"],
      output_hash: "a".repeat(64),
      duration_ms: 12,
    });
    expect(entry?.["via"]).toMatch(/^key:/);
  });

  it("records nothing about an action that was not allowed", async () => {
    const { post, entries } = await testGateway();
    const { json } = await post("/authorize_action", shell("rm"));
    const outcome = { ...success, authorization_id: json["authorization_id"], trace_id: json["trace_id"] };
    expect((await post("/outcome", outcome)).status).toBe(409);
    expect(await entries("outcome")).toEqual([]);
  });

  it("takes the outcome of an action that was allowed before a restart", async () => {
    const { post, entries } = await testGateway();
    const outcome = { ...success, authorization_id: `7-${"b".repeat(32)}`, trace_id: "t" };
    expect((await post("/outcome", outcome)).status).toBe(200);
    expect(await entries("outcome")).toHaveLength(1);
  });
});

it("GET /tool_bindings says what the policy says that tools are", async () => {
  const { get } = await testGateway();
  expect((await get("/tool_bindings")).json).toEqual({
    bindings: { bash: [{ action_type: "execute_shell", payload: { command: "args.cmd" }, ignore: [] }] },
  });
});
