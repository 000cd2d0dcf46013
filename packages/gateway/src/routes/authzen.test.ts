import { describe, expect, it } from "vitest";

import { addKey } from "../index.ts";
import { testGateway } from "../gateway.test.fixture.ts";
import type { Reply } from "../gateway.test.fixture.ts";

// The requests of the certification scenario of AuthZEN 1.0, levels Basic, Batch and Discovery, over the policy that it asks for.
const records = {
  name: "records.yaml",
  text: `
version: 1
default: DENY
rules:
  - { id: read, action_type: read, allow: true, when_all: ['payload.subject.id in ["alice", "bob"]'] }
  - id: write-own
    action_type: write
    allow: true
    when_all: ['payload.subject.id == "alice"', 'payload.resource.id == "record-1"']
    when_not: ['has(payload.resource.properties) && has(payload.resource.properties.status) && payload.resource.properties.status == "archived"']
  - id: admins-write-archived
    action_type: write
    allow: true
    when_all: ['payload.subject.properties.role == "admin"', 'payload.resource.properties.status == "archived"']
  - { id: soft, action_type: delete, allow: true, when_all: ['payload.subject.id == "alice"', 'payload.soft == true'] }
  - { id: ask, action_type: publish, require_approval: true }
`,
};

const alice = { type: "user", id: "alice" };
const bob = { type: "user", id: "bob" };
const admin = { ...bob, properties: { role: "admin" } };
const record1 = { type: "record", id: "record-1" };
const archived = { type: "record", id: "record-2", properties: { status: "archived" } };
const named = (name: string, properties?: object): object => ({ name, ...(properties === undefined ? {} : { properties }) });

/** A gateway whose caller is a host program, which says for whom it asks. */
async function pdp(): Promise<{
  readonly evaluate: (body: unknown, headers?: Record<string, string>) => Promise<Reply>;
  readonly evaluateAll: (body: unknown) => Promise<Reply>;
  readonly test: Awaited<ReturnType<typeof testGateway>>;
}> {
  const { key, path } = await hostKey();
  const test = await testGateway({ policy: records, keys: path });
  return {
    evaluate: async (body, headers = {}) => await test.post("/access/v1/evaluation", body, { key, headers }),
    evaluateAll: async (body) => await test.post("/access/v1/evaluations", body, { key }),
    test,
  };
}

async function hostKey(): Promise<{ readonly key: string; readonly path: string }> {
  const { temporaryFolder } = await import("../gateway.test.fixture.ts");
  const path = `${await temporaryFolder()}/host.json`;
  const { key } = await addKey(path, { name: "pep", kind: "host", allow: ["agent_id"] });
  return { key, path };
}

