import { describe, expect, expectTypeOf, it } from "vitest";

import { fakeAuthorizer } from "./authorizer.test.fake.ts";
import { ActionDeniedError, ApprovalRequiredError } from "./denial.ts";
import { guardTool } from "./guard-tool.ts";
import { isGuarded } from "./guarded.ts";

const agentCtx = { env: "test" };

async function refund(args: { id: string; cents: number }): Promise<{ done: string }> {
  return { done: args.id };
}

async function* count(args: { to: number }): AsyncGenerator<number, void, unknown> {
  for (let at = 1; at <= args.to; at += 1) yield at;
}

async function run(args: { command: string }): Promise<string> {
  return args.command;
}

function positional(from: string, to?: string): string {
  return `${from} to ${to}`;
}

describe("a guarded function", () => {
  it("has the type, name and properties of the function", async () => {
    const tool = Object.assign(refund.bind(null), { schema: { type: "object" } });
    const guarded = guardTool(tool, { name: "refund", agentCtx, authorizer: fakeAuthorizer() });
    expectTypeOf(guarded).toEqualTypeOf(tool);
    expect([guarded.name, guarded.length, guarded.schema]).toEqual([tool.name, 1, { type: "object" }]);
    expect(await guarded({ id: "a", cents: 1 })).toEqual({ done: "a" });
  });

  it("returns a promise also where the function does not", async () => {
    const guarded = guardTool((args: { n: number }) => args.n + 1, { name: "add", agentCtx, authorizer: fakeAuthorizer() });
    expectTypeOf(guarded).toEqualTypeOf<(args: { n: number }) => Promise<number>>();
    expect(await guarded({ n: 1 })).toBe(2);
  });

  it("stays an async generator", async () => {
    const guarded = guardTool(count, { name: "count", agentCtx, authorizer: fakeAuthorizer() });
    expectTypeOf(guarded).toEqualTypeOf(count);
    expect(Object.prototype.toString.call(guarded)).toBe("[object AsyncGeneratorFunction]");
    const seen: number[] = [];
    for await (const value of guarded({ to: 2 })) seen.push(value);
    expect(seen).toEqual([1, 2]);
  });

  it("throws where the call is denied or needs a person, and the function does not run", async () => {
    const ran: unknown[] = [];
    const work = async (args: { id: string }): Promise<void> => {
      ran.push(args);
    };
    const denied = guardTool(work, { name: "work", agentCtx, authorizer: fakeAuthorizer("DENY") });
    const pending = guardTool(work, { name: "work", agentCtx, authorizer: fakeAuthorizer("REQUIRE_APPROVAL") });
    await expect(denied({ id: "secret-id" })).rejects.toThrow(ActionDeniedError);
    await expect(denied({ id: "secret-id" })).rejects.not.toThrow("secret-id");
    await expect(denied({ id: "a" })).rejects.toMatchObject({ code: "ACTION_DENIED", decision: { decision: "DENY" } });
    await expect(pending({ id: "a" })).rejects.toThrow(ApprovalRequiredError);
    await expect(pending({ id: "a" })).rejects.toMatchObject({ code: "APPROVAL_REQUIRED", approvalId: "approval-1" });
    expect(ran).toEqual([]);
  });

  it("says why in one line, whatever the authorizer wrote", async () => {
    const authorizer = fakeAuthorizer("DENY");
    const wordy = {
      ...authorizer,
      authorize: async (request: never) => ({ ...(await authorizer.authorize(request)), reason: `no\n\u202e${"x".repeat(9_000)}` }),
    };
    const error: unknown = await guardTool(refund, { name: "refund", agentCtx, authorizer: wordy })({ id: "a", cents: 1 }).catch(
      (thrown: unknown) => thrown,
    );
    expect((error as Error).message).not.toMatch(/[\n\u202e]/u);
    expect((error as Error).message.length).toBeLessThan(2_200);
  });

  it("keeps `this`, and hands on what the host passes", async () => {
    const log: unknown[] = [];
    const authorizer = fakeAuthorizer();
    const account = {
      owner: "ann",
      pay: guardTool(
        async function (
          this: { owner: string } | void,
          args: { cents: number },
          options: { trace: symbol; user: string },
        ): Promise<string> {
          log.push(args, options);
          return (this as { owner: string }).owner;
        },
        { name: "pay", agentCtx: ([options]) => ({ agent_id: options.user }), extras: "host", authorizer },
      ),
    };
    const options = { trace: Symbol("trace"), user: "eve" };
    expect(await account.pay({ cents: 1 }, options)).toBe("ann");
    expect(log[1]).toBe(options);
    expect(authorizer.requests[0]?.agentCtx).toEqual({ agent_id: "eve" });
  });

  it("refuses a call with arguments that nobody would judge", async () => {
    const guarded = guardTool(positional, { name: "move", agentCtx, authorizer: fakeAuthorizer() });
    await expect(Reflect.apply(guarded, undefined, ["a", "/etc"])).rejects.toThrow("only the first would be judged");
    // @ts-expect-error: two required arguments need `extras: "host"`
    guardTool((from: string, to: string) => from + to, { name: "move", agentCtx });
  });

  it("does not run, and says why, where what is found for a signal is none", async () => {
    const authorizer = fakeAuthorizer();
    for (const found of [{}, { aborted: true }, "abort", null, { addEventListener: () => undefined }]) {
      const guarded = guardTool(run, { name: "run", agentCtx, extras: "host", signal: () => found as unknown as AbortSignal, authorizer });
      await expect((guarded as (...args: unknown[]) => Promise<string>)({ command: "ls" }, 1)).rejects.toThrow("no AbortSignal");
    }
    expect(authorizer.requests).toEqual([]);
  });

  it("stops at a signal that is found in what the host passes", async () => {
    const ran: unknown[] = [];
    const guarded = guardTool(
      async (args: object, options: { signal: AbortSignal }) => {
        ran.push(args, options);
      },
      { name: "work", agentCtx, extras: "host", signal: ([options]) => options.signal, authorizer: fakeAuthorizer() },
    );
    await expect(guarded({}, { signal: AbortSignal.abort(new Error("stop")) })).rejects.toThrow("stop");
    expect(ran).toEqual([]);
  });

  it("may take no argument at all", async () => {
    const authorizer = fakeAuthorizer();
    const guarded = guardTool(async (...received: never[]) => received.length, { name: "now", agentCtx, authorizer });
    expect(await guarded()).toBe(0);
    expect(authorizer.requests[0]?.actions).toEqual([{ actionType: "now", payload: {} }]);
  });

  it("is the action that its options name", async () => {
    const authorizer = fakeAuthorizer();
    await guardTool(run, { name: "bash", agentCtx, authorizer, actionType: "execute_shell" })({ command: "ls" });
    const binding = { action_type: "execute_shell", payload: { command: "args.command" } } as const;
    await guardTool(run, { name: "bash", agentCtx, authorizer, binding })({ command: "ls" });
    expect(authorizer.requests.map((request) => request.actions)).toEqual([
      [{ actionType: "execute_shell", payload: { command: "ls" } }],
      [{ actionType: "execute_shell", payload: { command: "ls", args: { command: "ls" } } }],
    ]);
  });

  it("runs on the real arguments where they are not JSON and the binding makes the payload", async () => {
    const authorizer = fakeAuthorizer();
    const file = new URL("file:///tmp/a");
    const guarded = guardTool(async (args: { file: URL }) => args.file, {
      name: "read",
      agentCtx,
      authorizer,
      binding: { action_type: "read_file", toPayload: (args) => ({ path: args.file.pathname }) },
    });
    expect(await guarded({ file })).toBe(file);
    expect(authorizer.requests[0]?.tool).toEqual({ name: "read", args: { path: "/tmp/a" }, toctou: "unprotected" });
  });

  it.each([
    [{ agentContext: {} }, "unknown option `agentContext`, did you mean `agentCtx`?"],
    [{ agentCtx, extras: "model" }, "`extras` can only be `host`"],
    [{ agentCtx, actionType: "a", binding: { action_type: "a", payload: {} } }, "are both given"],
    [{ agentCtx, actionType: "" }, "`actionType` is no non-empty string"],
    [{ agentCtx, signal: AbortSignal.abort() }, "`signal` is not a function"],
    [null, "the options are not an object"],
  ])("is refused when wrapping with options that cannot be understood: %j", (options, message) => {
    const given = options === null ? null : { name: "refund", ...options };
    expect(() => guardTool(refund, given as never)).toThrow(message);
  });

  it("cannot be made of what is no function", () => {
    expect(() => guardTool({} as never, { name: "x", agentCtx })).toThrow("not a function");
  });
});

