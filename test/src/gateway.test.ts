import { readFileSync, readdirSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createChecker, guardTool, guardToolHttp, readAuditLog, verifyAuditLog } from "@canopy-runtime/core";
import type { AuthorizationRequest, AuthorizationResult, JsonObject } from "@canopy-runtime/core";
import { HttpAuthorizer } from "@canopy-runtime/core/client";
import { addKey, startGateway } from "@canopy-runtime/gateway";
import type { Gateway, GatewayOptions } from "@canopy-runtime/gateway";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";

import { aiSdk } from "./conformance/ai-sdk.adapter.ts";
import { functions } from "./conformance/functions.adapter.ts";
import { langchain } from "./conformance/langchain.adapter.ts";
import { openai } from "./conformance/openai.adapter.ts";

interface Served {
  readonly gateway: Gateway;
  readonly key: string;
  readonly authorizer: HttpAuthorizer;
  readonly log: string;
}

async function served(agentCtx: JsonObject, more: Partial<GatewayOptions> = {}): Promise<Served> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "canopy-http-")));
  const keys = join(folder, "keys.json");
  const log = join(folder, "audit.log");
  const { key } = await addKey(keys, { name: "agent", agentCtx });
  const gateway = await startGateway({
    audit: { path: log, durability: "os" },
    keys,
    port: 0,
    log: { level: "silent" },
    limits: { drainMs: 0 },
    ...more,
  });
  onTestFinished(async () => {
    await gateway.close();
    await rm(folder, { recursive: true, force: true });
  });
  return { gateway, key, authorizer: new HttpAuthorizer({ url: gateway.url, key, timeoutMs: 60_000 }), log };
}

async function decisions(log: string): Promise<readonly JsonObject[]> {
  const found: JsonObject[] = [];
  for await (const { entry } of readAuditLog(log))
    if (entry !== null && ["decision", "outcome"].includes(entry.type)) found.push(entry.members);
  return found;
}

/** What two answers have in common, wherever they were made. */
function essence({ decision, reason, rules, policyDigest, avid }: AuthorizationResult): object {
  return { decision, reason, rules, policyDigest, avid };
}

describe("the labelled requests, asked over HTTP", () => {
  const vectors = new URL("../../packages/core/vectors/", import.meta.url);
  const agent = {
    agent_id: "vectors",
    cwd: "/repo",
    home: "/home/agent",
    safe_paths: ["/repo/"],
    safe_hosts: ["api.good.com", "*.cdn.good.com"],
  };
  const files: Readonly<Record<string, string>> = { read: "read_file", write: "modify_file", delete: "delete_file" };

  function actionOf(file: string, line: Readonly<Record<string, unknown>>): AuthorizationRequest["actions"][0] {
    if (file.startsWith("shell")) return { actionType: "execute_shell", payload: { command: line["command"] } };
    if (file.startsWith("path")) return { actionType: files[String(line["op"])] ?? "", payload: { path: line["path"] } };
    if (file.startsWith("url")) return { actionType: "call_external_api", payload: { url: line["url"] } };
    return { actionType: "execute_query", payload: { query: line["sql"], dialect: line["dialect"] } };
  }

  it("get the answers that they get in process", async () => {
    const { authorizer, log } = await served(agent, { approvals: false });
    const checker = createChecker({ resolvePaths: false });
    const actions = readdirSync(vectors)
      .filter((file) => file.endsWith(".jsonl"))
      .flatMap((file) =>
        readFileSync(new URL(file, vectors), "utf8")
          .trimEnd()
          .split("\n")
          .map((line) => actionOf(file, JSON.parse(line) as Record<string, unknown>)),
      );
    expect(actions.length).toBeGreaterThan(1600);
    const waiting = [...actions.entries()];
    let asked = 0;
    const worker = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const [, action] = next;
        const [there, here] = await Promise.all([
          authorizer.authorize({ agentCtx: {}, actions: [action] }),
          checker.check({ agentCtx: agent, actions: [action] }),
        ]);
        expect({ action, ...essence(there) }).toEqual({ action, ...essence(here) });
        asked += 1;
      }
    };
    await Promise.all(Array.from({ length: 32 }, worker));
    expect(asked).toBe(actions.length);
    expect((await decisions(log)).length).toBe(actions.length);
    expect((await verifyAuditLog(log)).kind).toBe("valid");
  });
});