describe("AuthZEN evaluation", () => {
  it.each([
    ["alice reads", { subject: alice, action: named("read"), resource: record1 }, true],
    ["alice writes", { subject: alice, action: named("write"), resource: record1 }, true],
    ["bob reads", { subject: bob, action: named("read"), resource: record1 }, true],
    ["bob writes", { subject: bob, action: named("write"), resource: record1 }, false],
    ["alice writes what is archived", { subject: alice, action: named("write"), resource: archived }, false],
    ["an admin writes what is archived", { subject: admin, action: named("write"), resource: archived }, true],
    ["alice deletes softly", { subject: alice, action: named("delete", { soft: true }), resource: record1 }, true],
    ["alice deletes for good", { subject: alice, action: named("delete", { soft: false }), resource: record1 }, false],
    [
      "with a context",
      { subject: alice, action: named("read"), resource: record1, context: { time: "2025-06-27T18:03-07:00", ip: "192.168.1.1" } },
      true,
    ],
    [
      "with more properties",
      { subject: { ...alice, properties: { role: "manager" } }, action: named("read", { method: "GET" }), resource: record1 },
      true,
    ],
    [
      "with members that nobody knows",
      { subject: alice, action: named("read"), resource: record1, foo: "bar", futureField: { nested: true } },
      true,
    ],
  ])("%s", async (_name, body, decision) => {
    const { evaluate } = await pdp();
    for (const reply of [await evaluate(body), await evaluate(body)]) {
      expect(reply).toMatchObject({ status: 200, json: { decision, context: { outcome: decision ? "ALLOW" : "DENY" } } });
    }
  });

  it.each([
    ["no subject", { action: named("read"), resource: record1 }],
    ["no action", { subject: alice, resource: record1 }],
    ["no resource", { subject: alice, action: named("read") }],
    ["a subject without type", { subject: { id: "alice" }, action: named("read"), resource: record1 }],
    ["a subject without id", { subject: { type: "user" }, action: named("read"), resource: record1 }],
    ["an action without name", { subject: alice, action: {}, resource: record1 }],
    ["a resource without type", { subject: alice, action: named("read"), resource: { id: "record-1" } }],
    ["a resource without id", { subject: alice, action: named("read"), resource: { type: "record" } }],
    ["a subject that is a string", { subject: "alice", action: named("read"), resource: record1 }],
    ["a name that is a number", { subject: alice, action: { name: 123 }, resource: record1 }],
    ["a context that is a list", { subject: alice, action: named("read"), resource: record1, context: [] }],
    ["a property with the name of what stands beside it", { subject: alice, action: named("read", { subject: bob }), resource: record1 }],
    ["no JSON", "{"],
    ["nothing", ""],
  ])("answers 400 and false for %s", async (_name, body) => {
    const { evaluate } = await pdp();
    const reply = await evaluate(body);
    expect(reply).toMatchObject({ status: 400, json: { decision: false, error: { code: "invalid_request" } } });
  });

  it("answers 400 for another content type", async () => {
    const { evaluate } = await pdp();
    const reply = await evaluate({ subject: alice, action: named("read"), resource: record1 }, { "content-type": "text/plain" });
    expect(reply).toMatchObject({ status: 400, json: { decision: false } });
  });

  it("echoes the X-Request-ID, and makes one up where there is none that is plain", async () => {
    const { evaluate } = await pdp();
    const body = { subject: alice, action: named("read"), resource: record1 };
    expect((await evaluate(body, { "x-request-id": "bfe9eb29-ab87-4ca3-be83-a1d5d8305716" })).headers["x-request-id"]).toBe(
      "bfe9eb29-ab87-4ca3-be83-a1d5d8305716",
    );
    for (const odd of ["<script>", "a b", "x".repeat(129), "\u00e9"]) {
      expect((await evaluate(body, { "x-request-id": odd })).headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it("answers false with the approval in the context where a person is to be asked", async () => {
    const { evaluate } = await pdp();
    const { json } = await evaluate({ subject: alice, action: named("publish"), resource: record1 });
    expect(json).toMatchObject({
      decision: false,
      context: { outcome: "REQUIRE_APPROVAL", approval: { id: expect.stringMatching(/^APR-/) as string } },
    });
  });

  it("denies an agent's key that asks for another subject, and puts that on record", async () => {
    const test = await testGateway({ policy: records });
    const asked = async (id: string): Promise<Reply> =>
      await test.post("/access/v1/evaluation", { subject: { type: "agent", id }, action: named("publish"), resource: record1 });
    expect((await asked("alice")).json).toMatchObject({
      decision: false,
      context: { reason: expect.stringContaining("does not speak for") as string },
    });
    expect((await asked("janitor")).json).toMatchObject({ decision: false, context: { outcome: "REQUIRE_APPROVAL" } });
    expect(await test.entries("decision")).toHaveLength(2);
  });
});

function decisions(reply: Reply): unknown {
  return (reply.json["evaluations"] as { decision: boolean }[]).map(({ decision }) => decision);
}

describe("AuthZEN evaluations", () => {
  it.each([
    [
      "a default subject and action",
      { subject: alice, action: named("read"), evaluations: [{ resource: record1 }, { resource: archived }] },
      [true, true],
    ],
    [
      "a default subject and resource",
      { subject: bob, resource: record1, evaluations: [{ action: named("read") }, { action: named("write") }] },
      [true, false],
    ],
    [
      "properties of each",
      {
        subject: alice,
        action: named("write"),
        evaluations: [{ resource: { ...record1, properties: { status: "active" } } }, { resource: archived }],
      },
      [true, false],
    ],
    [
      "subjects of each",
      { action: named("write"), resource: archived, evaluations: [{ subject: alice }, { subject: admin }] },
      [false, true],
    ],
    [
      "no defaults",
      {
        evaluations: [
          { subject: alice, action: named("read"), resource: record1 },
          { subject: bob, action: named("write"), resource: record1 },
        ],
      },
      [true, false],
    ],
    [
      "a type that is left out",
      {
        subject: alice,
        action: named("write"),
        resource: { type: "record" },
        evaluations: [{ resource: { id: "record-1", properties: { status: "active" } } }, { resource: archived }],
      },
      [true, false],
    ],
    ["one that is not whole", { subject: alice, action: named("read"), evaluations: [{ resource: record1 }, {}] }, [true, false]],
  ])("with %s", async (_name, body, expected) => {
    const { evaluateAll } = await pdp();
    const reply = await evaluateAll(body);
    expect(reply.status).toBe(200);
    expect(decisions(reply)).toEqual(expected);
    expect(reply.json).not.toHaveProperty("decision");
  });

  it("an entity of its own replaces the default as a whole: properties do not come along", async () => {
    const { evaluateAll } = await pdp();
    const body = { subject: admin, action: named("write"), resource: archived, evaluations: [{ subject: bob }, {}] };
    expect(decisions(await evaluateAll(body))).toEqual([false, true]);
  });

  it.each([
    ["execute_all", [true, false, true, false]],
    ["deny_on_first_deny", [true, false]],
    ["permit_on_first_permit", [true]],
  ])("under %s", async (semantic, expected) => {
    const { evaluateAll, test } = await pdp();
    const asks = [alice, bob, alice, bob].map((subject) => ({ subject }));
    const reply = await evaluateAll({
      action: named("write"),
      resource: record1,
      evaluations: asks,
      options: { evaluations_semantic: semantic },
    });
    expect(decisions(reply)).toEqual(expected);
    // What was not asked for any more is not on record either.
    expect(await test.entries("decision")).toHaveLength(expected.length);
  });

  it("goes on past what is denied until something is permitted", async () => {
    const { evaluateAll } = await pdp();
    const body = { action: named("write"), resource: record1, evaluations: [{ subject: bob }, {}, { subject: alice }, { subject: bob }] };
    expect(decisions(await evaluateAll({ ...body, options: { evaluations_semantic: "permit_on_first_permit" } }))).toEqual([
      false,
      false,
      true,
    ]);
  });

  it("without evaluations is one evaluation", async () => {
    const { evaluateAll } = await pdp();
    const one = { subject: alice, action: named("read"), resource: record1 };
    expect((await evaluateAll(one)).json).toMatchObject({ decision: true });
    expect((await evaluateAll({ ...one, evaluations: [] })).json).toMatchObject({ decision: true });
    expect((await evaluateAll({ subject: alice })).status).toBe(400);
  });

  it.each([
    ["a semantic that nobody knows", { options: { evaluations_semantic: "permit_all" }, evaluations: [{}] }],
    ["more than a hundred", { evaluations: Array.from({ length: 101 }, () => ({})) }],
    ["evaluations that are no list", { evaluations: {} }],
    ["an evaluation that is no object", { evaluations: [7] }],
  ])("answers 400 for %s", async (_name, body) => {
    const { evaluateAll } = await pdp();
    expect(await evaluateAll({ subject: alice, action: named("read"), resource: record1, ...body })).toMatchObject({
      status: 400,
      json: { decision: false },
    });
  });
});

it("GET /.well-known/authzen-configuration says where the endpoints are, and needs no key", async () => {
  const { test } = await pdp();
  const { url } = test.gateway;
  expect(await test.get("/.well-known/authzen-configuration", { key: null })).toMatchObject({
    status: 200,
    json: {
      policy_decision_point: url,
      access_evaluation_endpoint: `${url}/access/v1/evaluation`,
      access_evaluations_endpoint: `${url}/access/v1/evaluations`,
    },
  });
});
