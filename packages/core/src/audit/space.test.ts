import { expect, test } from "vitest";

import { openCanopy } from "../runtime/open-canopy.ts";
import { decision, machine, open, readEntries, temporaryLogPath } from "./audit.test.fixture.ts";
import { verifyAuditLog } from "./verify.ts";

test("while there is less room than the reserve nothing is recorded but that it is so, once; then recording goes on", async () => {
  const path = await temporaryLogPath();
  let free = 100 * 1024 * 1024;
  const log = await open(path, machine({ disk: { freeBytes: () => free } }));
  await log.append(decision({ trace_id: "before" }));
  free = 15 * 1024 * 1024;
  for (let count = 0; count < 3; count += 1) {
    await expect(log.append(decision({ trace_id: "refused" }))).rejects.toThrow("less than 16 MiB are free where `audit.log` is kept");
  }
  free = 17 * 1024 * 1024;
  await log.append(decision({ trace_id: "after" }));
  await log.close();
  expect((await readEntries(path)).map((entry) => entry["trace_id"] ?? entry["type"])).toEqual([
    "log.opened",
    "before",
    "log.paused",
    "log.resumed",
    "after",
  ]);
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", head: "matches" });
});

test("a batch counts before it is written, so that it does not eat the reserve", async () => {
  const path = await temporaryLogPath();
  const log = await open(path, machine({ disk: { freeBytes: () => 16 * 1024 * 1024 + 2000 } }));
  await expect(log.append(decision({ reason: "x".repeat(3000) }))).rejects.toMatchObject({ code: "AUDIT_LOG_UNAVAILABLE" });
});

test("without a reserve the device is used up", async () => {
  const path = await temporaryLogPath();
  const log = await open(path, machine({ disk: { freeBytes: () => 0 } }), { reserveBytes: 0 });
  await expect(log.append(decision())).resolves.toMatchObject({ seq: 1 });
});

test("nothing is allowed while there is no room for its record", async () => {
  const path = await temporaryLogPath();
  // More than any disk has, so that the real file system is always short of it.
  const canopy = await openCanopy({ audit: { path, reserveBytes: Number.MAX_SAFE_INTEGER } });
  expect(await canopy.authorizeAction({}, "execute_shell", { command: "ls" })).toMatchObject({
    decision: "DENY",
    reason: expect.stringContaining("held in reserve") as string,
  });
  await canopy.close();
  expect((await readEntries(path)).map(({ type }) => type)).toEqual(["log.opened", "log.paused"]);
});

test.each([
  { segmentBytes: 100 },
  { segmentBytes: 1.5 },
  { segmentMs: 10 },
  { reserveBytes: -1 },
  { checkpointEvery: 0 },
  { checkpointMs: Number.NaN },
  { checkpointMs: "1" as never },
])("a limit that makes no sense is refused: %j", async (limit) => {
  const [name = ""] = Object.keys(limit);
  await expect(open(await temporaryLogPath(), machine(), limit)).rejects.toMatchObject({
    code: "INVALID_OPTIONS",
    message: expect.stringContaining(`\`${name}\` is`) as string,
  });
});
