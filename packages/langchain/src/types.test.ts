import { StructuredTool, tool } from "@langchain/core/tools";
import type { DynamicTool } from "@langchain/core/tools";
import { createAgent } from "langchain";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";

import { fakeAuthorizer } from "./authorizer.test.fake.ts";
import { guardTool, guardTools } from "./guard-tools.ts";
import type { ArgsOf } from "./langchain-tool.ts";

const read = tool(({ path }) => path.length, { name: "read", schema: z.object({ path: z.string() }) });
const pay = tool(async ({ amount }) => ({ amount }), { name: "pay", schema: z.object({ amount: z.number() }) });
const guard = { agentCtx: { env: "production" }, authorizer: fakeAuthorizer() };

class Own extends StructuredTool {
  name = "own" as const;
  description = "own";
  schema = z.object({ size: z.number() });
  override async _call({ size }: { size: number }): Promise<number> {
    return size;
  }
}

describe("the compiler", () => {
  it("sees the same tools, each in its place", () => {
    const guarded = guardTools([read, pay], guard);
    expectTypeOf(guarded).toEqualTypeOf<[typeof read, typeof pay]>();
    expectTypeOf(guarded[0].name).toEqualTypeOf<"read">();
    expectTypeOf(guarded[1].invoke({ amount: 1 })).resolves.toEqualTypeOf<{ amount: number }>();
    expectTypeOf(guardTool(new Own(), guard)).toEqualTypeOf<Own>();
    expectTypeOf(guardTools([read, read].slice(1), guard)).toEqualTypeOf<(typeof read)[]>();
    const typed = (model: string): unknown => createAgent({ model, tools: guarded });
    expect(typed).toBeTypeOf("function");
  });

  it("knows what a tool is asked to work on", () => {
    expectTypeOf<ArgsOf<typeof read>>().toEqualTypeOf<{ path: string }>();
    expectTypeOf<ArgsOf<Own>>().toEqualTypeOf<{ size: number }>();
    expectTypeOf<ArgsOf<DynamicTool>>().toEqualTypeOf<{ readonly input: string }>();
    expect(read.name).toBe("read");
  });

  it("checks bindings by name and arguments", () => {
    // @ts-expect-error: no such tool
    expect(() => guardTools([pay], { ...guard, actions: { pya: { action_type: "pay", payload: {} } } })).toThrow("`pay`?");
    // @ts-expect-error: a path starts at `args`
    expect(() => guardTools([read], { ...guard, actions: { read: { action_type: "read_file", payload: { path: "path" } } } })).toThrow(
      "args",
    );
    const binding = { action_type: "pay", toPayload: ({ sum }: { sum: number }) => ({ sum }) };
    // @ts-expect-error: no such argument
    expect(guardTools([pay], { ...guard, actions: { pay: binding } })).toHaveLength(1);
    // @ts-expect-error: no such argument
    expect(guardTool(pay, { ...guard, binding })).toBeDefined();
    // @ts-expect-error: no such mode
    expect(() => guardTools([pay], { ...guard, onApproval: "wait" })).toThrow("`onApproval`");
    // @ts-expect-error: somebody acts
    expect(() => guardTools([pay], {})).toThrow("`agentCtx` is missing");
  });
});

describe("before any call", () => {
  it.each<readonly [string, unknown, object, string]>([
    ["no list", { read }, {}, "not a list"],
    ["what is no tool", [null], {}, "is not an object"],
    ["a function", [() => 1], {}, "is not an object"],
    ["an option that nobody reads", [read], { timeout: 1 }, "unknown option `timeout`"],
    ["two tools of one name", [read, read], {}, "two tools are called `read`"],
    ["leave for a tool that needs none", [read], { allowUnguarded: ["read"] }, "needs no leave"],
    ["leave for nobody", [read], { allowUnguarded: ["raed"] }, "did you mean `read`?"],
    ["a trace id that is none", [read], { traceId: "" }, "`traceId`"],
  ])("is refused: %s", (_, tools, more, message) => {
    expect(() => guardTools(tools as never, { ...guard, ...more })).toThrow(message);
  });

  it("a tool that is guarded twice in the same way asks once", () => {
    const [once] = guardTools([read], guard);
    expect(guardTools([once], guard)[0]).toBe(once);
    expect(guardTool(once, guard)).toBe(once);
    expect(guardTool(once, { ...guard, agentCtx: { env: "dev" } })).not.toBe(once);
  });
});
