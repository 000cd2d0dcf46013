import { createHash } from "node:crypto";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import type { Authorizer, AuthorizationResult } from "../runtime/authorizer.ts";
import { answer, fakeAuthorizer } from "./authorizer.test.fake.ts";
import { ActionDeniedError, ApprovalRequiredError } from "./denial.ts";
import { authorizeCall, guardCall, guardStream, settle } from "./guard-call.ts";
import type { Call, GuardedCall } from "./guard-call.ts";
import { prepareGuard } from "./guard.ts";
import type { Guard, GuardOptions } from "./guard.ts";

const agentCtx = { agent_id: "a", env: "production" };

function guardOf(authorizer: Authorizer, options: Partial<GuardOptions<never>> & { bindings?: unknown } = {}): Guard {
  const { bindings, ...rest } = options;
  return prepareGuard("pay", { agentCtx, authorizer, ...rest }, bindings === undefined ? {} : { bindings });
}

function callOf(args: unknown, more: Partial<Call> = {}): Call {
  return { args, host: undefined, ...more };
}

/** Runs a guarded call whose work is to say what it was given. */
async function run(guard: Guard, call: Call): Promise<{ ended: GuardedCall<unknown>; ran: unknown[] }> {
  const ran: unknown[] = [];
  const ended = await guardCall(guard, call, (args) => {
    ran.push(args);
    return { ok: true };
  });
  return { ended, ran };
}

function reasonOf(ended: GuardedCall<unknown>): string {
  return ended.kind === "refused" ? `${ended.decision.decision}: ${ended.decision.reason}` : ended.kind;
}

