import { createHash } from "node:crypto";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import type { Authorizer } from "../runtime/authorizer.ts";
import { fakeAuthorizer } from "./authorizer.test.fake.ts";
import { guardCall } from "./guard-call.ts";
import type { Call } from "./guard-call.ts";
import { prepareGuard } from "./guard.ts";
import type { Guard, GuardOptions } from "./guard.ts";

const agentCtx = { env: "production" };

function guardOf(authorizer: Authorizer, options: Partial<GuardOptions<never>> = {}): Guard {
  return prepareGuard("pay", { agentCtx, authorizer, ...options });
}

function callOf(args: unknown): Call {
  return { args, host: undefined };
}

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
    expect(authorizer.outcomes).toMatchObject([{ status: "error", outputHash: null, errorClass: "Error" }]);
  });

  it.each([
    ["TypeError", new TypeError("the secret is 1234"), "TypeError"],
    ["a name that is a message", Object.assign(new Error("x"), { name: "could not read /etc/shadow" }), undefined],
    ["a name that is too long", Object.assign(new Error("x"), { name: "E".repeat(65) }), undefined],
    ["no error at all", "a text", undefined],
    ["nothing", undefined, undefined],
    [
      "a name that throws",
      Object.defineProperty(new Error("x"), "name", {
        get: () => {
          throw new Error("no");
        },
      }),
      undefined,
    ],
  ])("names the class of what was thrown, and nothing of what it says: %s", async (_what, thrown, errorClass) => {
    const authorizer = fakeAuthorizer();
    await guardCall(guardOf(authorizer), callOf({}), () => {
      throw thrown as Error;
    });
    const [outcome] = authorizer.outcomes;
    expect(outcome).toMatchObject({ status: "error", outputHash: null });
    expect(outcome?.errorClass).toBe(errorClass);
    expect(JSON.stringify(outcome)).not.toMatch(/1234|shadow/);
  });

  it.each([[undefined], [() => 1], [new Map()], [Number.NaN]])("has no hash where the output is not JSON: %o", async (output) => {
    const authorizer = fakeAuthorizer();
    await guardCall(guardOf(authorizer), callOf({}), () => output);
    expect(authorizer.outcomes).toMatchObject([{ status: "success", outputHash: null }]);
  });

  it("is recorded for nothing that did not run", async () => {
    const authorizer = fakeAuthorizer("DENY");
    await guardCall(guardOf(authorizer), callOf({}), () => "ran");
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
    const results = [await guardCall(guard, callOf({}), () => "ran"), await guardCall(guard, callOf({}), () => "ran")];
    expect(results).toMatchObject([{ output: "ran" }, { output: "ran" }]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining("could not be recorded"), { code: "CANOPY_OUTCOME_NOT_RECORDED" });
  });
});
