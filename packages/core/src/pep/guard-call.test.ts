import { getEventListeners } from "node:events";

import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";

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
    expect(() => settle(ended)).toThrow("denied, the tool did not run: the fake says DENY (do not retry this call)");
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

  it("runs on exactly what was judged, for any JSON, and that is what was asked for", async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ stringUnit: "grapheme" }), async (value) => {
        const text = JSON.stringify(value);
        const given: unknown = JSON.parse(text);
        const authorizer = fakeAuthorizer(() => {
          if (typeof given === "object" && given !== null) for (const key of Object.keys(given)) Reflect.set(given, key, "changed");
          return "ALLOW";
        });
        const { ran } = await run(guardOf(authorizer), callOf(given));
        expect(JSON.stringify(ran[0])).toBe(JSON.stringify(authorizer.requests[0]?.tool?.args));
        expect(JSON.stringify(ran[0])).toBe(text);
      }),
    );
  });

  it("shows the authorizer frozen arguments, and gives the tool its own copy to work on", async () => {
    const authorizer = fakeAuthorizer();
    const ended = await guardCall(guardOf(authorizer), callOf({ list: [1] }), (args) => {
      (args as { list: number[] }).list.push(2);
      return args;
    });
    expect(settle(ended)).toEqual({ list: [1, 2] });
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
    await vi.waitFor(() => expect(authorizer.outcomes).toMatchObject([{ authorizationId: "late", status: "not_run", outputHash: null }]));
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

  it("denies where it is given no authorizer and the default runtime cannot be opened", async () => {
    vi.stubEnv("CANOPY_AUDIT_LOG_PATH", "");
    const ran: unknown[] = [];
    const ended = await guardCall(prepareGuard("pay", { agentCtx }), callOf({}), () => ran.push(1));
    vi.unstubAllEnvs();
    expect(reasonOf(ended)).toContain("`CANOPY_AUDIT_LOG_PATH` is set and empty");
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

  it("leaves nothing on a signal that outlives it: one signal may see thousands of calls", async () => {
    const { signal } = new AbortController();
    for (const decision of ["ALLOW", "DENY"] as const) await run(guardOf(fakeAuthorizer(decision)), callOf({}, { signal }));
    expect(getEventListeners(signal, "abort")).toEqual([]);
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
    await vi.waitFor(() => expect(authorizer.outcomes).toMatchObject([{ status: "not_run" }]));
  });

  it("does not run, at whatever moment it is aborted", async () => {
    for (let moment = 0; moment < 60; moment += 1) {
      const controller = new AbortController();
      const { signal } = controller;
      const authorizer = fakeAuthorizer(() => {
        let left = moment;
        const tick = (): void => ((left -= 1) < 0 ? controller.abort("stop") : queueMicrotask(tick));
        tick();
        return "ALLOW";
      });
      const seen: boolean[] = [];
      const work = (): void => void seen.push(signal.aborted);
      const stream = guardStream(guardOf(authorizer), callOf({}, { signal }), async function* () {
        yield work();
      });
      await guardCall(guardOf(authorizer), callOf({}, { signal }), work);
      await stream.next().catch(() => "aborted");
      await stream.return(undefined);
      expect(seen).not.toContain(true);
      await vi.waitFor(() => expect(authorizer.outcomes).toHaveLength(authorizer.requests.length), { interval: 1 });
    }
  });

  it("ends at once, without waiting for an authorizer that hangs", async () => {
    const controller = new AbortController();
    const ending = run(guardOf(fakeAuthorizer(() => new Promise(() => {}))), callOf({}, { signal: controller.signal }));
    controller.abort("stop");
    expect((await ending).ended).toEqual({ kind: "aborted", reason: "stop" });
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
