import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { describe, expect, it, vi } from "vitest";

import { sharedGateway, shell, testGateway } from "../gateway.test.fixture.ts";
import type { Reply, TestGateway } from "../gateway.test.fixture.ts";

/** Every address that needs a key, and with which scope. */
const guarded = [
  ["POST", "/authorize_action", "agent"],
  ["POST", "/outcome", "agent"],
  ["GET", "/tool_bindings", "agent"],
  ["POST", "/access/v1/evaluation", "agent"],
  ["POST", "/access/v1/evaluations", "agent"],
  ["GET", "/audit/entries", "audit"],
  ["GET", "/audit/checkpoint", "audit"],
  ["GET", "/audit/proof", "audit"],
  ["GET", "/metrics", "audit admin"],
  ["POST", "/admin/reload", "admin"],
  ["GET", "/approvals", "approve"],
  ["GET", "/approvals/APR-00000000000000000000000000000000", "approve"],
  ["POST", "/approvals/APR-00000000000000000000000000000000/decision", "approve"],
  ["POST", "/approvals/APR-00000000000000000000000000000000/cancel", "approve"],
] as const;

/** A clean refusal: this status, a code and a message, no ALLOW, and nothing of the inside. */
function refused(status: number): object {
  const text: unknown = expect.any(String);
  return { status, json: { error: { code: text, message: text } }, body: expect.not.stringMatching(inside) as string };
}

