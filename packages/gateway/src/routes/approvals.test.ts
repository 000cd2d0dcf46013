import { describe, expect, it } from "vitest";

import { addKey } from "../index.ts";
import { shell, temporaryFolder, testGateway } from "../gateway.test.fixture.ts";
import type { Reply, TestGateway } from "../gateway.test.fixture.ts";

interface WithApprover extends TestGateway {
  readonly approver: string;
  readonly ask: () => Promise<Reply["json"]>;
  readonly decide: (id: unknown, body: unknown, key?: string) => Promise<Reply>;
}

async function withApprover(name = "ann"): Promise<WithApprover> {
  const keys = `${await temporaryFolder()}/approver.json`;
  const { key: approver } = await addKey(keys, { name, scopes: ["approve"] });
  const { key: agent } = await addKey(keys, { name: "agent", agentCtx: { agent_id: "janitor", env: "dev" }, allow: ["session_id"] });
  const test = await testGateway({ keys, approvals: { volatile: ["session_id"] } });
  return {
    ...test,
    agent,
    approver,
    ask: async () => (await test.post("/authorize_action", shell("curl"), { key: agent })).json,
    decide: async (id, body, key = approver) => await test.post(`/approvals/${String(id)}/decision`, body, { key }),
  };
}

async function requestOf({ get, approver }: WithApprover, id: unknown): Promise<Reply["json"]> {
  return (await get(`/approvals/${String(id)}`, { key: approver })).json;
}

describe("approvals over HTTP", () => {
  it("a person's yes lets that very action through, once, and says whose it was", async () => {
    const test = await withApprover();
    const asked = await test.ask();
    expect(asked["decision"]).toBe("REQUIRE_APPROVAL");
    const listed = (await test.get("/approvals?state=pending", { key: test.approver })).json["approvals"] as Reply["json"][];
    expect(listed).toMatchObject([{ id: asked["approval_id"], agent: "janitor", state: "pending", action_types: ["execute_shell"] }]);
    const shown = await requestOf(test, asked["approval_id"]);
    expect(String(shown["preview"])).toContain("curl");
    const decided = await test.decide(asked["approval_id"], { decision: "approve", digest: shown["digest"], note: "once" });
    expect(decided).toMatchObject({
      status: 200,
      json: { state: "approved", decision: { decided_by: "ann", assurance: "same_user", note: "once" } },
    });
    expect(await test.ask()).toMatchObject({
      decision: "ALLOW",
      approval: { id: asked["approval_id"], decided_by: "ann", assurance: "same_user" },
    });
    expect(await test.ask()).toMatchObject({ decision: "REQUIRE_APPROVAL" });
    expect(await requestOf(test, asked["approval_id"])).toMatchObject({ state: "used" });
  });

  it("a no is a no, and may be taken back", async () => {
    const test = await withApprover();
    const asked = await test.ask();
    const { digest } = await requestOf(test, asked["approval_id"]);
    await test.decide(asked["approval_id"], { decision: "deny", digest, note: "not today" });
    const denied = await test.ask();
    expect(denied["decision"]).toBe("DENY");
    expect(String(denied["reason"])).toContain("not today");
    expect(await test.post(`/approvals/${String(asked["approval_id"])}/cancel`, {}, { key: test.approver })).toMatchObject({
      json: { state: "cancelled" },
    });
    expect(await test.ask()).toMatchObject({ decision: "REQUIRE_APPROVAL" });
  });

  it("whoever asks decides nothing, reads nothing and takes nothing back", async () => {
    const test = await withApprover();
    const { approval_id: id } = await test.ask();
    const { digest } = await requestOf(test, id);
    const key = test.agent;
    expect((await test.decide(id, { decision: "approve", digest }, key)).status).toBe(403);
    expect((await test.post(`/approvals/${String(id)}/cancel`, {}, { key })).status).toBe(403);
    for (const path of ["/approvals", `/approvals/${String(id)}`]) expect((await test.get(path, { key })).status).toBe(403);
    expect((await test.decide(id, { decision: "approve", digest }, "canopy_x")).status).toBe(401);
    expect(await test.ask()).toMatchObject({ decision: "REQUIRE_APPROVAL", approval_id: id });
  });

  it("a key with the agent's own name does not approve for it", async () => {
    const test = await withApprover("janitor");
    const { approval_id: id } = await test.ask();
    const { digest } = await requestOf(test, id);
    expect(await test.decide(id, { decision: "approve", digest })).toMatchObject({
      status: 409,
      json: { error: { message: expect.stringContaining("whoever asks does not decide") as string } },
    });
  });

  it.each([
    ["no digest", { decision: "approve" }, 400],
    ["another digest", { decision: "approve", digest: "0".repeat(64) }, 409],
    ["another decision", { decision: "yes", digest: "0".repeat(64) }, 400],
    ["a name of its own", { decision: "approve", digest: "0".repeat(64), by: "bob" }, 400],
    ["a long note", { decision: "approve", digest: "0".repeat(64), note: "x".repeat(2001) }, 400],
  ])("a decision with %s is refused", async (_name, body, status) => {
    const test = await withApprover();
    const { approval_id: id } = await test.ask();
    expect((await test.decide(id, body)).status).toBe(status);
    expect(await requestOf(test, id)).toMatchObject({ state: "pending" });
  });

  it("an id that is none is a 404, and another method on it a 405", async () => {
    const test = await withApprover();
    for (const id of [`APR-${"0".repeat(32)}`, "APR-1", "x", "1"])
      expect((await test.get(`/approvals/${id}`, { key: test.approver })).status).toBe(404);
    expect(await test.raw(`DELETE /approvals/APR-${"0".repeat(32)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 405 /,
    );
    expect((await test.decide(`APR-${"0".repeat(32)}`, { decision: "deny", digest: "0".repeat(64) })).status).toBe(409);
  });

  it("what waits is counted", async () => {
    const { post, get, audit } = await testGateway();
    await post("/authorize_action", shell("curl"));
    expect((await get("/metrics", { key: audit })).body).toContain("canopy_approvals_waiting 1\n");
  });

  it("where none are kept there are no such addresses, and REQUIRE_APPROVAL stays what it is", async () => {
    const { post, get, audit, raw } = await testGateway({ approvals: false });
    expect((await post("/authorize_action", shell("curl"))).json["decision"]).toBe("REQUIRE_APPROVAL");
    expect((await get("/approvals", { key: audit })).status).toBe(404);
    expect((await get("/openapi.json")).body).not.toContain("/approvals");
    expect(await raw("GET /approvals HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).toMatch(/^HTTP\/1\.1 404 /);
  });
});

it("an ALLOW by an approval says whose it was in AuthZEN's words too", async () => {
  const test = await withApprover();
  const body = {
    subject: { type: "agent", id: "janitor" },
    action: { name: "execute_shell", properties: { command: "curl" } },
    resource: { type: "host", id: "h" },
  };
  const ask = async (): Promise<Reply["json"]> => (await test.post("/access/v1/evaluation", body, { key: test.agent })).json;
  const { context } = (await ask()) as { context: { approval: { id: string } } };
  const { digest } = await requestOf(test, context.approval.id);
  await test.decide(context.approval.id, { decision: "approve", digest });
  expect(await ask()).toMatchObject({
    decision: true,
    context: { outcome: "ALLOW", approval: { id: context.approval.id, decided_by: "ann" } },
  });
});