describe("a guarded call", () => {
  it("is asked about with its agent, actions and full arguments, and runs once where it is allowed", async () => {
    const authorizer = fakeAuthorizer();
    const { ended, ran } = await run(guardOf(authorizer), callOf({ amount: 1 }, { callId: "call-1" }));
    expect(authorizer.requests).toEqual([
      { agentCtx, actions: [{ actionType: "pay", payload: { amount: 1 } }], tool: { name: "pay", args: { amount: 1 }, callId: "call-1" } },
    ]);
    expect(ran).toEqual([{ amount: 1 }]);
    expect(ended).toMatchObject({ kind: "done", output: { ok: true }, decision: { decision: "ALLOW" } });
  });

  it("does not run where it is denied, and says why", async () => {
    const { ended, ran } = await run(guardOf(fakeAuthorizer("DENY")), callOf({}));
    expect(ran).toEqual([]);
    expect(() => settle(ended)).toThrow(ActionDeniedError);
    expect(() => settle(ended)).toThrow(
      "denied by policy, the tool did not run: the fake says DENY (do not retry: the answer will be the same)",
    );
  });

  it("does not run where it needs a person, and names the approval", async () => {
    const { ended, ran } = await run(guardOf(fakeAuthorizer("REQUIRE_APPROVAL")), callOf({}));
    expect(ran).toEqual([]);
    expect(() => settle(ended)).toThrow(ApprovalRequiredError);
    expect(() => settle(ended)).toThrow(/approval id `approval-1`/);
  });

  it("runs on what was judged, whatever its caller changes meanwhile", async () => {
    const args = { amount: 1, to: { name: "ann" } };
    const authorizer = fakeAuthorizer(() => {
      args.amount = 999;
      args.to.name = "eve";
      return "ALLOW";
    });
    const { ran } = await run(guardOf(authorizer), callOf(args));
    expect(ran).toEqual([{ amount: 1, to: { name: "ann" } }]);
    expect(authorizer.requests[0]?.actions[0].payload).toEqual({ amount: 1, to: { name: "ann" } });
  });

  it("shows the authorizer frozen arguments, and gives the tool its own copy to work on", async () => {
    const authorizer = fakeAuthorizer();
    await guardCall(guardOf(authorizer), callOf({ list: [1] }), (args) => {
      (args as { list: number[] }).list.push(2);
    });
    const shown = authorizer.requests[0]?.tool?.args as { list: number[] } | undefined;
    expect(shown).toEqual({ list: [1] });
    expect(() => shown?.list.push(3)).toThrow(TypeError);
  });

  it("keeps a key named `__proto__` data, for the judge and for the tool", async () => {
    const args: unknown = JSON.parse('{"__proto__": {"admin": true}}');
    const { ran } = await run(guardOf(fakeAuthorizer()), callOf(args));
    expect(Object.hasOwn(ran[0] as object, "__proto__")).toBe(true);
    expect((ran[0] as { admin?: boolean }).admin).toBeUndefined();
  });

  it("cuts the framework's call id, which the model may have made up", async () => {
    const authorizer = fakeAuthorizer();
    await run(guardOf(authorizer), callOf({}, { callId: "x".repeat(10_000) }));
    expect(authorizer.requests[0]?.tool?.callId).toHaveLength(256);
  });

  it("asks anew for each call, also under a call id that was allowed before", async () => {
    let asked = 0;
    const guard = guardOf(fakeAuthorizer(() => ((asked += 1) === 1 ? "ALLOW" : "DENY")));
    expect((await run(guard, callOf({}, { callId: "1" }))).ran).toHaveLength(1);
    expect((await run(guard, callOf({}, { callId: "1" }))).ran).toHaveLength(0);
  });

  it("tells its agent by a function of what the host says about the call", async () => {
    const authorizer = fakeAuthorizer();
    const guard = guardOf(authorizer, { agentCtx: (async (host: { user: string }) => ({ agent_id: host.user })) as never });
    await run(guard, callOf({ user: "eve" }, { host: { user: "ann" } }));
    expect(authorizer.requests[0]?.agentCtx).toEqual({ agent_id: "ann" });
  });

  it("takes the agent context when wrapping, so that nothing in the process changes it later", async () => {
    const authorizer = fakeAuthorizer();
    const context = { env: "production" };
    const guard = guardOf(authorizer, { agentCtx: context });
    context.env = "dev";
    await run(guard, callOf({}));
    expect(authorizer.requests[0]?.agentCtx).toEqual({ env: "production" });
  });

  it("is judged by the policy's bindings of its tool too", async () => {
    const authorizer = fakeAuthorizer("ALLOW", {
      toolBindings: async () => ({ pay: [{ actionType: "call_external_api", payload: { url: "args.url" }, ignore: [] }] }),
    });
    await run(
      guardOf(authorizer, { bindings: { action_type: "transfer", payload: { to: "args.url" } } }),
      callOf({ url: "https://a.example" }),
    );
    expect(authorizer.requests[0]?.actions.map((action) => action.actionType)).toEqual(["transfer", "call_external_api"]);
  });
});

