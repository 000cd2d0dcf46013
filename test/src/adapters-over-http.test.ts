import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { guardTools as guardAiTools } from "@canopy-runtime/ai-sdk";
import { HttpAuthorizer } from "@canopy-runtime/core/client";
import { guardTools as guardLangChainTools } from "@canopy-runtime/langchain";
import { createToolDispatcher } from "@canopy-runtime/openai";
import { AIMessage } from "@langchain/core/messages";
import { tool as langChainTool } from "@langchain/core/tools";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { generateText, stepCountIs, tool as aiTool } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

interface Asked {
  readonly request_id: string;
  readonly trace_id: string;
}

/** What the gateway does with a question; the one who asks waits on where it does nothing. */
type Behaviour = (asked: Asked, response: ServerResponse) => void;

let behave: Behaviour = () => undefined;
let onOutcome: (response: ServerResponse) => void = () => undefined;
const outcomes: unknown[] = [];
let elsewhere = 0;
const servers = [createServer((request, response) => void answer(request, response)), createServer(allowAnybody)];
let [url, other] = ["", ""];

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  if (request.url === "/tool_bindings") return json(response, { bindings: {} });
  const body = JSON.parse(Buffer.concat(pieces).toString("utf8")) as Asked;
  if (request.url === "/authorize_action") return behave(body, response);
  outcomes.push(body);
  return onOutcome(response);
}

