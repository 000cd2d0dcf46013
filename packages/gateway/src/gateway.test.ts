import { openAuditLog } from "@canopy-runtime/core";
import { expect, it, onTestFinished, vi } from "vitest";

import { shell, testGateway } from "./gateway.test.fixture.ts";

it("that is stopped before an answer could be given puts on record that nothing ran", async () => {
  const { gateway, post, get, log, admin, entries } = await testGateway({ limits: { closeMs: 1 } });
  const other = await openAuditLog({ path: log });
  onTestFinished(async () => await other.close());
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: held, resolve: hold } = Promise.withResolvers<void>();
  const holding = other.exclusive(async () => {
    hold();
    await released;
  });
  await held;
  const lost = post("/authorize_action", shell("ls")).catch(() => "lost");
  await vi.waitFor(async () => expect((await get("/metrics", { key: admin })).body).toContain("canopy_decisions_waiting 1"), {
    timeout: 20_000,
  });
  const closing = gateway.close();
  expect(await lost).toBe("lost");
  release();
  await holding;
  await closing;
  const [decision] = await entries("decision");
  expect(decision).toMatchObject({ decision: "ALLOW" });
  expect(await entries("outcome")).toMatchObject([{ status: "not_run", via: "gateway", trace_id: decision?.["trace_id"] }]);
});
