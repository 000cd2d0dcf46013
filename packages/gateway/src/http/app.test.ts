import { describe, expect, it, onTestFinished } from "vitest";

import { exchange } from "../gateway.test.fixture.ts";
import { createLog } from "../operation/log.ts";
import { createMetrics } from "../operation/metrics.ts";
import { createApp } from "./app.ts";
import { route } from "./call.ts";
import type { AnyRoute } from "./call.ts";
import { Capacity } from "./capacity.ts";
import { listen } from "./listen.ts";
import { Refusal } from "./refusal.ts";

/** A server with one route, at `/it`, that needs no key. */
async function serving(handle: AnyRoute["handle"]): Promise<number> {
  const only = route({
    method: "GET",
    path: "/it",
    access: "open",
    summary: "it",
    answer: { description: "it", type: "text/plain" },
    handle,
  });
  const app = createApp({
    routes: [only],
    hosts: new Set(["127.0.0.1"]),
    authentication: { keys: null, jwt: null, loopback: null },
    limits: { bodyBytes: 10, bodyMs: 1000 },
    capacity: new Capacity({ inFlight: 1, heldBytes: 10 }),
    metrics: createMetrics(() => ({
      inFlight: 0,
      heldBytes: 0,
      ready: true,
      policyStale: false,
      logWritable: true,
      appended: 0,
      appendFailures: 0,
    })),
    log: createLog({ level: "silent" }),
    isStopping: () => false,
  });
  const limits = { headersMs: 1000, requestMs: 1000, idleMs: 1000, connections: 10 };
  const listening = await listen(app, { host: "127.0.0.1", port: 0, ...limits });
  onTestFinished(async () => await listening.close(0));
  return listening.address.port;
}

describe("a route", () => {
  it("with a defect is a 500 that says nothing of it", async () => {
    const port = await serving(() => {
      throw new TypeError("secret of the inside");
    });
    const { status, body } = await exchange(port, "GET", "/it", undefined, {});
    expect([status, body]).toEqual([500, '{"error":{"code":"internal","message":"internal error"}}']);
  });

  it("that ends in an error has lost the answers that it had made", async () => {
    const lost: string[] = [];
    const port = await serving(({ gone }) => {
      gone(() => lost.push("before"));
      setImmediate(() => gone(() => lost.push("after")));
      throw new Refusal(503, "unavailable", "later");
    });
    expect((await exchange(port, "GET", "/it", undefined, {})).status).toBe(503);
    expect(lost).toEqual(["before", "after"]);
  });

  it("whose answer was given has lost nothing", async () => {
    const lost: string[] = [];
    const port = await serving(({ gone }) => {
      gone(() => lost.push("it"));
      return { text: "it", type: "text/plain" };
    });
    expect((await exchange(port, "GET", "/it", undefined, {})).body).toBe("it");
    expect(lost).toEqual([]);
  });

  it("that ends the connection gives no whole answer", async () => {
    const port = await serving(({ cut }) => {
      const text = new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(new TextEncoder().encode("half"));
          setImmediate(cut);
        },
      });
      return { text, type: "text/plain" };
    });
    await expect(exchange(port, "GET", "/it", undefined, {})).rejects.toThrow(/aborted|hang up|terminated|ECONNRESET/);
  });
});