const inside = /ALLOW|"decision":true|node:|node_modules|\.ts:|\bat .*\(|canopy-gateway-/;

async function send(test: TestGateway, method: string, path: string, sent: Parameters<TestGateway["get"]>[1]): Promise<Reply> {
  return method === "GET" ? await test.get(path, sent) : await test.post(path, shell("ls"), sent);
}

describe("without the right key", () => {
  const shared = sharedGateway();
  it.each(guarded)("%s %s is refused", async (method, path, scope) => {
    const test = shared();
    expect(await send(test, method, path, { key: null })).toMatchObject(refused(401));
    const wrong = [
      `${test.agent.slice(0, -1)}${test.agent.endsWith("A") ? "B" : "A"}`,
      test.agent.slice(0, -1),
      `${test.agent}x`,
      "canopy_0000000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
      "canopy_",
      "eyJhbGciOiJub25lIn0.e30.",
      "x",
    ];
    for (const key of wrong) expect(await send(test, method, path, { key })).toMatchObject(refused(401));
    for (const authorization of ["Basic YTpi", "Bearer", "Bearer ", `Bearer ${test.agent} x`, test.agent, `Token ${test.agent}`]) {
      expect(await send(test, method, path, { key: null, headers: { authorization } })).toMatchObject(refused(401));
    }
    for (const each of (["agent", "audit", "admin"] as const).filter((other) => !scope.includes(other))) {
      expect(await send(test, method, path, { key: test[each] })).toMatchObject(refused(403));
    }
    expect(await test.entries("decision")).toEqual([]);
  });
});

/** A request that is so many bytes long. */
function padded(bytes: number): string {
  const empty = JSON.stringify(shell("ls", { trace_id: "t" })).replace('"ls"', '"ls","pad":""').length;
  return JSON.stringify({
    action_type: "execute_shell",
    action_payload: { command: "ls", pad: "x".repeat(bytes - empty) },
    trace_id: "t",
  });
}

describe("bodies that are not as they must be", () => {
  const shared = sharedGateway();
  const nested = `{"action_type":"x","action_payload":${"[".repeat(5000)}${"]".repeat(5000)}}`;
  it.each([
    ["a body that is empty", ""],
    ["white space", " \n\t"],
    ["JSON that breaks off", '{"action_type":"execute_shell","action_payload":{"command":"ls"}'],
    ["two values", '{"action_type":"a","action_payload":1}{}'],
    ["a comment", '{"action_type":"a",/* */"action_payload":1}'],
    ["a trailing comma", '{"action_type":"a","action_payload":1,}'],
    ["single quotes", "{'action_type':'a','action_payload':1}"],
    ["NaN", '{"action_type":"a","action_payload":NaN}'],
    ["a key that stands twice", '{"action_type":"execute_shell","action_payload":{"command":"rm -rf /","command":"ls"}}'],
    ["a key that stands twice in other letters", '{"action_type":"execute_shell","action_payload":{"command":"rm","c\\u006fmmand":"ls"}}'],
    ["an integer that readers round", '{"action_type":"a","action_payload":9007199254740993}'],
    ["a number that is too large", '{"action_type":"a","action_payload":1e999}'],
    ["a lone surrogate", '{"action_type":"a","action_payload":"\\ud800"}'],
    ["a list", "[]"],
    ["a string", '"ls"'],
    ["null", "null"],
    ["nesting without end", nested],
    ["no action", "{}"],
    ["no payload", '{"action_type":"execute_shell"}'],
    ["a payload alone", '{"action_payload":{}}'],
    ["an action type that is a list", '{"action_type":["execute_shell"],"action_payload":{}}'],
    ["an action type that is empty", '{"action_type":"","action_payload":{}}'],
    ["an action type that is very long", JSON.stringify({ action_type: "x".repeat(257), action_payload: 1 })],
    ["a context that is a string", '{"action_type":"a","action_payload":1,"agent_ctx":"x"}'],
    ["a context that is a list", '{"action_type":"a","action_payload":1,"agent_ctx":[]}'],
    ["a context that is null", '{"action_type":"a","action_payload":1,"agent_ctx":null}'],
    ["a member that nobody knows", '{"action_type":"a","action_payload":1,"mode":"observe"}'],
    ["a way to say who asks", '{"action_type":"a","action_payload":1,"via":"key:0"}'],
    ["__proto__", '{"action_type":"a","action_payload":1,"__proto__":{"actions":[]}}'],
    ["two forms at once", '{"action_type":"a","action_payload":1,"actions":[{"action_type":"b","payload":1}]}'],
    ["no actions", '{"actions":[]}'],
    ["more actions than a tool has", JSON.stringify({ actions: Array.from({ length: 33 }, () => ({ action_type: "a", payload: 1 })) })],
    ["an action without payload", '{"actions":[{"action_type":"a"}]}'],
    ["a trace id that is a number", '{"action_type":"a","action_payload":1,"trace_id":7}'],
  ])("%s is a 400", async (_name, body) => {
    const test = shared();
    expect(await test.post("/authorize_action", body)).toMatchObject(refused(400));
    expect(await test.entries("decision")).toEqual([]);
  });

  it("bytes that are not UTF-8 are a 400", async () => {
    const { raw, agent } = shared();
    const body = '{"action_type":"a","action_payload":"\xff\xfe"}';
    const reply = await raw(
      `POST /authorize_action HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${agent}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
  });

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "application/jsonp",
    "json",
  ])("the content type %s is a 415", async (type) => {
    const { post } = shared();
    expect(await post("/authorize_action", shell("ls"), { headers: { "content-type": type } })).toMatchObject(refused(415));
  });

  it("a body that is compressed is a 415", async () => {
    const { post } = shared();
    expect(await post("/authorize_action", shell("ls"), { headers: { "content-encoding": "gzip" } })).toMatchObject(refused(415));
  });

  it("a body past the limit is a 413, whether it says so or not, and one just below is judged", async () => {
    const { post, raw, agent } = shared();
    expect((await post("/authorize_action", padded(1024 * 1024))).status).toBe(200);
    expect(await post("/authorize_action", padded(1024 * 1024 + 1))).toMatchObject(refused(413));
    const head = `POST /authorize_action HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${agent}\r\nContent-Type: application/json\r\n`;
    expect(await raw(`${head}Content-Length: 99999999999\r\n\r\n{`)).toMatch(/^HTTP\/1\.1 413 /);
    const chunk = `10000\r\n${" ".repeat(65_536)}\r\n`;
    expect(await raw(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(17)}`)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it("a GET with a body is a 400", async () => {
    const { raw } = shared();
    expect(await raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")).toMatch(
      /^HTTP\/1\.1 400 /,
    );
  });
});

describe("requests that come from elsewhere than they say", () => {
  const shared = sharedGateway();
  it.each([
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "169.254.169.254",
    "evil.example:80",
    "[::2]",
    "localhost@evil.example",
    "local host",
    "x".repeat(300),
  ])("the Host %s is refused on every route", async (host) => {
    const { get, post } = shared();
    const headers = { host };
    for (const reply of [
      await get("/healthz", { headers }),
      await post("/authorize_action", shell("ls"), { headers }),
      await get("/docs", { headers }),
    ]) {
      expect([400, 421]).toContain(reply.status);
      expect(reply.json).not.toHaveProperty("decision", "ALLOW");
    }
  });

  it("every spelling of this machine is its Host, and names that the operator lists are too", async () => {
    const { get } = await testGateway({ allowedHosts: ["gateway.internal", "canopy.example:8443"] });
    for (const host of [
      "localhost",
      "LOCALHOST:1",
      "127.0.0.1:9",
      "[::1]:7",
      "gateway.internal",
      "gateway.internal:99",
      "canopy.example:8443",
    ]) {
      expect([host, (await get("/healthz", { headers: { host } })).status]).toEqual([host, 200]);
    }
    expect((await get("/healthz", { headers: { host: "canopy.example" } })).status).toBe(421);
  });

  it("a page in a browser is refused, whatever it asks for and whichever it is", async () => {
    const { get, post, raw } = shared();
    for (const origin of ["https://evil.example", "http://localhost:4747", "null", ""]) {
      expect(await post("/authorize_action", shell("ls"), { headers: { origin } })).toMatchObject(refused(403));
      expect(await get("/healthz", { headers: { origin } })).toMatchObject(refused(403));
    }
    const preflight = await raw(
      "OPTIONS /authorize_action HTTP/1.1\r\nHost: localhost\r\nAccess-Control-Request-Method: POST\r\nConnection: close\r\n\r\n",
    );
    expect(preflight).toMatch(/^HTTP\/1\.1 405 /);
    expect(preflight.toLowerCase()).not.toContain("access-control-allow");
  });
});

describe("paths that are not plain", () => {
  const shared = sharedGateway();
  it.each([
    "/",
    "//authorize_action",
    "/authorize_action/",
    "/authorize_action//",
    "/./authorize_action",
    "/x/../authorize_action",
    "/%61uthorize_action",
    "/authorize_action%00",
    "/authorize_action;x",
    "/AUTHORIZE_ACTION",
    "/authorize_action/..;/admin/reload",
    "/audit/entries/../../etc/passwd",
    "/..%2f..%2fetc/passwd",
    "/.env",
    "/.well-known/../authorize_action",
    "\\authorize_action",
    "http://evil.example/authorize_action",
    "//evil.example/authorize_action",
    "*",
    `/${"a".repeat(5000)}`,
  ])("%s is nothing", async (path) => {
    const { raw, agent } = shared();
    const body = JSON.stringify(shell("ls"));
    const reply = await raw(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${agent}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    expect(reply).toMatch(/^HTTP\/1\.1 (?:400|404|405) /);
    expect(reply).not.toContain("ALLOW");
  });

  it.each(["GET", "PUT", "DELETE", "PATCH", "HEAD", "TRACE", "QUERY"])("%s on an address that takes POST is a 405", async (method) => {
    const { raw, agent } = shared();
    const reply = await raw(
      `${method} /authorize_action HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${agent}\r\nConnection: close\r\n\r\n`,
    );
    expect(reply).toMatch(/^HTTP\/1\.1 405 /);
    expect(reply).toMatch(/allow: POST/i);
  });

  it("parameters that stand twice, or that nobody asked for, are a 400", async () => {
    const { get, audit } = shared();
    expect(await get("/healthz?x=1", { key: null })).toMatchObject(refused(400));
    expect(await get("/audit/entries?last=1&last=2", { key: audit })).toMatchObject(refused(400));
    expect(await get("/audit/entries?limit=1", { key: audit })).toMatchObject(refused(400));
    expect(await get("/audit/entries?since=yesterday", { key: audit })).toMatchObject(refused(400));
  });
});

describe("headers that do not agree", () => {
  const shared = sharedGateway();
  const body = JSON.stringify(shell("ls"));
  it.each([
    ["two hosts", "Host: localhost\r\nHost: evil.example"],
    ["two keys", "Host: localhost\r\nAuthorization: Bearer x"],
    ["two content types", "Host: localhost\r\nContent-Type: text/plain"],
    ["two lengths", "Host: localhost\r\nContent-Length: 0"],
    ["a length and chunks", "Host: localhost\r\nTransfer-Encoding: chunked"],
    ["chunks that are none", "Host: localhost\r\nTransfer-Encoding: xchunked"],
    ["no host", "X-A: b"],
    ["a header that is none", "Host: localhost\r\nbad header: x"],
    ["a folded header", "Host: localhost\r\nX-A: b\r\n c: d"],
    ["a NUL", "Host: localhost\r\nX-A: \0"],
    ["two traces", "Host: localhost\r\nTraceparent: a\r\nTraceparent: b"],
  ])("%s is refused", async (_name, headers) => {
    const { raw, agent, entries } = shared();
    const reply = await raw(
      `POST /authorize_action HTTP/1.1\r\n${headers}\r\nAuthorization: Bearer ${agent}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    expect(reply).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(await entries("decision")).toEqual([]);
  });

  it("an Origin behind thousands of other headers is seen, or all of them are refused", async () => {
    const { raw } = shared();
    const many = "a:\r\n".repeat(3000);
    expect(
      await raw(`GET /healthz HTTP/1.1\r\nHost: localhost\r\n${many}Origin: https://evil.example\r\nConnection: close\r\n\r\n`),
    ).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(await raw(`GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it("what callers send does not come back as a header or a line of its own", async () => {
    const { post } = shared();
    const reply = await post("/authorize_action", shell("ls", { trace_id: "a\r\nSet-Cookie: x=1", request_id: "b\r\nX: y" }));
    expect(reply.status).toBe(200);
    expect(Object.keys(reply.headers)).not.toContain("set-cookie");
    expect(reply.json["trace_id"]).toBe("a\r\nSet-Cookie: x=1");
  });
});

describe("clients that take their time, or go", () => {
  const limits = { headersMs: 300, bodyMs: 300 };

  it("headers that do not end are cut off, and a body that does not end is a 408", async () => {
    const { raw, agent } = await testGateway({ limits });
    expect(await raw("POST /authorize_action HTTP/1.1\r\nHost: localhost\r\n")).toMatch(/^(?:HTTP\/1\.1 408 |$)/);
    const started = await raw(
      `POST /authorize_action HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${agent}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"action`,
    );
    expect(started).toMatch(/^HTTP\/1\.1 408 /);
  });

  it("nobody without a key is waited for: the answer comes before the body", async () => {
    const { raw } = await testGateway({ limits: { bodyMs: 60_000, requestMs: 60_000 } });
    const reply = await raw(
      "POST /authorize_action HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n",
      (received) => received.includes("unauthenticated"),
    );
    expect(reply).toMatch(/^HTTP\/1\.1 401 /);
  });

  it("10,000 connections that are opened and dropped leave it answering", async () => {
    const { gateway, post } = await testGateway({ limits: { connections: 64 } });
    for (let round = 0; round < 100; round += 1) {
      const sockets = Array.from({ length: 100 }, (_each, index) => {
        const socket = connect(gateway.port, "127.0.0.1", () => {
          if (index % 3 === 1) socket.write("POST /authorize_action HT");
          if (index % 3 === 2) socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        });
        socket.on("error", () => undefined);
        return socket;
      });
      await sleep(5);
      for (const socket of sockets) socket.destroy();
    }
    // It may take a moment until it has seen that they are gone.
    await vi.waitFor(async () => expect((await post("/authorize_action", shell("ls"))).json["decision"]).toBe("ALLOW"), {
      timeout: 30_000,
    });
  });

  it("an ALLOW that its caller did not wait for is on record as not run", async () => {
    const { gateway, agent, entries } = await testGateway();
    const body = JSON.stringify(shell("ls"));
    const socket = connect(gateway.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(
      `POST /authorize_action HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${agent}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      () => socket.resetAndDestroy(),
    );
    // Whether the request was read at all before the connection was gone is the system's choice; where it was, it is settled.
    for (let waited = 0; waited < 100; waited += 1) {
      const decisions = await entries("decision");
      if (decisions.length > 0 && (await entries("outcome")).length === decisions.length) break;
      await sleep(20);
    }
    const outcomes = await entries("outcome");
    expect(outcomes).toHaveLength((await entries("decision")).length);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: "not_run", via: "gateway" });
  });
});
