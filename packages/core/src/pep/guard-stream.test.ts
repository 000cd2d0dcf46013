import { createHash } from "node:crypto";

import { describe, expect, it } from "vitest";

import type { Authorizer } from "../runtime/authorizer.ts";
import { fakeAuthorizer } from "./authorizer.test.fake.ts";
import { ActionDeniedError } from "./denial.ts";
import { guardStream } from "./guard-call.ts";
import type { Call } from "./guard-call.ts";
import { prepareGuard } from "./guard.ts";
import type { Guard } from "./guard.ts";

const agentCtx = { env: "production" };

function guardOf(authorizer: Authorizer): Guard {
  return prepareGuard("pay", { agentCtx, authorizer });
}

function callOf(args: unknown): Call {
  return { args, host: undefined };
}

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