describe("fail closed", () => {
  const broken: Record<string, [string, Partial<Authorizer>]> = {
    "throws at once": [
      "the authorizer failed",
      {
        authorize: () => {
          throw new Error("boom");
        },
      },
    ],
    rejects: [
      "the authorizer failed",
      {
        authorize: async () => {
          throw new Error("boom");
        },
      },
    ],
    "answers nothing": ["cannot be understood", { authorize: async () => undefined as never }],
    "answers true": ["cannot be understood", { authorize: async () => true as never }],
    "answers with an unknown decision": [
      "cannot be understood",
      { authorize: async () => ({ ...answer("ALLOW"), decision: "allow" }) as never },
    ],
    "allows without a reason": ["cannot be understood", { authorize: async () => ({ decision: "ALLOW" }) as never }],
    "allows without a record": ["cannot be understood", { authorize: async () => ({ ...answer("ALLOW"), authorizationId: null }) }],
    "asks for an approval without an id": [
      "cannot be understood",
      { authorize: async () => ({ ...answer("DENY"), decision: "REQUIRE_APPROVAL" }) as never },
    ],
    "answers with a property that throws": [
      "the authorizer failed",
      {
        authorize: async () =>
          Object.defineProperty({}, "decision", {
            enumerable: true,
            get: () => {
              throw new Error("no");
            },
          }) as never,
      },
    ],
    "cannot tell its bindings": [
      "the policy's bindings could not be read",
      {
        toolBindings: async () => {
          throw new Error("boom");
        },
      },
    ],
    "has bindings that are no list": ["the policy's bindings could not be read", { toolBindings: async () => ({ pay: {} }) as never }],
    "has bindings that cannot be followed": [
      "the policy's bindings could not be read",
      { toolBindings: async () => ({ pay: [{ actionType: "x", payload: { a: "b" }, ignore: [] }] }) },
    ],
    "has bindings that are no bindings": [
      "the policy's bindings could not be read",
      { toolBindings: async () => ({ pay: [null] }) as never },
    ],
  };

  it.each(Object.entries(broken))("denies where the authorizer %s", async (_, [reason, more]) => {
    const { ended, ran } = await run(guardOf(fakeAuthorizer("ALLOW", more)), callOf({}));
    expect(ran).toEqual([]);
    expect(reasonOf(ended)).toContain("DENY: ");
    expect(reasonOf(ended)).toContain(reason);
    expect(reasonOf(ended)).not.toContain("boom");
  });

  it("reads an answer once, so that it cannot be one thing when checked and another when used", async () => {
    let reads = 0;
    const shifty = Object.defineProperty({ ...answer("DENY") }, "decision", {
      enumerable: true,
      get: () => ((reads += 1) === 1 ? "DENY" : "ALLOW"),
    });
    const { ran } = await run(guardOf(fakeAuthorizer("ALLOW", { authorize: async () => shifty })), callOf({}));
    expect(ran).toEqual([]);
  });

  it("denies where the authorizer hangs, and puts on record that a late ALLOW was not used", async () => {
    const late = Promise.withResolvers<AuthorizationResult>();
    const authorizer = fakeAuthorizer("ALLOW", { authorize: () => late.promise });
    const { ended, ran } = await run(guardOf(authorizer, { timeoutMs: 20 }), callOf({}));
    expect(reasonOf(ended)).toBe("DENY: no answer from the authorizer within 20 ms");
    late.resolve(answer("ALLOW", "late"));
    await vi.waitFor(() => expect(authorizer.outcomes).toMatchObject([{ authorizationId: "late", status: "error", outputHash: null }]));
    expect(ran).toEqual([]);
  });

  it("never asks about a call that was given up while its agent was looked up", async () => {
    const context = Promise.withResolvers<object>();
    const authorizer = fakeAuthorizer();
    const { ended } = await run(guardOf(authorizer, { timeoutMs: 20, agentCtx: (() => context.promise) as never }), callOf({}));
    context.resolve({});
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
    expect(reasonOf(ended)).toContain("DENY");
    expect(authorizer.requests).toEqual([]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("secret");
      },
    ],
    ["answers nothing", () => undefined],
    ["answers a list", () => []],
    ["answers what is not JSON", () => ({ user: new Map() })],
  ])("denies, on record, where the function for the agent context %s", async (_, agent) => {
    const authorizer = fakeAuthorizer();
    const { ended, ran } = await run(guardOf(authorizer, { agentCtx: agent as never }), callOf({}));
    expect(ran).toEqual([]);
    expect(reasonOf(ended)).toContain("DENY: the agent context could not be read");
    expect(reasonOf(ended)).not.toContain("secret");
    expect(authorizer.requests).toMatchObject([{ agentCtx: {}, refused: expect.stringContaining("agent context") as string }]);
  });

  it("denies arguments that are not JSON, on record, even where the authorizer would allow them", async () => {
    const authorizer = fakeAuthorizer();
    const { ended, ran } = await run(guardOf(authorizer), callOf({ amount: () => 1 }));
    expect(ran).toEqual([]);
    expect(reasonOf(ended)).toBe("DENY: the arguments cannot be judged (not JSON at `amount`: a function)");
    expect(ended).toMatchObject({ decision: { authorizationId: "entry-1", decision: "DENY" } });
    expect(authorizer.requests).toMatchObject([{ refused: expect.any(String) as string }]);
  });

  it("denies where there is no runtime", async () => {
    const ran: unknown[] = [];
    const ended = await guardCall(prepareGuard("pay", { agentCtx }), callOf({}), () => ran.push(1));
    expect(ended.kind).toBe("refused");
    expect(ran).toEqual([]);
  });
});

