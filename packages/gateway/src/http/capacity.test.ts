import { expect, it } from "vitest";

import { Capacity } from "./capacity.ts";
import { Refusal } from "./refusal.ts";

it("refuses at once what is too much, and takes on again what is free", async () => {
  const capacity = new Capacity({ inFlight: 4, heldBytes: 10 });
  const gate = Promise.withResolvers<void>();
  const waiting = ["a", "a", "b"].map(async (caller) => await capacity.run(caller, 1, async () => await gate.promise));
  // A caller has half, and the others the rest.
  await expect(capacity.run("a", 1, async () => await Promise.resolve(1))).rejects.toMatchObject({
    status: 503,
    headers: { "retry-after": "1" },
  });
  await expect(capacity.run("c", 2, async () => await Promise.resolve(1))).rejects.toBeInstanceOf(Refusal);
  expect(await capacity.run("c", 1, async () => await Promise.resolve(7))).toBe(7);
  gate.resolve();
  await Promise.all(waiting);
  expect(capacity.inFlight).toBe(0);
  expect(await capacity.run("a", 2, async () => await Promise.resolve(8))).toBe(8);
});

it("gives places back where the work fails", async () => {
  const capacity = new Capacity({ inFlight: 2, heldBytes: 10 });
  await expect(capacity.run("a", 1, async () => await Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(capacity.inFlight).toBe(0);
});

it("holds no more bytes than it may", () => {
  const capacity = new Capacity({ inFlight: 2, heldBytes: 10 });
  capacity.holdBytes("a", 5);
  expect(() => capacity.holdBytes("a", 1)).toThrow("too many bytes of this caller");
  capacity.holdBytes("b", 5);
  expect(() => capacity.holdBytes("c", 1)).toThrow("too many bytes are waiting");
  capacity.releaseBytes("a", 5);
  capacity.holdBytes("c", 1);
  expect(capacity.bytes).toBe(6);
});

it("keeps a place for what goes on after its answer was given up", async () => {
  const capacity = new Capacity({ inFlight: 2, heldBytes: 10 });
  const { promise, resolve } = Promise.withResolvers<void>();
  await expect(
    capacity.run("a", 1, async (hold) => {
      hold(promise);
      return await Promise.reject(new Error("too late"));
    }),
  ).rejects.toThrow("too late");
  expect(capacity.inFlight).toBe(1);
  resolve();
  await new Promise((done) => setImmediate(done));
  expect(capacity.inFlight).toBe(0);
});