function allowAnybody(_request: IncomingMessage, response: ServerResponse): void {
  elsewhere += 1;
  json(response, { decision: "ALLOW" });
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function allow({ request_id, trace_id }: Asked): object {
  const names = { avid: "AVID-1", policy_digest: "digest", authorization_id: "entry-1" };
  return { decision: "ALLOW", reason: "fine", rules: [], enforced: true, request_id, trace_id, ...names };
}

beforeAll(async () => {
  for (const server of servers) {
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
  }
  [url, other] = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`) as [string, string];
});

afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  }
});

const ran: unknown[] = [];

beforeEach(() => {
  ran.length = 0;
  outcomes.length = 0;
  elsewhere = 0;
  onOutcome = (response) => json(response, { recorded: true });
});

const wipe = (args: unknown): string => {
  ran.push(args);
  return "wiped it";
};

const options = (timeoutMs: number) => ({ agentCtx: {}, authorizer: new HttpAuthorizer({ url, key: "secret", timeoutMs }) });

/** Has a model call `wipe` in the loop of a framework; what the model is told in the end. */
const loops: readonly (readonly [string, (timeoutMs: number) => Promise<string>])[] = [
  [
    "the AI SDK",
    async (timeoutMs) => {
      const tools = guardAiTools(
        { wipe: aiTool({ inputSchema: z.object({ dir: z.string() }), execute: async (args) => wipe(args) }) },
        options(timeoutMs),
      );
      const usage = {
        inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 1, text: 1, reasoning: 0 },
      };
      const call = { type: "tool-call" as const, toolCallId: "1", toolName: "wipe", input: '{"dir":"/"}' };
      let turn = 0;
      const model = new MockLanguageModelV4({
        doGenerate: async () => {
          turn += 1;
          const finish = turn === 1 ? "tool-calls" : "stop";
          return {
            content: turn === 1 ? [call] : [{ type: "text" as const, text: "done" }],
            finishReason: { unified: finish, raw: undefined },
            usage,
            warnings: [],
          };
        },
      });
      const { text } = await generateText({ model, tools, prompt: "go", stopWhen: stepCountIs(3), maxRetries: 0 });
      expect(text).toBe("done");
      return JSON.stringify(model.doGenerateCalls.at(-1)?.prompt);
    },
  ],
  [
    "the OpenAI SDK",
    async (timeoutMs) => {
      const { dispatchAll } = createToolDispatcher([{ type: "function", name: "wipe", execute: wipe }], options(timeoutMs));
      const output = [{ type: "function_call", call_id: "1", name: "wipe", arguments: '{"dir":"/"}', status: "completed" }];
      const { outputs } = await dispatchAll({ output });
      expect(outputs).toHaveLength(1);
      return JSON.stringify(outputs);
    },
  ],
  [
    "LangGraph",
    async (timeoutMs) => {
      const tools = guardLangChainTools([langChainTool(wipe, { name: "wipe", schema: z.object({ dir: z.string() }) })], options(timeoutMs));
      const call = { type: "tool_call" as const, id: "1", name: "wipe", args: { dir: "/" } };
      const { messages } = (await new ToolNode(tools).invoke({ messages: [new AIMessage({ content: "", tool_calls: [call] })] })) as {
        messages: unknown[];
      };
      expect(messages).toHaveLength(1);
      return JSON.stringify(messages);
    },
  ],
];

const notAnswers: readonly (readonly [string, Behaviour, string])[] = [
  ["says nothing", () => undefined, "did not answer within"],
  ["hangs up", (_, response) => response.destroy(), "could not be reached"],
  [
    "begins an ALLOW and says no more",
    (asked, response) => void head(response).write(JSON.stringify(allow(asked)).slice(0, 40)),
    "did not answer within",
  ],
  [
    "hangs up in the middle of an ALLOW",
    (asked, response) => void head(response).write(JSON.stringify(allow(asked)).slice(0, -1), () => setImmediate(() => response.destroy())),
    "broke off",
  ],
  ["answers with what is no JSON", (_, response) => void head(response).end('{"decision":"ALLOW"'), "is not JSON"],
  ["says ALLOW and nothing else", (_, response) => json(response, { decision: "ALLOW" }), "cannot be understood"],
  [
    "repeats an answer to another question",
    (asked, response) => json(response, { ...allow(asked), request_id: "another" }),
    "cannot be understood",
  ],
  [
    "says ALLOW twice and DENY once",
    (asked, response) => void head(response).end(JSON.stringify(allow(asked)).replace("{", '{"decision":"DENY",')),
    "is not JSON",
  ],
  ["sends it elsewhere", (_, response) => void response.writeHead(307, { location: `${other}/authorize_action` }).end(), "a redirect"],
  [
    "says ALLOW with an error",
    (asked, response) => void response.writeHead(500, { "content-type": "application/json" }).end(JSON.stringify(allow(asked))),
    "status 500",
  ],
  [
    "says ALLOW in a page",
    (asked, response) => void response.writeHead(200, { "content-type": "text/html" }).end(JSON.stringify(allow(asked))),
    "not declared as JSON",
  ],
  ["never stops", (asked, response) => flood(head(response), JSON.stringify(allow(asked))), "longer than"],
];

function head(response: ServerResponse): ServerResponse {
  return response.writeHead(200, { "content-type": "application/json" });
}

function flood(response: ServerResponse, start: string): void {
  response.write(start);
  const more = (): void => {
    if (!response.destroyed) response.write(" ".repeat(64 * 1024), () => setImmediate(more));
  };
  more();
}

describe.each(loops)("tools of %s, where a gateway decides", (_, run) => {
  it.each(notAnswers)("do not run where the gateway %s, and the model is told", async (_what, behaviour, why) => {
    behave = behaviour;
    const told = await run(why.startsWith("did not") ? 200 : 20_000);
    expect(told).toContain("denied, the tool did not run");
    expect(told).toContain(why);
    expect(told).not.toContain("secret");
    expect([ran, outcomes, elsewhere]).toEqual([[], [], 0]);
  });

  it.each<readonly [string, number, (response: ServerResponse) => void]>([
    ["puts the outcome on record", 20_000, (response) => json(response, { recorded: true })],
    ["hangs up when it is told the outcome", 20_000, (response) => response.destroy()],
    ["says nothing when it is told the outcome", 2_000, () => undefined],
  ])("run once where the gateway allows it, and their output is not lost where it %s", async (_what, timeoutMs, behaviour) => {
    behave = (asked, response) => json(response, allow(asked));
    onOutcome = behaviour;
    expect(await run(timeoutMs)).toContain("wiped it");
    expect(ran).toEqual([{ dir: "/" }]);
    expect(outcomes).toMatchObject([{ authorization_id: "entry-1", status: "success" }]);
  });
});
