import { describe, expect, it } from "vitest";

import { fakeAuthorizer } from "./authorizer.test.fake.ts";
import { createToolDispatcher } from "./dispatcher.ts";
import { dispatching, handLoops } from "./loops.test.fake.ts";
import type { HandLoop } from "./loops.test.fake.ts";
import type { ScriptedCall, Turn } from "./server.test.fake.ts";

const agentCtx = { env: "production" };

/** The same three tools for either API: made of a schema, with a parser or `execute`, and of a raw text. */
function toolset({ sdk: { zodFunction, zodResponsesFunction, z }, api }: HandLoop, ran: unknown[]) {
  const read = {
    name: "read",
    parameters: z.object({ path: z.string() }),
    function: async ({ path }: { path: string }) => {
      ran.push(["read", path]);
      return { length: path.length };
    },
  };
  const parameters = { type: "object", properties: { amount: { type: "number" } }, required: ["amount"], additionalProperties: false };
  const pay = async ({ amount }: { amount: number }): Promise<string> => {
    ran.push(["pay", amount]);
    if (amount < 0) throw new Error("no such amount");
    return `paid ${amount}`;
  };
  const note = (text: string) => {
    ran.push(["note", text]);
  };
  return api === "chat"
    ? [
        zodFunction(read),
        {
          type: "function",
          function: {
            name: "pay",
            parameters,
            strict: true,
            parse: (text: string) => JSON.parse(text) as { amount: number },
            function: pay,
          },
        },
        { type: "function", function: { name: "note", strict: true, parameters: { type: "object" }, function: note } },
      ]
    : [
        zodResponsesFunction(read),
        { type: "function", name: "pay", parameters, strict: true, execute: pay },
        { type: "custom", name: "note", execute: note },
      ];
}

type Tools = ReturnType<typeof toolset>;

/** The three calls in the words of the API. */
function callsOf({ api }: HandLoop): readonly ScriptedCall[] {
  return [
    { tool: "read", args: { path: "abc" } },
    { tool: "pay", args: { amount: 5 } },
    api === "chat" ? { tool: "note", args: { a: 1 } } : { tool: "note", input: "buy milk" },
  ];
}

function show(output: unknown): string {
  return typeof output === "string" ? output : (JSON.stringify(output) ?? "undefined");
}

/** A loop as one writes it without Canopy: every call is looked up and run. */
function unguarded(loop: HandLoop, ran: unknown[]): Parameters<HandLoop["run"]>[2] {
  const [read, pay, note] = toolset(loop, ran) as unknown as [{ $callback: Run }, { execute?: Run; function: { function: Run } }, never];
  const handlers: Record<string, Run> = {
    read: read.$callback,
    pay: pay.execute ?? pay.function.function,
    note: (note as typeof pay).execute ?? (note as typeof pay).function.function,
  };
  return async (answer: Answer) => {
    if (answer.choices !== undefined) {
      const { tool_calls: calls = [], ...message } = answer.choices[0]?.message ?? {};
      const outputs = await Promise.all(
        calls.map(async ({ id, function: { name, arguments: text } }) => ({
          role: "tool",
          tool_call_id: id,
          content: show(await handlers[name]?.(name === "note" ? text : JSON.parse(text))),
        })),
      );
      const replayed = calls.map(({ id, type, function: { name, arguments: text } }) => ({
        id,
        type,
        function: { name, arguments: text },
      }));
      const { parsed: _parsed, ...rest } = message as { parsed?: unknown };
      return { items: [calls.length === 0 ? rest : { ...rest, tool_calls: replayed }], outputs };
    }
    const items = (answer.output ?? []).map(({ parsed_arguments: _parsed, content, ...item }) => ({
      ...item,
      ...(content === undefined ? {} : { content: content.map(({ parsed: _part, ...part }) => part) }),
    }));
    const outputs = await Promise.all(
      (answer.output ?? [])
        .filter(({ call_id: id }) => id !== undefined)
        .map(async ({ type, call_id: id, name, arguments: text, input }) => ({
          type: `${type}_output`,
          call_id: id,
          output: show(await handlers[name]?.(text === undefined ? input : JSON.parse(text))),
        })),
    );
    return { items, outputs };
  };
}

type Run = (args: unknown) => unknown;
interface Answer {
  choices?: { message: { tool_calls?: { id: string; type: string; function: { name: string; arguments: string } }[] } }[];
  output?: {
    type: string;
    call_id?: string;
    name: string;
    arguments?: string;
    input?: string;
    parsed_arguments?: unknown;
    content?: { parsed?: unknown }[];
  }[];
}

