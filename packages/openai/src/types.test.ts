import type OpenAI from "openai";
import { zodFunction } from "openai/helpers/zod";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";

import { fakeAuthorizer } from "./authorizer.test.fake.ts";
import { createToolDispatcher } from "./dispatcher.ts";
import { guardTools } from "./guard-tools.ts";

const read = zodFunction({ name: "read", parameters: z.object({ path: z.string() }), function: ({ path }) => path });
const pay = { type: "function" as const, name: "pay" as const, execute: (args: { amount: number }) => args.amount };
const guard = { agentCtx: { env: "production" }, authorizer: fakeAuthorizer() };

describe("the compiler", () => {
  it("sees the same tools, each in its place, and the SDK takes them", () => {
    const size = {
      type: "function" as const,
      function: { name: "size", description: "", parameters: {}, function: (text: string) => text.length },
    };
    const guarded = guardTools([read, size], guard);
    expectTypeOf(guarded).toEqualTypeOf<[typeof read, typeof size]>();
    expectTypeOf(guardTools([read, read].slice(1), guard)).toEqualTypeOf<(typeof read)[]>();
    const typed = (client: OpenAI): unknown => client.chat.completions.runTools({ model: "m", messages: [], tools: [guarded[0]] });
    expect(typed).toBeTypeOf("function");
  });

  it("checks bindings by name and arguments", () => {
    // @ts-expect-error: no such tool
    expect(() => createToolDispatcher([pay], { ...guard, actions: { pya: { action_type: "pay", payload: {} } } })).toThrow("`pay`?");
    // @ts-expect-error: a path starts at `args`
    expect(() => guardTools([read], { ...guard, actions: { read: { action_type: "read_file", payload: { path: "path" } } } })).toThrow(
      "args",
    );
    const binding = { action_type: "pay", toPayload: ({ sum }: { sum: number }) => ({ sum }) };
    // @ts-expect-error: no such argument
    expect(createToolDispatcher([pay], { ...guard, actions: { pay: binding } })).toBeDefined();
    // @ts-expect-error: no tool of this type
    expect(() => guardTools([read], { ...guard, allowUnguarded: ["mcp"] })).toThrow("`allowUnguarded` names `mcp`");
    // @ts-expect-error: `runTools` cannot pause
    expect(() => guardTools([read], { ...guard, onApproval: "pause" })).toThrow("cannot pause");
  });
});

describe("before any call", () => {
  const hosted = ["web_search", "file_search", "code_interpreter", "mcp", "computer", "shell", "image_generation", "not_yet_known"];
  it.each(hosted)("a tool that the provider runs is refused, unless it is named: %s", (type) => {
    const tool = { type };
    for (const wrap of [guardTools, createToolDispatcher]) {
      expect(() => wrap([tool], guard)).toThrow(`a tool of type \`${type}\` does not run here`);
      expect(() => wrap([tool], { ...guard, allowUnguarded: [type] })).not.toThrow();
    }
    expect(guardTools([tool], { ...guard, allowUnguarded: [type] })[0]).toBe(tool);
  });

  it.each<readonly [string, unknown, object, string]>([
    ["no list", { read }, {}, "not a list"],
    ["what is no tool", [null], {}, "is not an object"],
    [
      "a tool without a name",
      [
        {
          type: "function",
          function: {
            function: (
              () => () =>
                1
            )(),
          },
        },
      ],
      {},
      "has no name",
    ],
    ["an option that nobody reads", [read], { timeout: 1 }, "unknown option `timeout`"],
    ["two callbacks", [{ ...pay, function: { name: "pay", function: () => 1 } }], {}, "two callbacks"],
    [
      "a brand of tool that nobody knows, of which the SDK would run another callback",
      [{ type: "function", $brand: "another", function: { name: "pay", parameters: {}, function: () => 1 } }],
      {},
      "has a `$brand` that this version does not know",
    ],
    ["no agent", [], { agentCtx: undefined }, "`agentCtx` is missing"],
    ["no mode", [read], { onApproval: "wait" }, "`onApproval`"],
  ])("is refused: %s", (_, tools, more, message) => {
    for (const wrap of [guardTools, createToolDispatcher]) {
      expect(() => wrap(tools as never, { ...guard, ...more } as never)).toThrow(message);
    }
  });

  it("a dispatcher takes no tool without anything to run", () => {
    expect(() => createToolDispatcher([{ type: "function", name: "pay" }], guard)).toThrow("has nothing to run");
  });

  it("a tool that is guarded twice in the same way asks once", () => {
    const [once] = guardTools([read], guard);
    expect(guardTools([once], guard)[0]).toBe(once);
  });
});
