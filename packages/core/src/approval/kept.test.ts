import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { openAuditLogOn } from "../audit/audit-log.ts";
import { localDisk } from "../audit/disk.ts";
import { combineAuditSinks, createMemoryAuditSink } from "../audit/index.ts";
import { loadLock } from "../audit/lock.ts";
import { createChecker, openCanopy } from "../runtime/open-canopy.ts";
import { approved, asked, entries, idOf, open, policy, refund, runtime, temporaryFolder, uses } from "./approval.test.fixture.ts";
import { openApprovals } from "./open-approvals.ts";

async function makeDatabase(path: string, sql: string): Promise<void> {
  await writeFile(path, "", { mode: 0o600 });
  const made = new DatabaseSync(path);
  made.exec(sql);
  made.close();
  await Promise.resolve();
}

describe("a runtime", () => {
  it("that only observes or checks stores nothing and uses nothing up", async () => {
    const { canopy, log } = await runtime();
    const id = await approved(canopy);
    const observing = await open(log, { mode: "observe" });
    expect(await observing.authorize(refund())).toMatchObject({ decision: "ALLOW", would: "REQUIRE_APPROVAL", enforced: false });
    for (const checker of [canopy, createChecker({ policy })]) {
      const checked = await checker.check(refund());
      expect(idOf(checked)).not.toBe(id);
      expect(idOf(await checker.check(refund()))).toBe(idOf(checked));
    }
    expect(await uses(log)).toEqual([]);
    expect(await canopy.approvals.list()).toHaveLength(1);
    const folder = await temporaryFolder();
    const checking = await open(join(folder, "audit.log"), { mode: "observe" });
    await checking.authorize(refund());
    await checking.check(refund());
    expect((await readdir(folder)).filter((name) => name.includes("approvals"))).toEqual([]);
  });

  it("that is told to keep none answers as before, and says so to whoever decides", async () => {
    const { canopy, log } = await runtime({ approvals: false });
    expect(await asked(canopy)).toBe(await asked(canopy));
    await expect(canopy.approvals.list()).rejects.toMatchObject({ code: "APPROVALS_UNAVAILABLE" });
    expect((await readdir(dirname(log))).filter((name) => name.includes("approvals"))).toEqual([]);
  });

  it("denies what a person would have to be asked about where the store cannot be opened, and says why", async () => {
    const folder = await temporaryFolder();
    const cases: readonly [name: string, make: (path: string) => Promise<void>, why: string][] = [
      ["directory", async (path) => await mkdir(path), "is not a regular file"],
      [
        "text",
        async (path) =>
          await writeFile(path, "not a database, but long enough to be taken for something else\n".repeat(20), { mode: 0o600 }),
        "not a database",
      ],
      ["open", async (path) => (await writeFile(path, ""), await chmod(path, 0o644)), "can be read or written by others"],
      ["link", async (path) => await symlink(join(folder, "elsewhere"), path), "is not a regular file"],
      [
        "newer",
        async (path) => makeDatabase(path, "PRAGMA application_id = 1129205849; PRAGMA user_version = 99"),
        "newer version of Canopy (schema 99)",
      ],
      ["other", async (path) => makeDatabase(path, "CREATE TABLE songs (title TEXT)"), "a database of another program"],
      ["missing/store.db", async () => await Promise.resolve(), "ENOENT"],
    ];
    for (const [name, make, why] of cases) {
      const path = join(folder, name);
      await make(path);
      const canopy = await open(join(folder, `${name.replace("/", "-")}.log`), { approvals: { path } });
      const answer = await canopy.authorize(refund());
      expect([name, answer.decision, answer.reason]).toEqual([name, "DENY", expect.stringContaining(why)]);
      expect(await canopy.authorizeAction({ agent_id: "a" }, "read", {})).toMatchObject({ decision: "ALLOW" });
    }
  });

  it("does not make a database of a file that is the log's own", async () => {
    const log = join(await temporaryFolder(), "audit.log");
    for (const ending of ["", ".lock", ".head"]) {
      await expect(openCanopy({ policy, audit: log, approvals: { path: `${log}${ending}` } })).rejects.toMatchObject({
        code: "INVALID_OPTIONS",
      });
      await expect(openApprovals({ log, path: `${log}${ending}` })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
    }
  });

  it("keeps the store for its owner alone, and counts it among the files that no agent may touch", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "elsewhere.db");
    const canopy = await open(join(folder, "audit.log"), { policy: "canopy:default", approvals: { path } });
    await canopy.authorizeAction({ agent_id: "a" }, "execute_shell", { command: "curl https://example.com" });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    for (const file of [
      path,
      `${path}-wal`,
      `${path}-shm`,
      `${path}-journal`,
      join(folder, "audit.log.approvals.db"),
      join(folder, "audit.log.approvals.db-wal"),
    ]) {
      for (const [type, payload] of [
        ["modify_file", { path: file }],
        ["read_file", { path: file }],
        ["delete_file", { path: file }],
        ["execute_shell", { command: `echo x > ${file}` }],
        ["execute_shell", { command: `sqlite3 x; rm ${file}` }],
      ] as const) {
        const answer = await canopy.authorizeAction({ agent_id: "a", safe_paths: [folder] }, type, payload);
        expect([file, type, answer.decision]).toEqual([file, type, "DENY"]);
      }
    }
  });

  it("finds what it needs in a log of many segments", async () => {
    const { canopy, log } = await runtime({ approvals: {}, audit: undefined as never });
    await canopy.close();
    const path = join(dirname(log), "segments.log");
    const segmented = await open(path, { audit: { path, segmentBytes: 4096 } });
    const id = await approved(segmented);
    for (let index = 0; index < 12; index += 1) await segmented.authorizeAction({ agent_id: "a" }, "read", { text: "x".repeat(900) });
    expect((await readdir(dirname(path))).filter((name) => /^segments\.log\.\d{12}$/.test(name)).length).toBeGreaterThan(2);
    expect(await segmented.authorize(refund())).toMatchObject({ decision: "ALLOW", approval: { id } });
    await segmented.close();
    const again = await open(path, { audit: { path, segmentBytes: 4096 } });
    expect((await again.authorize(refund())).reason).toContain("was used already");
  });

  it("spends an approval whose use may be on record although it could not be made durable, and tells that nothing ran", async () => {
    const folder = await temporaryFolder();
    const log = join(folder, "audit.log");
    let fails = false;
    const disk = {
      ...localDisk,
      dataSync: async (fd: number) => {
        const text = await readFile(log, "utf8");
        if (fails && text.includes('"approval":{"id"')) throw Object.assign(new Error("EIO"), { code: "EIO" });
        await localDisk.dataSync(fd);
      },
    };
    const canopy = await open(log, { audit: await openAuditLogOn({ disk, loadLock, lockTimeoutMs: 10_000 }, { path: log }) });
    const id = await approved(canopy);
    fails = true;
    expect(await canopy.authorize(refund())).toMatchObject({ decision: "DENY", reason: expect.stringContaining("EIO") as string });
    fails = false;
    const answer = await canopy.authorize(refund());
    expect(answer).toMatchObject({ decision: "REQUIRE_APPROVAL", reason: expect.stringContaining(`\`${id}\` was used already`) as string });
    expect(await canopy.approvals.get(id)).toMatchObject({ state: "used", use: { outcome: "not_run" } });
    expect(await uses(log)).toHaveLength(1);
  });

  it("leaves out of the log what a note quotes of things that the log only commits to", async () => {
    const folder = await temporaryFolder();
    const log = join(folder, "audit.log");
    const names = ["approval", "approval_id", "id", "digest", "decision", "decided_by", "assurance", "signature", "seq"];
    const canopy = await open(log, { audit: { path: log, redact: { commit: ["card", ...names] } } });
    const request = refund({
      actions: [{ actionType: "refund", payload: { payment: "p-1", amount: 20, card: "4111 1111 1111 1111", body: "the secret letter" } }],
    });
    const id = await asked(canopy, request);
    await canopy.approvals.decide(id, {
      decision: "approve",
      by: "Ann",
      note: "card 4111 1111 1111 1111 is hers, see `the secret letter`",
    });
    expect(await canopy.authorize(request)).toMatchObject({ decision: "ALLOW" });
    expect((await canopy.authorize(request)).reason).toContain("was used already");
    const text = await readFile(log, "utf8");
    expect(text).not.toContain("4111 1111");
    expect(text).not.toContain("secret letter");
    expect((await entries(log, "approval.decided"))[0]?.["note"]).toBe("card [left out] is hers, see `[left out]`");
    expect((await canopy.approvals.get(id))?.preview).toContain("4111 1111 1111 1111");
  });

  it("keeps approvals on a sink in memory where it is asked to, and refuses a sink that cannot", async () => {
    const sink = createMemoryAuditSink();
    const canopy = await open("", { audit: sink, approvals: {} });
    const id = await approved(canopy);
    expect(await canopy.authorize(refund())).toMatchObject({ decision: "ALLOW", approval: { id } });
    expect(await canopy.authorize(refund())).toMatchObject({ decision: "REQUIRE_APPROVAL" });
    expect(sink.lines.filter((line) => line.includes('"approval":{'))).toHaveLength(1);
    const combined = combineAuditSinks({ required: [createMemoryAuditSink()] });
    await expect(openCanopy({ policy, audit: combined, approvals: {} })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
    await using plain = await openCanopy({ policy, audit: combineAuditSinks({ required: [createMemoryAuditSink()] }) });
    await expect(plain.approvals.list()).rejects.toMatchObject({ code: "APPROVALS_UNAVAILABLE" });
  });

  it.each([
    [{ aprovers: [] }, "did you mean `approvers`"],
    [{ decideWithinMs: 0 }, "`approvals.decideWithinMs` is `0`"],
    [{ useWithinMs: "1h" }, "`approvals.useWithinMs` is `1h`"],
    [{ maxPending: -1 }, "`approvals.maxPending` is `-1`"],
    [{ approvers: [{ name: "Ann" }] }, "no `publicKey`"],
    [{ volatile: "session" }, "not a list of names"],
    [{ path: "" }, "not the name of a file"],
    [{ path: "x", store: {} }, "choose one"],
    [{ store: {} }, "is no store"],
    [null, "an object of options, or false"],
    ["on", "an object of options, or false"],
  ])("refuses the options %j", async (approvals, message) => {
    await expect(openCanopy({ policy, audit: createMemoryAuditSink(), approvals: approvals as never })).rejects.toMatchObject({
      code: "INVALID_OPTIONS",
      message: expect.stringContaining(message) as string,
    });
  });
});
