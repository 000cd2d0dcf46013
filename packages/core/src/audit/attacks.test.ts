import { execFileSync } from "node:child_process";
import { copyFile, mkdir, open as openFile, readFile, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { openCanopy } from "../runtime/open-canopy.ts";
import { altered, decision, linesOf, open, readEntries, temporaryDirectory, temporaryLogPath } from "./audit.test.fixture.ts";
import { createAuditKey } from "./audit-key.ts";
import { openAuditLog } from "./audit-log.ts";
import { verifyAuditLog } from "./verify.ts";

/** What somebody does to a log that a runtime has open; `backup` is the log as it was two decisions ago. */
const attacks: readonly (readonly [string, (path: string, backup: string) => Promise<void>])[] = [
  ["deletes it", async (path) => await rm(path)],
  ["deletes it and the head file", async (path) => await Promise.all([rm(path), rm(`${path}.head`)]).then(() => undefined)],
  ["empties it", async (path) => await truncate(path)],
  ["cuts its last line", async (path) => await altered(path, (bytes) => Buffer.concat(linesOf(bytes).slice(0, -1)))],
  ["cuts it in the middle of a line", async (path) => await altered(path, (bytes) => bytes.subarray(0, -40))],
  ["puts an older state of it back", async (path, backup) => await copyFile(backup, path)],
  ["puts an older state back, head file and all", async (path, backup) => await rollBack(path, backup)],
  ["moves an older state to its place", async (path, backup) => await rename(backup, path)],
  ["moves it away", async (path) => await rename(path, `${path}.moved`)],
  ["puts a directory in its place", async (path) => await rename(path, `${path}.moved`).then(async () => await mkdir(path))],
  [
    "puts a link to somewhere in its place",
    async (path) => await rename(path, `${path}.moved`).then(async () => await symlink("/dev/null", path)),
  ],
  [
    "changes its last line",
    async (path) =>
      await altered(path, (bytes) => Buffer.from(bytes.toString().replace(/"trace_id":"[^"]{4}(?=[^\n]*\n$)/, '"trace_id":"XXXX'))),
  ],
  ["adds a line of his own", async (path) => await altered(path, (bytes) => Buffer.concat([bytes, linesOf(bytes).at(-1) ?? bytes]))],
];

test.each(attacks)(
  "while it is open, somebody %s: what was asked then is denied, and the log does not verify as if nothing had been",
  async (_what, attack) => {
    const path = await temporaryLogPath();
    const backup = `${path}-backup`;
    const canopy = await openCanopy({ audit: path });
    const ask = async (): Promise<string> => (await canopy.authorizeAction({}, "execute_shell", { command: "ls" })).decision;
    expect(await ask()).toBe("ALLOW");
    await copyFile(path, backup);
    await copyFile(`${path}.head`, `${backup}.head`);
    expect([await ask(), await ask()]).toEqual(["ALLOW", "ALLOW"]);
    await attack(path, backup);
    const answer = await canopy.authorizeAction({}, "execute_shell", { command: "ls" });
    expect(answer).toMatchObject({
      decision: "DENY",
      authorizationId: null,
      reason: expect.stringContaining("could not be put on record") as string,
    });
    // And from then on, until somebody has put it right.
    expect(await ask()).toBe("DENY");
    await canopy.close();
  },
);

test("a copy in its place is noticed, and gone on with, since it holds all that was recorded", async () => {
  const path = await temporaryLogPath();
  const canopy = await openCanopy({ audit: path });
  const ask = async (): Promise<string> => (await canopy.authorizeAction({}, "execute_shell", { command: "ls" })).decision;
  await ask();
  await replaceByCopy(path);
  expect([await ask(), await ask()]).toEqual(["DENY", "ALLOW"]);
  await canopy.close();
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", head: "matches" });
});

test("a log that is put back as it was is gone on with", async () => {
  const path = await temporaryLogPath();
  const canopy = await openCanopy({ audit: path });
  const ask = async (): Promise<string> => (await canopy.authorizeAction({}, "execute_shell", { command: "ls" })).decision;
  await ask();
  await rename(path, `${path}.moved`);
  expect(await ask()).toBe("DENY");
  await rename(`${path}.moved`, path);
  expect(await ask()).toBe("ALLOW");
  // From a backup, too: another file with the same bytes, whose number on the disk is another.
  await copyFile(path, `${path}.backup`);
  await rm(path);
  expect(await ask()).toBe("DENY");
  await rename(`${path}.backup`, path);
  expect(await ask()).toBe("ALLOW");
  await canopy.close();
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid" });
});

test("what is edited before its last line shows when the log is verified, and with a key no later than the next checkpoint", async () => {
  const path = await temporaryLogPath();
  const keyPath = join(await temporaryDirectory(), "key");
  createAuditKey(keyPath);
  const log = await openAuditLog({ path, keyPath, checkpointEvery: 5 });
  for (let count = 0; count < 3; count += 1) await log.append(decision({ trace_id: `t${count}` }));
  await altered(path, (bytes) => Buffer.from(bytes.toString().replace('"t1"', '"tX"')));
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "tampered", line: 3 });
  const later = await Promise.allSettled([log.append(decision()), log.append(decision()), log.append(decision())]);
  expect(later.map(({ status }) => status)).toContain("rejected");
  await expect(log.append(decision())).rejects.toMatchObject({ code: "AUDIT_LOG_BROKEN" });
  await log.close().catch(() => undefined);
});