describe("an aborted call", () => {
  it("is not asked about where it was aborted before", async () => {
    const authorizer = fakeAuthorizer();
    const { ended, ran } = await run(guardOf(authorizer), callOf({}, { signal: AbortSignal.abort("stop") }));
    expect(ended).toEqual({ kind: "aborted", reason: "stop" });
    expect([ran, authorizer.requests]).toEqual([[], []]);
  });

  it("does not run where it is aborted while the answer is awaited, which is put on record", async () => {
    const controller = new AbortController();
    const authorizer = fakeAuthorizer(() => {
      controller.abort("stop");
      return "ALLOW";
    });
    const { ended, ran } = await run(guardOf(authorizer), callOf({}, { signal: controller.signal }));
    expect(ended).toEqual({ kind: "aborted", reason: "stop" });
    expect(ran).toEqual([]);
    await vi.waitFor(() => expect(authorizer.outcomes).toMatchObject([{ status: "error" }]));
  });

  it("ends at once, without waiting for an authorizer that hangs", async () => {
    const controller = new AbortController();
    const ending = run(guardOf(fakeAuthorizer(() => new Promise(() => {}))), callOf({}, { signal: controller.signal }));
    controller.abort("stop");
    expect((await ending).ended).toEqual({ kind: "aborted", reason: "stop" });
  });
});

describe("an outcome", () => {
  it("is on record, with the hash of the output's canonical JSON, before the result is handed on", async () => {
    const authorizer = fakeAuthorizer();
    await guardCall(guardOf(authorizer), callOf({}), () => ({ b: 1, a: [true] }));
    expect(authorizer.outcomes).toEqual([
      {
        authorizationId: "entry-1",
        traceId: "trace",
        status: "success",
        outputHash: createHash("sha256").update('{"a":[true],"b":1}').digest("hex"),
        durationMs: expect.any(Number) as number,
      },
    ]);
  });

  it("is an error where the tool throws, and the tool's error is handed on as it is", async () => {
    const authorizer = fakeAuthorizer();
    const error = new Error("disk full");
    const ended = await guardCall(guardOf(authorizer), callOf({}), () => {
      throw error;
    });
    expect(ended).toMatchObject({ kind: "failed", error });
    expect(authorizer.outcomes).toMatchObject([{ status: "error", outputHash: null }]);
  });

  it.each([[undefined], [() => 1], [new Map()], [Number.NaN]])("has no hash where the output is not JSON: %o", async (output) => {
    const authorizer = fakeAuthorizer();
    await guardCall(guardOf(authorizer), callOf({}), () => output);
    expect(authorizer.outcomes).toMatchObject([{ status: "success", outputHash: null }]);
  });

  it("is recorded for nothing that did not run", async () => {
    const authorizer = fakeAuthorizer("DENY");
    await run(guardOf(authorizer), callOf({}));
    expect(authorizer.outcomes).toEqual([]);
  });

  it.each([
    ["rejects", () => Promise.reject(new Error("disk full"))],
    [
      "throws",
      () => {
        throw new Error("disk full");
      },
    ],
    ["hangs", () => new Promise<void>(() => {})],
  ])("that cannot be recorded because the authorizer %s does not lose the result, and warns once", async (_, recordOutcome) => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    const guard = guardOf(fakeAuthorizer("ALLOW", { recordOutcome }), { timeoutMs: 20 });
    const results = [await run(guard, callOf({})), await run(guard, callOf({}))];
    expect(results.map(({ ended }) => ended)).toMatchObject([{ output: { ok: true } }, { output: { ok: true } }]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining("could not be recorded"), { code: "CANOPY_OUTCOME_NOT_RECORDED" });
  });
});

