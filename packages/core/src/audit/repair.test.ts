import { appendFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { expect, test } from "vitest";

import { altered, decision, open, readEntries, temporaryLogPath, writtenLog } from "./audit.test.fixture.ts";
import { createAuditKey } from "./audit-key.ts";
import { openAuditLog } from "./audit-log.ts";
import { planAuditRepair, repairAuditLog } from "./repair.ts";
import { verifyAuditLog } from "./verify.ts";

const noon = (): Date => new Date("2026-01-02T03:04:05.678Z");

test("a log in order needs nothing, and planning changes nothing", async () => {
  const path = await writtenLog(2);
  const before = await readFile(path);
  const plan = await planAuditRepair({ path });
  expect(plan.kind).toBe("nothing");
  await repairAuditLog({ path }, plan);
  expect(await readFile(path)).toEqual(before);
});

test("what a crash leaves is set right as the next writer would", async () => {
  const path = await writtenLog(2);
  await appendFile(path, '{"v":1,"seq":3,"ts":"20');
  const torn = await planAuditRepair({ path });
  expect(torn).toMatchObject({ kind: "open", verdict: { kind: "torn_tail", bytes: 23 } });
  expect((await verifyAuditLog(path)).kind).toBe("torn_tail");
  await repairAuditLog({ path }, torn);
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", entries: 4 });
  await rm(`${path}.head`);
  const headless = await planAuditRepair({ path });
  expect(headless).toMatchObject({ kind: "open", verdict: { kind: "valid", head: "missing" } });
  await repairAuditLog({ path }, headless);
  expect((await readEntries(path)).slice(-2)).toMatchObject([
    { type: "recovery", what: "torn_tail" },
    { type: "recovery", what: "head_missing" },
  ]);
});

test("what is evidence is set aside as it is, and the new log names it", async () => {
  const path = await writtenLog(4);
  const name = basename(path);
  await altered(path, (bytes) => Buffer.from(bytes.toString().replace('"t2"', '"tX"')));
  const files = (await readdir(dirname(path))).filter((each) => each !== `${name}.lock`);
  const evidence = await Promise.all(files.map(async (file) => await readFile(join(dirname(path), file))));
  const plan = await planAuditRepair({ path, now: noon });
  expect(plan).toMatchObject({ kind: "set_aside", verdict: { kind: "tampered", line: 4 }, folder: `${path}.broken-20260102030405678` });
  // What was planned for is not what is there any more.
  await altered(path, (bytes) => Buffer.from(bytes.toString().replace('"t1"', '"tX"')));
  await expect(repairAuditLog({ path }, plan)).rejects.toThrow("has changed since it was looked at");
  await writeFile(path, evidence[files.indexOf(name)] ?? "");
  await repairAuditLog({ path, now: noon }, plan);
  const folder = `${path}.broken-20260102030405678`;
  expect(await Promise.all(files.map(async (file) => await readFile(join(folder, file))))).toEqual(evidence);
  expect(await readEntries(path)).toMatchObject([
    {
      type: "log.opened",
      follows: {
        kept_as: basename(folder),
        verdict: "tampered",
        sound_entries: 3,
        origin: expect.stringMatching(/^canopy-audit\//) as string,
      },
    },
  ]);
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", head: "matches" });
});

test("a log that was cut below its checkpoint is set aside with all that belongs to it, and its key goes on", async () => {
  const path = await temporaryLogPath();
  const keyPath = join(dirname(path), "key");
  const publicKey = createAuditKey(keyPath);
  const log = await openAuditLog({ path, keyPath, segmentBytes: 4096 });
  for (let count = 0; count < 20; count += 1) await log.append(decision());
  await log.close();
  await writeFile(path, "");
  await expect(openAuditLog({ path, keyPath })).rejects.toMatchObject({ code: "AUDIT_LOG_BROKEN" });
  const plan = await planAuditRepair({ path, keyPath });
  expect(plan).toMatchObject({ kind: "set_aside", verdict: { kind: "truncated" } });
  await repairAuditLog({ path, keyPath }, plan);
  expect((await readdir(dirname(path))).filter((name) => /\.\d{12}$/.test(name))).toEqual([]);
  await (await open(path, undefined, { keyPath })).append(decision());
  expect(await verifyAuditLog(path, { publicKeys: [publicKey] })).toMatchObject({ kind: "valid", entries: 2 });
});

test("a log that cannot be read is not judged, and a folder in the way is not overwritten", async () => {
  const path = await temporaryLogPath();
  await expect(planAuditRepair({ path })).rejects.toMatchObject({ code: "AUDIT_LOG_UNAVAILABLE" });
  const broken = await writtenLog(2);
  await altered(broken, (bytes) => bytes.subarray(10));
  const plan = await planAuditRepair({ path: broken, now: noon });
  await mkdir(`${broken}.broken-20260102030405678`);
  await expect(repairAuditLog({ path: broken, now: noon }, plan)).rejects.toMatchObject({ code: "AUDIT_LOG_UNAVAILABLE" });
  expect(await planAuditRepair({ path: broken, now: noon })).toEqual(plan);
});
