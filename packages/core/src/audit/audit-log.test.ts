import { lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

import { expect, test } from "vitest";

import { decision, machine, open, readEntries, temporaryDirectory, temporaryLogPath } from "./audit.test.fixture.ts";
import { openAuditLog, openLogLock } from "./audit-log.ts";
import { localDisk } from "./disk.ts";
import type { EntryBody } from "./entry.ts";
import type { LockMechanism } from "./lock.ts";
import { verifyAuditLog } from "./verify.ts";

test("a new log begins with an entry that says what it is, and is readable by its owner alone", async () => {
  const path = await temporaryLogPath();
  const log = await open(path);
  const appended = await log.append(decision({ reason: "first" }));
  const [genesis, entry] = await readEntries(path);
  expect(genesis).toMatchObject({ v: 1, seq: 0, type: "log.opened", origin: log.origin, durability: "fsync", public_key: null });
  expect(entry).toMatchObject({
    seq: 1,
    type: "decision",
    reason: "first",
    prev_hash: genesis?.["entry_hash"],
    entry_hash: appended.entryHash,
  });
  expect(Object.keys(entry ?? {}).slice(0, 4)).toEqual(["v", "seq", "ts", "type"]);
  expect(appended.id).toBe(`1-${appended.entryHash.slice(0, 32)}`);
  const modes = await Promise.all(["", ".lock", ".head"].map(async (suffix) => (await stat(path + suffix)).mode & 0o777));
  expect(modes).toEqual(process.platform === "win32" ? modes : [0o600, 0o600, 0o600]);
});

test("an entry is written and synced before its caller hears of it, and a new log's name with it", async () => {
  const path = await temporaryLogPath();
  const events: string[] = [];
  const names = new Map<number, string>();
  const name = (fd: number): string => names.get(fd) ?? "?";
  const log = await open(
    path,
    machine({
      disk: {
        open: (file, flags) => {
          const fd = localDisk.open(file, flags);
          names.set(fd, file === path ? "log" : file.endsWith(".head") ? "head" : "directory");
          return fd;
        },
        write: async (fd, bytes, position) => {
          events.push(`write ${name(fd)}`);
          return localDisk.write(fd, bytes, position);
        },
        writeNow: (fd, bytes, position) => {
          events.push(`write ${name(fd)}`);
          return localDisk.writeNow(fd, bytes, position);
        },
        dataSync: async (fd) => {
          await localDisk.dataSync(fd);
          events.push(`datasync ${name(fd)}`);
        },
        sync: async (fd) => {
          await localDisk.sync(fd);
          events.push(`sync ${name(fd)}`);
        },
      },
    }),
  );
  expect(events).toEqual(["write log", "datasync log", "sync log", "sync directory", "write head"]);
  events.length = 0;
  await Promise.all([1, 2, 3].map(async () => log.append(decision()).then(() => events.push("answered"))));
  expect(events).toEqual(["write log", "datasync log", "write head", "answered", "answered", "answered"]);
});

test("entries keep the order of the calls, and a body that is changed afterwards is not", async () => {
  const path = await temporaryLogPath();
  const log = await open(path);
  const payload = { command: "ls" };
  const appended = [log.append(decision({ payload }))];
  payload.command = "rm";
  for (let index = 0; index < 20; index += 1) appended.push(log.append(decision({ payload: { index } })));
  expect((await Promise.all(appended)).map(({ seq }) => seq)).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
  expect((await readEntries(path)).slice(1).map((entry) => entry["payload"])).toEqual([
    { command: "ls" },
    ...Array.from({ length: 20 }, (_, index) => ({ index })),
  ]);
});

test("closing writes what was appended before; later appends are refused, and closing again does nothing", async () => {
  const path = await temporaryLogPath();
  const log = await open(path);
  const waiting = Promise.all([log.append(decision()), log.append(decision())]);
  await Promise.all([log.close(), log.close()]);
  expect((await waiting).map(({ seq }) => seq)).toEqual([1, 2]);
  await expect(log.append(decision())).rejects.toMatchObject({ code: "AUDIT_LOG_CLOSED" });
  await using again = await openAuditLog({ path });
  expect((await again.append(decision())).seq).toBe(3);
});

test("two open logs of one file in one process share its chain, also through a symlink", async () => {
  const path = await temporaryLogPath();
  const first = await open(path);
  await symlink(path, `${path}.link`);
  const second = await open(`${path}.link`);
  expect(second).toMatchObject({ path: first.path, origin: first.origin });
  await Promise.all(Array.from({ length: 200 }, async (_, index) => (index % 2 === 0 ? first : second).append(decision())));
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", entries: 201 });
  expect((await readdir(join(path, ".."))).toSorted()).toEqual(["audit.log", "audit.log.head", "audit.log.link", "audit.log.lock"]);
});

test("what is no entry is refused, and the log goes on", async () => {
  const path = await temporaryLogPath();
  const log = await open(path);
  const refused: [unknown, string][] = [
    [{ type: "approval.x", seq: 1 }, "INVALID_OPTIONS"],
    [{ type: "approval.x", entry_hash: "x" }, "INVALID_OPTIONS"],
    [{ type: 'a","seq":5,"b":"' }, "INVALID_OPTIONS"],
    [{ type: "approval.x", when: new Date() }, "NOT_JSON"],
    [{ type: "approval.x", lone: "\ud800" }, "NOT_JSON"],
    [{}, "NOT_JSON"],
    [null, "NOT_JSON"],
    ["text", "NOT_JSON"],
    [{ type: 7 }, "NOT_JSON"],
    [{ type: "log.opened", origin: "another" }, "INVALID_OPTIONS"],
    [{ type: "decision.voided", entries: [] }, "INVALID_OPTIONS"],
  ];
  for (const [body, code] of refused) await expect(log.append(body as EntryBody)).rejects.toMatchObject({ code });
  await log.append({ type: "approval.x", "0": "integer keys come first in JavaScript", __proto__x: 1, ["__proto__"]: { polluted: true } });
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", entries: 2 });
});

test("a log that cannot be where it is wanted is refused in words", async () => {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, "file"), "hello");
  await symlink(join(directory, "nowhere"), join(directory, "dangling"));
  const refused: [string, string][] = [
    [join(directory, "none", "audit.log"), "its folder does not exist; make it, or name another place"],
    [join(directory, "file", "audit.log"), "not a directory"],
    [join(directory, "dangling"), "there is no such file or directory"],
    [directory, "not a regular file"],
    ["/dev/null", "not a regular file"],
    ["", "not the name of a file"],
    [join(directory, "a\0b"), "not the name of a file"],
  ];
  for (const [path, words] of refused) await expect(openAuditLog({ path })).rejects.toThrow(words);
  expect((await readdir(directory)).toSorted()).toEqual(["dangling", "file"]);
});

