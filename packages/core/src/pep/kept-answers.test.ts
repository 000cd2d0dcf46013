import { describe, expect, it } from "vitest";

import type { AuthorizationRequest } from "../runtime/authorizer.ts";
import { answer, fakeAuthorizer } from "./authorizer.test.fake.ts";
import type { Allowed } from "./denial.ts";
import { askAhead, authorizeCall } from "./guard-call.ts";
import { prepareGuard } from "./guard.ts";
import { keepAnswer, takeAnswer } from "./kept-answers.ts";

const request: AuthorizationRequest = { agentCtx: { env: "a" }, actions: [{ actionType: "pay", payload: { amount: 1 } }] };
const allowed = answer("ALLOW") as Allowed;

describe("an answer that was asked for ahead", () => {
  it("is given out once, to the same question in the same run", () => {
    const [run, authorizer] = [{}, fakeAuthorizer()];
    keepAnswer(run, request, allowed, authorizer, 1_000);
    expect(takeAnswer({}, request, authorizer)).toBeUndefined();
    expect(takeAnswer(undefined, request, authorizer)).toBeUndefined();
    expect(takeAnswer(run, { ...request, agentCtx: { env: "b" } }, authorizer)).toBeUndefined();
    expect(takeAnswer(run, structuredClone(request), authorizer)).toBe(allowed);
    expect(takeAnswer(run, request, authorizer)).toBeUndefined();
  });

  it("is given out as often as it was asked for", () => {
    const [run, authorizer] = [{}, fakeAuthorizer()];
    for (let asked = 0; asked < 2; asked += 1) keepAnswer(run, request, allowed, authorizer, 1_000);
    expect([1, 2, 3].map(() => takeAnswer(run, request, authorizer))).toEqual([allowed, allowed, undefined]);
  });

  it("is not another authorizer's", () => {
    const run = {};
    keepAnswer(run, request, allowed, fakeAuthorizer(), 1_000);
    expect(takeAnswer(run, request, fakeAuthorizer("DENY"))).toBeUndefined();
  });

  it("is good for a moment only", () => {
    const [run, authorizer] = [{}, fakeAuthorizer()];
    keepAnswer(run, request, allowed, authorizer, -1);
    expect(takeAnswer(run, request, authorizer)).toBeUndefined();
  });

  it("is kept only where it is ALLOW, and the arguments are JSON", async () => {
    const run = {};
    const ask = async (decision: "ALLOW" | "DENY", args: unknown): Promise<number> => {
      const authorizer = fakeAuthorizer(decision);
      const guard = prepareGuard("pay", { agentCtx: {}, authorizer }, { bindings: { action_type: "pay", toPayload: () => ({}) } });
      const call = { args, host: {}, run };
      await askAhead(guard, call);
      await authorizeCall(guard, call);
      return authorizer.requests.length;
    };
    expect([await ask("ALLOW", { a: 1 }), await ask("ALLOW", { a: () => 1 }), await ask("DENY", { a: 1 })]).toEqual([1, 2, 2]);
  });
});