describe("wrapping twice", () => {
  it("is wrapping once where both would ask the same question", () => {
    const options = { name: "refund", agentCtx, authorizer: fakeAuthorizer(), actionType: "pay" };
    const once = guardTool(refund, options);
    expect(guardTool(once, { ...options, agentCtx: { ...agentCtx } })).toBe(once);
  });

  it.each([
    ["agent", { agentCtx: { env: "production" } }],
    ["name", { name: "other" }],
    ["action type", { actionType: "other" }],
    ["binding", { binding: { action_type: "pay", payload: {} } }],
    ["time to wait for an answer", { timeoutMs: 29_999 }],
    ["trace", { traceId: "run-1" }],
  ])("asks twice where the %s differs", async (_, other) => {
    const authorizer = fakeAuthorizer();
    const options = { name: "refund", agentCtx, authorizer };
    await guardTool(guardTool(refund, options), { ...options, ...other })({ id: "a", cents: 1 });
    expect(authorizer.requests).toHaveLength(2);
  });

  it("asks both authorizers where they differ, and the strictest answer wins", async () => {
    const [lax, strict] = [fakeAuthorizer(), fakeAuthorizer("DENY")];
    const options = { name: "refund", agentCtx };
    const inner = guardTool(guardTool(refund, { ...options, authorizer: strict }), { ...options, authorizer: lax });
    const outer = guardTool(guardTool(refund, { ...options, authorizer: lax }), { ...options, authorizer: strict });
    await expect(inner({ id: "a", cents: 1 })).rejects.toThrow(ActionDeniedError);
    await expect(outer({ id: "a", cents: 1 })).rejects.toThrow(ActionDeniedError);
  });

  it("is not fooled by the mark of another function", async () => {
    const options = { name: "refund", agentCtx, authorizer: fakeAuthorizer("DENY") };
    const guarded = guardTool(refund, options);
    const bare = refund.bind(null);
    Object.defineProperties(bare, Object.getOwnPropertyDescriptors(guarded));
    const proxied = new Proxy(guarded, { apply: () => "ran" });
    expect([isGuarded(guarded), isGuarded(bare), isGuarded(proxied), isGuarded({})]).toEqual([true, false, false, false]);
    await expect(guardTool(bare, options)({ id: "a", cents: 1 })).rejects.toThrow(ActionDeniedError);
    await expect(guardTool(proxied, options)({ id: "a", cents: 1 })).rejects.toThrow(ActionDeniedError);
  });

  it("is not fooled by a mark that Canopy did not make", async () => {
    const options = { name: "refund", agentCtx, authorizer: fakeAuthorizer("DENY") };
    const [key] = Object.getOwnPropertySymbols(guardTool(refund, options));
    const guard = Object.getOwnPropertyDescriptor(guardTool(refund, options), key ?? "")?.value as { guard: object };
    const forged = refund.bind(null);
    Object.defineProperty(forged, key ?? "", { value: { self: forged, guard: { ...guard.guard } } });
    await expect(guardTool(forged, options)({ id: "a", cents: 1 })).rejects.toThrow(ActionDeniedError);
  });

  it("leaves no trace in what enumerates or copies a function's properties", () => {
    const guarded = guardTool(refund, { name: "refund", agentCtx, authorizer: fakeAuthorizer() });
    expect(Object.keys(guarded)).toEqual([]);
    expect(isGuarded(Object.assign(() => {}, guarded))).toBe(false);
  });
});