describe("a tool that is guarded over HTTP", () => {
  const policy = {
    name: "p.yaml",
    text: `
version: 1
default: DENY
rules:
  - { id: list, action_type: execute_shell, allow: true, when_all: ['payload.command == "ls"'] }
  - { id: ask, action_type: execute_shell, require_approval: true, when_all: ['payload.command == "curl"'] }
actions:
  bash: { action_type: execute_shell, payload: { command: args.cmd } }
`,
  };

  it("runs what is allowed, reports how it ended, and does not run what is not: by the policy's own binding", async () => {
    const { authorizer, log } = await served({ agent_id: "a", env: "dev" }, { policy });
    const ran: string[] = [];
    const bash = guardTool(
      async ({ cmd }: { cmd: string }) => {
        ran.push(cmd);
        return await Promise.resolve(`ran ${cmd}`);
      },
      { name: "bash", agentCtx: { agent_id: "somebody-else" }, authorizer },
    );
    expect(await bash({ cmd: "ls" })).toBe("ran ls");
    await expect(bash({ cmd: "rm" })).rejects.toMatchObject({ code: "ACTION_DENIED" });
    await expect(bash({ cmd: "curl" })).rejects.toMatchObject({ code: "APPROVAL_REQUIRED" });
    expect(ran).toEqual(["ls"]);
    const entries = await decisions(log);
    expect(entries.map((entry) => entry["decision"] ?? entry["status"])).toEqual(["ALLOW", "success", "DENY", "REQUIRE_APPROVAL"]);
    const contexts = entries.filter((entry) => entry["type"] === "decision").map((entry) => entry["agent_ctx"]);
    expect(contexts).toEqual(contexts.map(() => ({ agent_id: "a", env: "dev" })));
    expect(entries[1]?.["authorization_id"]).toBe(
      `${JSON.stringify(entries[0]?.["seq"])}-${JSON.stringify(entries[0]?.["entry_hash"]).slice(1, 33)}`,
    );
  });

  it("does not run where the gateway is gone", async () => {
    const { authorizer, gateway } = await served({ agent_id: "a" }, { policy });
    const tool = guardTool(async ({ command }: { command: string }) => await Promise.resolve(command), {
      name: "shell",
      actionType: "execute_shell",
      agentCtx: {},
      authorizer,
    });
    expect(await tool({ command: "ls" })).toBe("ls");
    await gateway.close();
    await expect(tool({ command: "ls" })).rejects.toMatchObject({ code: "ACTION_DENIED" });
  });
});

describe.each([functions, ...aiSdk, ...langchain, ...openai])("$name, asking over HTTP", ({ loop }) => {
  const text = `
version: 1
default: DENY
rules:
  - { id: reads, action_type: read, allow: true }
  - { id: pays, action_type: pay, require_approval: true }
`;

  it("runs what the gateway allows and nothing else, and reports how it ended", async () => {
    const { authorizer, gateway, log } = await served({ agent_id: "a" }, { policy: { name: "p.yaml", text } });
    const ran: string[] = [];
    const tools = ["read", "pay", "wipe"].map((name) => ({ name, schema: z.looseObject({}), run: () => `did ${String(ran.push(name))}` }));
    const call = async (tool: string): Promise<string> => (await loop(tools, [{ tool, args: {} }], { authorizer })).join();
    expect(await call("read")).toContain("did 1");
    expect(await call("pay")).toContain("approv");
    expect(await call("wipe")).toContain("denied, the tool did not run");
    await gateway.close();
    expect(await call("read")).toContain("denied, the tool did not run");
    expect(ran).toEqual(["read"]);
    const entries = await decisions(log);
    expect(entries.map((entry) => entry["decision"] ?? entry["status"])).toEqual(["ALLOW", "success", "REQUIRE_APPROVAL", "DENY"]);
  });
});

describe("a function behind `guardToolHttp`", () => {
  it("runs when the gateway allows it, and not otherwise, also where there is no gateway", async () => {
    const { gateway, key, log } = await served({ agent_id: "a", env: "dev", cwd: "/srv", home: "/home/agent" });
    const ran: string[] = [];
    const shell = async ({ command }: { command: string }): Promise<number> => ran.push(command);
    const options = { name: "shell", actionType: "execute_shell" } as const;
    const guarded = guardToolHttp(shell, { ...options, gateway: { url: gateway.url, key, timeoutMs: 60_000 } });
    expect(await guarded({ command: "ls" })).toBe(1);
    await expect(guarded({ command: "rm -rf /" })).rejects.toThrow("denied, the tool did not run: It removes");
    const lost = guardToolHttp(shell, { ...options, gateway: { url: "http://127.0.0.1:9", key } });
    await expect(lost({ command: "ls" })).rejects.toThrow("denied, the tool did not run");
    expect(ran).toEqual(["ls"]);
    expect((await decisions(log)).map(({ decision, status }) => decision ?? status)).toEqual(["ALLOW", "success", "DENY"]);
  });

  it("takes no options that nobody reads", () => {
    const gateway = { url: "http://127.0.0.1:9" };
    expect(() => guardToolHttp(async () => 1, { name: "f", gateway, authorizer: undefined, timeout: 1 } as never)).toThrow("`timeout`");
    expect(() => guardToolHttp(async () => 1, { name: "f", gateway: { url: "ftp://x" } })).toThrow("http");
    expect(() => guardToolHttp(async () => 1, undefined as never)).toThrow("not an object");
  });
});
