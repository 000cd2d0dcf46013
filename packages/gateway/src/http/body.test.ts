import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";

import { readJsonBody } from "./body.ts";
import { Capacity } from "./capacity.ts";

/** A request whose body the test writes. */
function arriving(headers: Readonly<Record<string, string>> = {}): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { headers: { "content-type": "application/json", ...headers } }) as never;
}

const limits = { bodyBytes: 100, bodyMs: 60_000 };

describe("the bytes of a body", () => {
  it("are held while it arrives, and given back once it is read", async () => {
    const capacity = new Capacity({ inFlight: 1, heldBytes: 1000 });
    const request = arriving();
    const reading = readJsonBody(request, limits, capacity, "a");
    request.write('{"a":');
    await new Promise((done) => setImmediate(done));
    expect(capacity.bytes).toBe(5);
    request.end("1}");
    expect(await reading).toEqual({ a: 1 });
    expect(capacity.bytes).toBe(0);
  });

  it.each<readonly [string, number, (request: PassThrough) => unknown]>([
    ["that is no JSON", 400, (request) => request.end("{")],
    ["that is not UTF-8", 400, (request) => request.end(Buffer.from([0x22, 0xff, 0x22]))],
    ["that is empty", 400, (request) => request.end("  ")],
    ["that is too long", 413, (request) => request.write("x".repeat(60)) && request.write("x".repeat(60))],
    ["that breaks off", 400, (request) => request.write("{", () => request.destroy())],
    ["that fails to arrive", 400, (request) => request.write("{", () => request.destroy(new Error("ECONNRESET")))],
  ])("%s are given back, too", async (_what, status, write) => {
    const capacity = new Capacity({ inFlight: 1, heldBytes: 1000 });
    const request = arriving();
    const reading = readJsonBody(request, limits, capacity, "a");
    write(request);
    await expect(reading).rejects.toMatchObject({ status });
    expect(capacity.bytes).toBe(0);
  });

  it("that nobody has room for are refused, and those that came before are given back", async () => {
    const capacity = new Capacity({ inFlight: 1, heldBytes: 100 });
    const request = arriving();
    const reading = readJsonBody(request, limits, capacity, "a");
    request.write("x".repeat(40));
    request.write("x".repeat(40));
    await expect(reading).rejects.toMatchObject({ status: 503 });
    expect(capacity.bytes).toBe(0);
  });

  it("are not waited for without end, and not taken where the sender says that there are too many", async () => {
    const capacity = new Capacity({ inFlight: 1, heldBytes: 1000 });
    await expect(readJsonBody(arriving(), { ...limits, bodyMs: 1 }, capacity, "a")).rejects.toMatchObject({ status: 408 });
    await expect(readJsonBody(arriving({ "content-length": "101" }), limits, capacity, "a")).rejects.toMatchObject({ status: 413 });
    expect(capacity.bytes).toBe(0);
  });
});