test("a clock that goes back changes when entries say that they were written, and nothing else", async () => {
  const path = await temporaryLogPath();
  const times = [
    "2026-01-02T00:00:00.000Z",
    "2026-01-02T00:00:00.000Z",
    "2026-01-01T00:00:00.000Z",
    "2030-01-01T00:00:00.000Z",
    "2026-01-01T00:00:01.000Z",
  ];
  let at = 0;
  const log = await open(path, undefined, { now: () => new Date(times[at] ?? times[0] ?? ""), segmentMs: 3_600_000 });
  for (at = 1; at < times.length; at += 1) await log.append(decision({ trace_id: `${at}` }));
  await log.close();
  const found: unknown[] = [];
  for (const file of [`${path}.000000000000`, path]) {
    for (const { type, ts, seq } of await readEntries(file)) found.push(type === "decision" ? [seq, ts] : type);
  }
  expect(found).toEqual(["log.opened", [1, times[1]], [2, times[2]], "log.sealed", "log.continued", [5, times[3]], [6, times[4]]]);
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid" });
});

test.skipIf(process.platform !== "linux")("a device that is always full takes no log, and no decision is allowed", async () => {
  const folder = await temporaryDirectory();
  const path = join(folder, "audit.log");
  await symlink("/dev/full", path);
  await expect(openAuditLog({ path })).rejects.toMatchObject({ code: "AUDIT_LOG_UNAVAILABLE" });
  await expect(openCanopy({ audit: { path, reserveBytes: 0 } })).rejects.toMatchObject({ code: "AUDIT_LOG_UNAVAILABLE" });
});

test.skipIf(process.platform !== "linux")(
  "a file system that fills up costs entries, never the log, and what was allowed is on it",
  async ({ annotate }) => {
    const folder = await temporaryDirectory();
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=128k", "tmpfs", folder], { stdio: "ignore" });
    } catch {
      await annotate("this process may not mount a file system, so a full one was not tried; a limit on the file's size was, elsewhere");
      return;
    }
    onTestFinished(() => void execFileSync("umount", ["-l", folder], { stdio: "ignore" }));
    const path = join(folder, "audit.log");
    const ballast = join(folder, "ballast");
    await writeFile(ballast, Buffer.alloc(48 * 1024));
    const log = await openAuditLog({ path, reserveBytes: 0 });
    const acknowledged: string[] = [];
    let refused = 0;
    const append = async (trace_id: string): Promise<void> => {
      await log.append(decision({ trace_id, reason: "x".repeat(700) })).then(
        () => acknowledged.push(trace_id),
        () => (refused += 1),
      );
    };
    for (let count = 0; count < 120; count += 1) await append(`a${count}`);
    expect(refused).toBeGreaterThan(10);
    // Somebody makes room.
    await rm(ballast);
    for (let count = 0; count < 10; count += 1) await append(`b${count}`);
    await log.close();
    expect(acknowledged.at(-1)).toBe("b9");
    const traces = (await readEntries(path)).flatMap(({ type, trace_id }) => (type === "decision" ? [trace_id] : []));
    expect(traces.filter((trace) => acknowledged.includes(trace as string))).toEqual(acknowledged);
    expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", head: "matches" });
  },
);

test.skipIf(process.platform !== "linux")(
  "with a reserve, the file system does not fill up: the log says that it waits, and goes on",
  async ({ annotate }) => {
    const folder = await temporaryDirectory();
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], { stdio: "ignore" });
    } catch {
      await annotate("this process may not mount a file system, so a reserve was tried with a made-up one alone");
      return;
    }
    onTestFinished(() => void execFileSync("umount", ["-l", folder], { stdio: "ignore" }));
    const path = join(folder, "audit.log");
    const canopy = await openCanopy({ audit: { path, reserveBytes: 64 * 1024 } });
    const decisions: string[] = [];
    const command = `echo ${"x".repeat(3000)}`;
    for (let count = 0; count < 60; count += 1) decisions.push((await canopy.authorizeAction({}, "execute_shell", { command })).decision);
    expect(decisions[0]).toBe("ALLOW");
    expect(decisions.at(-1)).toBe("DENY");
    const denied = decisions.indexOf("DENY");
    expect(new Set(decisions.slice(denied))).toEqual(new Set(["DENY"]));
    await canopy.close();
    const handle = await openFile(join(folder, "probe"), "w");
    // What was held back is there.
    await handle.write(Buffer.alloc(48 * 1024));
    await handle.close();
    const types = (await readFile(path, "utf8"))
      .split("\n")
      .flatMap((line) => (line === "" ? [] : [(JSON.parse(line) as { type: string }).type]));
    expect(types.at(-1)).toBe("log.paused");
    expect(types.filter((type) => type === "decision")).toHaveLength(denied);
  },
);

async function rollBack(path: string, backup: string): Promise<void> {
  await copyFile(backup, path);
  await copyFile(`${backup}.head`, `${path}.head`);
}

async function replaceByCopy(path: string): Promise<void> {
  await copyFile(path, `${path}.copy`);
  await rename(`${path}.copy`, path);
}