test("a file of somebody else is refused and left as it was", async () => {
  const path = await temporaryLogPath();
  for (const text of [
    "hello",
    "hello\n",
    '{"level":"info"}\n{"level":"info"}\n',
    "\n",
    '{"v":1,"seq":0,"ts":"x"}\n',
    `${"x".repeat(70_000)}\n`,
  ]) {
    await writeFile(path, text);
    await expect(openAuditLog({ path })).rejects.toMatchObject({ code: "AUDIT_LOG_BROKEN" });
    expect(await readFile(path, "utf8")).toBe(text);
  }
});

test("an empty file, and one whose first entry was never finished, become a log", async () => {
  for (const text of ["", '{"v":1,', '{"v":1,"seq":0,"ts":"2026-11-21T00:00:00.000Z","type":"log.op']) {
    const path = await temporaryLogPath();
    await writeFile(path, text);
    const log = await open(path);
    await log.append(decision());
    expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", entries: 2 });
  }
});

test("a log keeps the durability that it was created with", async () => {
  const path = await temporaryLogPath();
  let syncs = 0;
  const counting = machine({
    disk: {
      dataSync: async () => {
        syncs += 1;
      },
    },
  });
  const log = await open(path, counting, { durability: "os" });
  await log.append(decision());
  await log.close();
  expect(syncs).toBe(0);
  await expect(open(path, machine(), { durability: "fsync" })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  expect((await open(path)).durability).toBe("os");
  await expect(open(path, machine(), { durability: "sometimes" as "os" })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
});

test("a network file system is refused, because its locks come loose", async () => {
  const path = await temporaryLogPath();
  for (const type of [0x6969, 0xff534d42, 0xff534d42 | 0]) {
    await expect(open(path, machine({ disk: { fileSystem: () => type } }))).rejects.toMatchObject({ code: "AUDIT_LOG_UNAVAILABLE" });
  }
});

test("a process that lacks the log's lock refuses rather than take another", async () => {
  const mechanisms: LockMechanism[] = ["fs-native-extensions", "node:sqlite"];
  for (const [index, only] of mechanisms.entries()) {
    const path = await temporaryLogPath();
    const log = await open(path, machine({ only }));
    await log.append(decision());
    expect((await readEntries(path))[0]).toMatchObject({ lock: only });
    const other = mechanisms[1 - index];
    await expect(open(path, machine(other === undefined ? {} : { only: other }))).rejects.toThrow(`written under the lock of \`${only}\``);
    // A process that has both takes the log's own.
    await (await open(path)).append(decision());
    expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", entries: 3 });
  }
  await expect(open(await temporaryLogPath(), { ...machine(), loadLock: async () => null })).rejects.toMatchObject({
    code: "AUDIT_LOG_UNAVAILABLE",
  });
});

test("whoever waits too long for the lock is refused, and recorded when it tries again", async () => {
  const path = await temporaryLogPath();
  for (const only of ["fs-native-extensions", "node:sqlite"] as const) {
    const file = `${path}.${only.replace(":", "-")}`;
    const log = await open(file, machine({ only, lockTimeoutMs: 100 }));
    const openLock = await machine().loadLock(only);
    const lock = openLock?.(`${file}.lock`);
    expect(await lock?.acquire(100)).toBe(true);
    await expect(log.append(decision())).rejects.toThrow("has held the lock");
    await expect(log.append(decision())).rejects.toThrow("has held the lock");
    lock?.release();
    lock?.close();
    expect((await log.append(decision())).seq).toBe(1);
    const other = await open(file, machine({ only, lockTimeoutMs: 100 }));
    expect((await other.append(decision())).seq).toBe(2);
  }
});

test("a wait for the lock that was given up is not granted later to nobody", async () => {
  const path = await temporaryLogPath();
  const impatient = await open(path, machine({ lockTimeoutMs: 50 }));
  const openLock = await machine().loadLock("fs-native-extensions");
  const lock = openLock?.(`${path}.lock`);
  await lock?.acquire(1000);
  await expect(impatient.append(decision())).rejects.toThrow("has held the lock");
  lock?.release();
  lock?.close();
  const other = await open(path, machine({ lockTimeoutMs: 5000 }));
  expect((await other.append(decision())).seq).toBe(1);
  await impatient.close();
  expect((await other.append(decision())).seq).toBe(2);
});

test("deleting the lock file does not let two writers fork the chain", async () => {
  for (const only of ["fs-native-extensions", "node:sqlite"] as const) {
    const path = await temporaryLogPath();
    const logs = [await open(path, machine({ only })), await open(path, machine({ only })), await open(path, machine({ only }))];
    for (let round = 0; round < 10; round += 1) {
      localDisk.remove(`${path}.lock`);
      await Promise.all(logs.flatMap((log) => [log.append(decision()), log.append(decision())]));
    }
    expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", entries: 61 });
    expect((await lstat(`${path}.lock`)).isFile()).toBe(true);
  }
});

test("nothing beside the log is written through a symlink", async () => {
  const path = await temporaryLogPath();
  const victim = join(await temporaryDirectory(), "victim");
  await writeFile(victim, "precious");
  await symlink(victim, `${path}.lock`);
  await symlink(victim, `${path}.head`);
  await expect(openAuditLog({ path })).rejects.toMatchObject({ code: "AUDIT_LOG_UNAVAILABLE" });
  expect(await readFile(victim, "utf8")).toBe("precious");
});

test("a clock that fails costs the entry, not the log", async () => {
  const path = await temporaryLogPath();
  let broken = false;
  const log = await open(path, machine(), { now: () => (broken ? new Date(NaN) : new Date()) });
  broken = true;
  await expect(log.append(decision())).rejects.toMatchObject({ code: "AUDIT_LOG_UNAVAILABLE" });
  broken = false;
  await log.append(decision());
  expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid", entries: 2 });
});

test("a directory in the place of the log is refused also when it appears later", async () => {
  const path = await temporaryLogPath();
  const log = await open(path);
  localDisk.remove(path);
  await mkdir(path);
  await expect(log.append(decision())).rejects.toThrow(basename(path));
});

test.skipIf(process.platform === "win32")("trying again and again to open a log whose lock is stuck uses up no threads", async () => {
  const path = await temporaryLogPath();
  const log = await open(path, machine({ only: "fs-native-extensions" }));
  const holder = await openLogLock(machine({ only: "fs-native-extensions" }), path);
  expect(await holder.acquire(1000)).toBe(true);
  const impatient = machine({ only: "fs-native-extensions", lockTimeoutMs: 20 });
  // Twice as many as the process has threads; each of them would keep one for good.
  for (let attempt = 0; attempt < 8; attempt += 1) await expect(open(path, impatient)).rejects.toThrow("has held the lock");
  // A thread is left to read a file with.
  expect((await readFile(path, "utf8")).length).toBeGreaterThan(0);
  holder.release();
  holder.close();
  await expect(log.append(decision())).resolves.toMatchObject({ seq: 1 });
  await expect((await open(path, impatient)).append(decision())).resolves.toMatchObject({ seq: 2 });
});
