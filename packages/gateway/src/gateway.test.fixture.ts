import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import type { JsonObject } from "@canopy-runtime/core";
import { afterAll, beforeAll, onTestFinished } from "vitest";

import { addKey, startGateway } from "./index.ts";
import type { Gateway, GatewayOptions } from "./index.ts";

export const testPolicy = {
  name: "test.yaml",
  text: `
version: 1
default: DENY
rules:
  - { id: list, action_type: execute_shell, allow: true, when_all: ['payload.command == "ls"'] }
  - { id: fetch, action_type: execute_shell, require_approval: true, when_all: ['payload.command == "curl"'] }
  - { id: prod, action_type: deploy, deny: true, when_all: ['agent_ctx.env == "production"'] }
  - { id: deploy, action_type: deploy, allow: true }
actions:
  bash: { action_type: execute_shell, payload: { command: args.cmd } }
`,
};

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** The body as JSON. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface TestGateway {
  readonly gateway: Gateway;
  readonly folder: string;
  readonly keys: string;
  readonly log: string;
  /** Keys with one scope each; the agent's is for `agent_id` janitor in dev, which may say its `session_id`. */
  readonly agent: string;
  readonly audit: string;
  readonly admin: string;
  readonly post: (path: string, body: unknown, options?: Sent) => Promise<Reply>;
  readonly get: (path: string, options?: Sent) => Promise<Reply>;
  readonly entries: (type: string) => Promise<readonly JsonObject[]>;
  /** Sends these bytes on a connection of their own and answers what came back until it was closed, or `enough` says that it is. */
  readonly raw: (bytes: string, enough?: (received: string) => boolean) => Promise<string>;
}

export interface Sent {
  /** The agent's where left out; null for none. */
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Called with what is to be done when all is over; what came last is done first. */
type AtEnd = (cleanUp: () => Promise<void>) => void;

/** A directory of its own for the test that is running. */
export async function temporaryFolder(atEnd: AtEnd = onTestFinished): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "canopy-gateway-")));
  atEnd(async () => await rm(folder, { recursive: true, force: true }));
  return folder;
}

/** One gateway for all tests of a `describe` that leave it as it was. */
export function sharedGateway(options: GatewayOptions = {}): () => TestGateway {
  const cleanUps: (() => Promise<void>)[] = [];
  const started: TestGateway[] = [];
  beforeAll(async () => {
    started.push(await testGateway(options, (cleanUp) => cleanUps.unshift(cleanUp)));
  });
  afterAll(async () => {
    for (const cleanUp of cleanUps) await cleanUp();
  });
  return () => {
    const [gateway] = started;
    if (gateway === undefined) throw new Error("the gateway is not started yet");
    return gateway;
  };
}

/** A gateway on a free loopback port, closed when the test is. */
export async function testGateway(options: GatewayOptions = {}, atEnd: AtEnd = onTestFinished): Promise<TestGateway> {
  const folder = await temporaryFolder(atEnd);
  const keys = join(folder, "keys.json");
  const log = join(folder, "audit.log");
  const { key: agent } = await addKey(keys, { name: "agent", agentCtx: { agent_id: "janitor", env: "dev" }, allow: ["session_id"] });
  const { key: audit } = await addKey(keys, { name: "auditor", scopes: ["audit"] });
  const { key: admin } = await addKey(keys, { name: "operator", scopes: ["admin"] });
  const gateway = await startGateway({
    policy: testPolicy,
    audit: log,
    keys,
    port: 0,
    log: { level: "silent" },
    ...options,
    limits: { drainMs: 0, ...options.limits },
  });
  atEnd(async () => await gateway.close());
  const { port } = gateway;

  async function send(method: string, path: string, body: string | undefined, { key = agent, headers = {} }: Sent = {}): Promise<Reply> {
    return await exchange(port, method, path, body, {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    });
  }

  return {
    gateway,
    folder,
    keys,
    log,
    agent,
    audit,
    admin,
    post: async (path, body, sent) => await send("POST", path, typeof body === "string" ? body : JSON.stringify(body), sent),
    get: async (path, sent) => await send("GET", path, undefined, sent),
    entries: async (type) =>
      (await readFile(log, "utf8"))
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as JsonObject)
        .filter((entry) => entry["type"] === type),
    raw: async (bytes, enough) => await rawExchange(port, bytes, enough),
  };
}

/** One request over a connection of its own. */
export async function exchange(
  port: number,
  method: string,
  path: string,
  body: string | undefined,
  headers: Readonly<Record<string, string>>,
): Promise<Reply> {
  return await new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port, method, path, headers, agent: false }, (response) => {
      resolve(replyOf(response));
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function replyOf(response: IncomingMessage): Promise<Reply> {
  const body = await text(response);
  return { status: response.statusCode ?? 0, headers: response.headers, body, json: parse(body) };
}

function parse(received: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(received) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

async function rawExchange(port: number, bytes: string, enough: (received: string) => boolean = () => false): Promise<string> {
  return await new Promise((resolve) => {
    let received = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    socket.setEncoding("utf8");
    socket.on("data", (part: string) => {
      received += part;
      if (enough(received)) socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(received));
  });
}

/** A short form for the request that everybody sends. */
export function shell(command: string, more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return { action_type: "execute_shell", action_payload: { command }, ...more };
}