describe.each(handLoops)("a hand-written loop over $title", (loop) => {
  it("shows host and model the same where all is allowed", async () => {
    for (const script of [[callsOf(loop)], callsOf(loop).map((call) => [call]), ["hello"]] satisfies Turn[][]) {
      const [bareRan, ran]: [unknown[], unknown[]] = [[], []];
      const bare = await loop.run(toolset(loop, []), script, unguarded(loop, bareRan));
      const authorizer = fakeAuthorizer();
      const dispatcher = createToolDispatcher<Tools>(toolset(loop, ran), { agentCtx, authorizer });
      const guarded = await loop.run(toolset(loop, []), script, dispatching(dispatcher));
      expect(guarded).toEqual(bare);
      expect(ran).toEqual(bareRan);
      expect([authorizer.requests.length, authorizer.outcomes.length]).toEqual([ran.length, ran.length]);
    }
  });

  it("tells the model what is refused or failed, runs the rest, and goes on to the end", async () => {
    const ran: unknown[] = [];
    const authorizer = fakeAuthorizer(({ tool }) => (tool?.name === "note" ? "DENY" : "ALLOW"));
    const dispatcher = createToolDispatcher<Tools>(toolset(loop, ran), { agentCtx, authorizer });
    const script = [
      [...callsOf(loop), { id: "bad", tool: "pay", args: { amount: -1 } }, { id: "none", tool: "raed", args: { path: "a" } }],
    ];
    const { text, requests } = await loop.run(toolset(loop, []), script, dispatching(dispatcher));
    expect(text).toBe("done");
    expect(ran).toEqual(
      expect.arrayContaining([
        ["read", "abc"],
        ["pay", 5],
        ["pay", -1],
      ]),
    );
    expect(ran).toHaveLength(3);
    const { messages, input } = requests[1] as { messages?: { content: string }[]; input?: { output: string }[] };
    expect((messages ?? input ?? []).slice(-5).map((each) => ("output" in each ? each.output : each.content))).toEqual([
      '{"length":3}',
      "paid 5",
      "denied, the tool did not run: the fake says DENY (do not retry this call)",
      "the tool ran and failed: no such amount",
      "denied, the tool did not run: there is no tool of this name",
    ]);
    expect(authorizer.requests.at(-1)?.refused ?? authorizer.requests.find(({ refused }) => refused)?.refused).toBe(
      "there is no tool of this name",
    );
    expect(authorizer.outcomes.map(({ status }) => status).toSorted()).toEqual(["error", "success", "success"]);
  });

  it("pauses, is stored as JSON, and goes on in another process once a person has approved", async () => {
    const ran: unknown[] = [];
    const waiting = fakeAuthorizer(({ tool }) => (tool?.name === "pay" ? "REQUIRE_APPROVAL" : "ALLOW"));
    const pausing = createToolDispatcher<Tools>(toolset(loop, ran), { agentCtx, authorizer: waiting, onApproval: "pause" });
    const first = await loop.run(toolset(loop, []), [callsOf(loop)], dispatching(pausing));
    expect(first.text).toBeUndefined();
    expect(ran.map((each) => (each as unknown[])[0])).toEqual(expect.arrayContaining(["read", "note"]));
    expect(first.pending).toMatchObject([{ approvalId: "approval-1", reason: "the fake says REQUIRE_APPROVAL" }]);

    const stored = JSON.parse(JSON.stringify(first)) as typeof first;
    expect(stored.pending).toEqual(first.pending);
    const again = await pausing.resume(stored.pending as never);
    expect(again).toEqual({ outputs: [], pending: first.pending });

    const granted = fakeAuthorizer(({ tool }) => ((tool?.args as { amount: number } | undefined)?.amount === 5 ? "ALLOW" : "DENY"));
    const later = createToolDispatcher<Tools>(toolset(loop, ran), { agentCtx, authorizer: granted, onApproval: "pause" });
    const { outputs, pending } = await later.resume(stored.pending as never);
    expect(pending).toEqual([]);
    expect(ran.at(-1)).toEqual(["pay", 5]);
    // The conversation is whole again, and the model goes on with it.
    const second = await loop.run(toolset(loop, []), [], dispatching(later), [...stored.conversation, ...outputs]);
    expect(second.text).toBe("done");
    expect(JSON.stringify(second.requests[0])).toContain("paid 5");
    expect(waiting.requests.filter(({ tool }) => tool?.name === "pay").map(({ tool }) => tool?.args)).toEqual(
      Array.from({ length: 2 }, () => ({ amount: 5 })),
    );
  });
});
