import { tool } from "ai";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { fakeAuthorizer } from "./authorizer.test.fake.ts";
import type { FakeAuthorizer } from "./authorizer.test.fake.ts";
import { guardTools } from "./guard-tools.ts";
import { loops } from "./loops.test.fake.ts";

const agentCtx = { env: "production" };

/** Denies `delete_all`, wants a person for `pay`, allows the rest. */
function strictAuthorizer(): FakeAuthorizer {
  return fakeAuthorizer(({ tool: call }) => (call?.name === "delete_all" ? "DENY" : call?.name === "pay" ? "REQUIRE_APPROVAL" : "ALLOW"));
}

function toolset(ran: unknown[]) {
  return {
    read: tool({
      inputSchema: z.object({ path: z.string() }),
      execute: async ({ path }) => {
        ran.push(["read", path]);
        return { length: path.length };
      },
    }),
    delete_all: tool({ inputSchema: z.object({}), execute: async () => ran.push("delete_all") }),
    pay: tool({ inputSchema: z.object({ amount: z.number() }), execute: async ({ amount }) => ran.push(["pay", amount]) }),
    count: tool({
      inputSchema: z.object({ to: z.number() }),
      execute: async function* ({ to }) {
        for (let at = 1; at <= to; at += 1) yield { at };
        ran.push(["count", to]);
      },
    }),
    fail: tool({
      inputSchema: z.object({}),
      execute: async (): Promise<string> => {
        throw new Error("disk full");
      },
    }),
  };
}

function kindsOf(parts: readonly Readonly<Record<string, unknown>>[], name: string): unknown[] {
  return parts.filter((part) => part["toolName"] === name && part["preliminary"] !== true).map((part) => part["type"]);
}

describe.each(loops)("the loop of ai $major", ({ generate, stream }) => {
  describe.each([
    ["generateText", generate],
    ["streamText", stream],
  ] as const)("%s", (_, run) => {
    it("runs what is allowed, in parallel, and goes on where something is not", async () => {
      const ran: unknown[] = [];
      const authorizer = strictAuthorizer();
      const tools = guardTools(toolset(ran), { agentCtx, authorizer });
      const { text, parts, seen } = await run(tools, [
        { tool: "read", input: { path: "a" } },
        { tool: "delete_all", input: {} },
        { tool: "pay", input: { amount: 5 } },
        { tool: "count", input: { to: 2 } },
      ]);
      expect(text).toBe("done");
      expect(ran).toHaveLength(2);
      expect(ran).toEqual(
        expect.arrayContaining([
          ["read", "a"],
          ["count", 2],
        ]),
      );
      expect(kindsOf(parts, "read")).toEqual(["tool-call", "tool-result"]);
      expect(kindsOf(parts, "count")).toEqual(["tool-call", "tool-result"]);
      expect(kindsOf(parts, "delete_all")).toEqual(["tool-call", "tool-error"]);
      expect(kindsOf(parts, "pay")).toEqual(["tool-call", "tool-error"]);
      expect(seen).toContain("denied, the tool did not run: the fake says DENY (do not retry");
      expect(seen).toContain("approval required, the tool did not run: the fake says REQUIRE_APPROVAL (approval id `approval-1`");
      expect(authorizer.requests).toHaveLength(4);
      expect(authorizer.outcomes).toHaveLength(2);
    });

    it("gives the model a generator's last value", async () => {
      const { seen } = await run(guardTools(toolset([]), { agentCtx, authorizer: fakeAuthorizer() }), [
        { tool: "count", input: { to: 3 } },
      ]);
      expect(seen).toContain('{"at":3}');
      expect(seen).not.toContain('{"at":2}');
    });

    it("judges each call by itself, also where the model repeats the id of an allowed one", async () => {
      const ran: unknown[] = [];
      const authorizer = fakeAuthorizer(({ actions: [{ payload }] }) =>
        (payload as { path: string }).path === "secret" ? "DENY" : "ALLOW",
      );
      await run(guardTools(toolset(ran), { agentCtx, authorizer }), [
        { id: "same", tool: "read", input: { path: "public" } },
        { id: "same", tool: "read", input: { path: "secret" } },
      ]);
      expect(ran).toEqual([["read", "public"]]);
      expect(authorizer.requests.map((request) => request.tool?.callId)).toEqual(["same", "same"]);
    });

    it("shows the model a tool's own error, and records it", async () => {
      const authorizer = fakeAuthorizer();
      const { text, seen } = await run(guardTools(toolset([]), { agentCtx, authorizer }), [{ tool: "fail", input: {} }]);
      expect(text).toBe("done");
      expect(seen).toContain("disk full");
      expect(authorizer.outcomes).toMatchObject([{ status: "error", outputHash: null }]);
    });

    it("denies, and goes on, where there is no runtime to ask", async () => {
      const ran: unknown[] = [];
      const authorizer = fakeAuthorizer("ALLOW", { authorize: () => Promise.reject(new Error("gone")) });
      const { text, seen } = await run(guardTools(toolset(ran), { agentCtx, authorizer }), [{ tool: "read", input: { path: "a" } }]);
      expect(text).toBe("done");
      expect(ran).toEqual([]);
      expect(seen).toContain("the authorizer failed");
    });
  });

  it("does not run a tool that is aborted while its answer is awaited", async () => {
    const ran: unknown[] = [];
    const controller = new AbortController();
    const authorizer = fakeAuthorizer(() => {
      controller.abort();
      return "ALLOW";
    });
    await generate(guardTools(toolset(ran), { agentCtx, authorizer }), [{ tool: "read", input: { path: "a" } }], {
      abortSignal: controller.signal,
    }).catch(() => "the loop ends with its signal");
    expect(authorizer.requests).toHaveLength(1);
    expect(ran).toEqual([]);
  });

  it("shows values that a generator yields as they come", async () => {
    const { parts } = await stream(guardTools(toolset([]), { agentCtx, authorizer: fakeAuthorizer() }), [
      { tool: "count", input: { to: 2 } },
    ]);
    expect(parts.filter((part) => part["preliminary"] === true).map((part) => part["output"])).toEqual([{ at: 1 }, { at: 2 }]);
  });
});