describe("a ticket", () => {
  it("runs one call, once", async () => {
    const ticket = await authorizeCall(guardOf(fakeAuthorizer()), callOf({ amount: 1 }));
    if (ticket.kind !== "allowed") throw new Error("not allowed");
    expect(ticket.redeem()).toEqual({ amount: 1 });
    expect(() => ticket.redeem()).toThrow("this leave to run was used already");
  });
});

async function* count(args: unknown): AsyncGenerator<number, string, string | undefined> {
  const { to } = args as { to: number };
  for (let at = 1; at <= to; at += 1) {
    const said = yield at;
    if (said !== undefined) return said;
  }
  return "end";
}

describe("a guarded stream", () => {
  it("yields what the tool yields once it is allowed, and records the last of it", async () => {
    const authorizer = fakeAuthorizer();
    const seen: number[] = [];
    for await (const value of guardStream(guardOf(authorizer), callOf({ to: 3 }), count)) seen.push(value);
    expect(seen).toEqual([1, 2, 3]);
    expect(authorizer.outcomes).toMatchObject([{ status: "success", outputHash: createHash("sha256").update("3").digest("hex") }]);
  });

  it("does not start the tool where it is denied", async () => {
    const started: unknown[] = [];
    const stream = guardStream(guardOf(fakeAuthorizer("DENY")), callOf({ to: 3 }), async function* (args) {
      started.push(args);
      yield 1;
    });
    await expect(stream.next()).rejects.toThrow(ActionDeniedError);
    expect(started).toEqual([]);
  });

  it("passes on what is sent in, and the value that is returned", async () => {
    const stream = guardStream(guardOf(fakeAuthorizer()), callOf({ to: 3 }), count);
    expect(await stream.next()).toEqual({ done: false, value: 1 });
    expect(await stream.next("stop")).toEqual({ done: true, value: "stop" });
  });

  it("ends the tool, and says so, where the consumer stops early", async () => {
    const authorizer = fakeAuthorizer();
    let closed = false;
    const work = async function* (): AsyncGenerator<number, void, unknown> {
      try {
        yield 1;
        yield 2;
      } finally {
        closed = true;
      }
    };
    for await (const _ of guardStream(guardOf(authorizer), callOf({}), work)) break;
    expect(closed).toBe(true);
    expect(authorizer.outcomes).toMatchObject([{ status: "error", outputHash: null }]);
  });

  it("records an error that the tool throws midway", async () => {
    const authorizer = fakeAuthorizer();
    const stream = guardStream(guardOf(authorizer), callOf({}), async function* () {
      yield 1;
      throw new Error("disk full");
    });
    await stream.next();
    await expect(stream.next()).rejects.toThrow("disk full");
    expect(authorizer.outcomes).toMatchObject([{ status: "error" }]);
  });
});

describe("options", () => {
  it.each([
    [{}, "`agentCtx` is missing"],
    [{ agentCtx: null }, "`agentCtx` is no plain object of JSON"],
    [{ agentCtx: [] }, "`agentCtx` is no plain object of JSON"],
    [{ agentCtx: { at: new Date() } }, "not JSON at `at`"],
    [{ agentCtx, authorizer: null }, "`authorizer` has no `authorize`"],
    [{ agentCtx, authorizer: { authorize: () => {} } }, "`authorizer` has no `authorize` and `recordOutcome`"],
    [{ agentCtx, timeoutMs: 0 }, "`timeoutMs` is not"],
    [{ agentCtx, timeoutMs: Number.NaN }, "`timeoutMs` is not"],
    [{ agentCtx, timeoutMs: 2 ** 31 }, "`timeoutMs` is not"],
    [{ agentCtx, timeoutMs: "1" }, "`timeoutMs` is not"],
  ])("are refused when wrapping: %j", (options, message) => {
    expect(() => prepareGuard("pay", options as never)).toThrow(message);
  });

  it("are refused without a name", () => {
    expect(() => prepareGuard("", { agentCtx })).toThrow("needs a name");
  });
});
