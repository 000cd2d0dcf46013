import { chmod, copyFile, mkdir, readdir, readFile, stat, symlink, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { describe, expect, it } from "vitest";

import { openAuditLogOn } from "../audit/audit-log.ts";
import { localDisk } from "../audit/disk.ts";
import { combineAuditSinks, createMemoryAuditSink, openAuditLog, verifyAuditLog } from "../audit/index.ts";
import { loadLock } from "../audit/lock.ts";
import type { AuthorizationRequest } from "../runtime/authorizer.ts";
import { createChecker, openCanopy } from "../runtime/open-canopy.ts";
import { approved, asked, entries, idOf, open, policy, refund, runtime, tamper, temporaryFolder, uses } from "./approval.test.fixture.ts";
import { openApprovals } from "./open-approvals.ts";
import { createApproverKey } from "./signature.ts";

const hour = 60 * 60 * 1000;

/** A clock that stands until it is moved, for the log and for the approvals on it. */
function clock(): { now: () => Date; move: (ms: number) => void } {
  let at = Date.parse("2026-03-01T12:00:00Z");
  return {
    now: () => new Date(at),
    move: (ms) => {
      at += ms;
    },
  };
}

async function clockwork(): Promise<Awaited<ReturnType<typeof runtime>> & ReturnType<typeof clock>> {
  const time = clock();
  const log = join(await temporaryFolder(), "audit.log");
  return { ...time, log, canopy: await open(log, { audit: { path: log, now: time.now } }) };
}

function of(agent: string, payment: string): AuthorizationRequest {
  return refund({ agentCtx: { agent_id: agent }, actions: [{ actionType: "refund", payload: { payment, amount: 1 } }] });
}

async function keys(): Promise<{
  folder: string;
  log: string;
  ann: string;
  eve: string;
  approvers: readonly { name: string; publicKey: string }[];
}> {
  const folder = await temporaryFolder();
  const publicKey = createApproverKey(join(folder, "ann.key"), "ann");
  createApproverKey(join(folder, "eve.key"), "ann");
  return {
    folder,
    log: join(folder, "audit.log"),
    ann: join(folder, "ann.key"),
    eve: join(folder, "eve.key"),
    approvers: [{ name: "Ann", publicKey }],
  };
}

async function makeDatabase(path: string, sql: string): Promise<void> {
  await writeFile(path, "", { mode: 0o600 });
  const made = new DatabaseSync(path);
  made.exec(sql);
  made.close();
  await Promise.resolve();
}

describe("an action that a person is asked about", () => {
  it("is one request while it waits, runs once when it is approved, and is asked about anew after that", async () => {
    const { canopy, log } = await runtime();
    const id = await asked(canopy);
    expect(id).toMatch(/^APR-[0-9a-f]{32}$/);
    expect(await asked(canopy)).toBe(id);
    await canopy.approvals.decide(id, { decision: "approve", by: "Ann", note: "the customer called" });
    const allowed = await canopy.authorize(refund());
    expect(allowed).toMatchObject({ decision: "ALLOW", enforced: true, approval: { id, decidedBy: "Ann", assurance: "same_user" } });
    expect(allowed.reason).toContain("`Ann` approved it");
    const again = await canopy.authorize(refund());
    expect(idOf(again)).not.toBe(id);
    expect(again.reason).toContain(`\`${id}\` was used already`);
    const [entry, ...others] = await uses(log);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ decision: "ALLOW", approval_id: id, approval: { id, decided_by: "Ann", assurance: "same_user" } });
    expect((await entries(log, "approval.requested")).map((each) => each["approval_id"])).toEqual([id, idOf(again)]);
    expect(await entries(log, "approval.decided")).toMatchObject([
      { approval_id: id, decision: "approve", decided_by: "Ann", note: "the customer called", assurance: "same_user" },
    ]);
    await canopy.close();
    expect(await verifyAuditLog(log)).toMatchObject({ kind: "valid" });
  });

  it("is the same action whatever the order of its keys", async () => {
    const { canopy } = await runtime();
    await approved(canopy);
    const turned = refund({
      agentCtx: { env: "production", agent_id: "clerk" },
      actions: [{ actionType: "refund", payload: { amount: 20, payment: "p-1" } }],
      tool: { name: "refund", args: { comment: "late", amount: 20, payment: "p-1" }, callId: "another" },
      traceId: "another",
    });
    expect(await canopy.authorize(turned)).toMatchObject({ decision: "ALLOW" });
  });

  const others: readonly [string, Partial<AuthorizationRequest>, string][] = [
    [
      "a payload changed by one byte",
      { actions: [{ actionType: "refund", payload: { payment: "p-1", amount: 21 } }] },
      "its arguments are not the same",
    ],
    [
      "an argument that the policy never reads",
      { tool: { name: "refund", args: { payment: "p-1", amount: 20, comment: "Late" } } },
      "its arguments are not the same",
    ],
    [
      "what is not known of the call",
      { actions: [{ actionType: "refund", payload: { payment: "p-1", amount: 20 }, open: ["x is not bound"] }] },
      "its arguments are not the same",
    ],
    ["another agent", { agentCtx: { agent_id: "clerk-2", env: "production" } }, "it was given to another agent"],
    ["another environment in the context", { agentCtx: { agent_id: "clerk", env: "staging" } }, "the agent's `env` is not the same"],
    [
      "one more thing in the context",
      { agentCtx: { agent_id: "clerk", env: "production", role: "admin" } },
      "the agent's `role` is not the same",
    ],
  ];
  it.each(others)("is another action with %s, and the reason says what differs", async (_what, changes, difference) => {
    const { canopy, log } = await runtime();
    const id = await approved(canopy);
    const other = await canopy.authorize(refund(changes));
    expect(idOf(other)).not.toBe(id);
    expect(other.reason).toContain(`\`${id}\` does not cover it: ${difference}`);
    expect(await uses(log)).toEqual([]);
    expect(await canopy.authorize(refund())).toMatchObject({ decision: "ALLOW" });
  });

  it("is another action by another tool, with another type, or beside a second one, and nothing near is named", async () => {
    const { canopy } = await runtime();
    await approved(canopy);
    const [action] = refund().actions;
    for (const changes of [
      { tool: { name: "Refund", args: refund().tool?.args } },
      { actions: [action, action] as const },
      { actions: [{ actionType: "transfer", payload: action.payload }] as const },
    ]) {
      const other = await canopy.authorize(refund(changes));
      expect(other.decision).toBe("REQUIRE_APPROVAL");
      expect(other.reason).not.toContain("does not cover");
    }
  });

  it("is another action under another policy", async () => {
    const { canopy, log } = await runtime();
    const id = await approved(canopy);
    const stricter = await open(log, { policy: { ...policy, text: `${policy.text}  - { id: more, action_type: gift, deny: true }\n` } });
    const answer = await stricter.authorize(refund());
    expect(idOf(answer)).not.toBe(id);
    expect(answer.reason).toContain(`\`${id}\` does not cover it: it was given under another policy`);
  });

  it("is another action when a symlink on the way leads elsewhere than when it was shown", async () => {
    const folder = await temporaryFolder();
    const log = join(folder, "audit.log");
    const canopy = await open(log, { policy: { name: "p", text: "version: 1\ndefault: REQUIRE_APPROVAL\n" } });
    await Promise.all(["a", "b"].map(async (name) => await writeFile(join(folder, name), "")));
    const link = join(folder, "link");
    await symlink(join(folder, "a"), link);
    const request = { agentCtx: { agent_id: "x" }, actions: [{ actionType: "modify_file", payload: { path: link } }] } as const;
    const id = await approved(canopy, request);
    expect((await canopy.approvals.get(id))?.preview).toContain(`${link}: ${join(folder, "a")}`);
    await unlink(link);
    await symlink(join(folder, "b"), link);
    expect(await asked(canopy, request)).not.toBe(id);
    await unlink(link);
    await symlink(join(folder, "a"), link);
    expect(await canopy.authorize(request)).toMatchObject({ decision: "ALLOW", approval: { id } });
  });

  it("stays the same in fields of the context that the host calls volatile, which are never those that say who acts", async () => {
    const { canopy } = await runtime({ approvals: { volatile: ["session"] } });
    await approved(canopy, refund({ agentCtx: { agent_id: "clerk", session: 1 } }));
    expect(await canopy.authorize(refund({ agentCtx: { agent_id: "clerk", session: 2 } }))).toMatchObject({ decision: "ALLOW" });
    await expect(openCanopy({ policy, approvals: { volatile: ["env"] } })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  });

  it("is denied by a policy that denies it now, whatever was approved, and uses nothing up where policy allows it", async () => {
    const { canopy, log } = await runtime({ approvals: { volatile: ["frozen", "free"] } });
    await approved(canopy);
    const frozen = refund({ agentCtx: { agent_id: "clerk", env: "production", frozen: true } });
    expect(await canopy.authorize(frozen)).toMatchObject({ decision: "DENY" });
    const gift = refund({ actions: [{ actionType: "gift", payload: {} }], agentCtx: { agent_id: "clerk", env: "production", free: true } });
    expect(await canopy.authorize(gift)).toMatchObject({ decision: "ALLOW" });
    expect(await uses(log)).toEqual([]);
    expect(await canopy.authorize(refund())).toMatchObject({ decision: "ALLOW", approval: {} });
  });

  it("is not asked about where nobody could read it all", async () => {
    const { canopy, log } = await runtime();
    const answer = await canopy.authorize(refund({ tool: { name: "refund", args: { text: "x".repeat(1024 * 1024) } } }));
    expect(answer).toMatchObject({ decision: "DENY" });
    expect(answer.reason).toContain("nobody can look through its");
    expect(await entries(log, "approval.requested")).toEqual([]);
  });

  it("is denied when too many wait already, of one agent or of all", async () => {
    const { canopy } = await runtime({ approvals: { maxPending: 3, maxPendingPerAgent: 2 } });
    const first = await asked(canopy, of("a", "1"));
    await asked(canopy, of("a", "2"));
    expect(await canopy.authorize(of("a", "3"))).toMatchObject({
      decision: "DENY",
      reason: expect.stringContaining("2 requests of this agent wait") as string,
    });
    expect(await asked(canopy, of("a", "1"))).toBe(first);
    await asked(canopy, of("b", "3"));
    expect(await canopy.authorize(of("c", "4"))).toMatchObject({
      decision: "DENY",
      reason: expect.stringContaining("3 requests wait") as string,
    });
    await canopy.approvals.decide(first, { decision: "deny", by: "Ann" });
    await asked(canopy, of("c", "4"));
  });
});

describe("a decision", () => {
  it("that denies is told to the agent with its note, and stands as long as the question would have", async () => {
    const { canopy, move } = await clockwork();
    const id = await asked(canopy);
    await canopy.approvals.decide(id, { decision: "deny", by: "Ann", note: "ask the customer first" });
    const denied = await canopy.authorize(refund());
    expect(denied).toMatchObject({ decision: "DENY" });
    expect(denied.reason).toContain(`\`Ann\` denied it (\`${id}\`): ask the customer first`);
    move(25 * hour);
    const later = await canopy.authorize(refund());
    expect(idOf(later)).not.toBe(id);
    expect(later.reason).toContain("denied it before");
  });

  it("comes too late after its time, which is put on record once", async () => {
    const { canopy, log, move } = await clockwork();
    const id = await asked(canopy);
    move(25 * hour);
    await expect(canopy.approvals.decide(id, { decision: "approve", by: "Ann" })).rejects.toMatchObject({
      code: "APPROVAL_REFUSED",
      message: expect.stringContaining("its time is over") as string,
    });
    const later = await canopy.authorize(refund());
    expect(idOf(later)).not.toBe(id);
    expect(later.reason).toContain(`nobody decided on \`${id}\` by 2026-03-02T12:00:00.000Z`);
    await canopy.authorize(refund());
    expect(await entries(log, "approval.expired")).toMatchObject([{ approval_id: id, why: "nobody decided in time" }]);
    expect(await canopy.approvals.get(id)).toMatchObject({ state: "expired" });
  });

  it("is worth nothing an hour later, and stays so when the clock is put back", async () => {
    const { canopy, log, move } = await clockwork();
    const id = await approved(canopy);
    move(hour);
    const late = await canopy.authorize(refund());
    expect(idOf(late)).not.toBe(id);
    expect(late.reason).toContain(`\`${id}\` expired at 2026-03-01T13:00:00.000Z`);
    move(-hour + 1000);
    expect(await canopy.authorize(refund())).toMatchObject({ decision: "REQUIRE_APPROVAL" });
    expect(await uses(log)).toEqual([]);
    expect(await entries(log, "approval.expired")).toMatchObject([{ approval_id: id, why: "it was not used in time" }]);
  });

  it("that was made in the future is refused: one of the clocks is wrong, and it would last too long", async () => {
    const { canopy, move } = await clockwork();
    const id = await approved(canopy);
    move(-2 * hour);
    const answer = await canopy.authorize(refund());
    expect(answer).toMatchObject({ decision: "DENY" });
    expect(answer.reason).toContain(`\`${id}\` cannot be relied on: it was decided in the future`);
  });

  it("can be taken back before it is used, and then the action is asked about anew", async () => {
    const { canopy, log } = await runtime();
    const id = await approved(canopy);
    expect(await canopy.approvals.cancel(id, { by: "Bob", note: "wrong customer" })).toMatchObject({ state: "cancelled" });
    const answer = await canopy.authorize(refund());
    expect(idOf(answer)).not.toBe(id);
    expect(answer.reason).toContain(`\`${id}\` was cancelled by \`Bob\``);
    expect(await entries(log, "approval.cancelled")).toMatchObject([{ approval_id: id, decided_by: "Bob", note: "wrong customer" }]);
    await expect(canopy.approvals.cancel(id, { by: "Bob" })).rejects.toMatchObject({ code: "APPROVAL_REFUSED" });
  });

  it("is made once, by somebody with a name, about what was shown", async () => {
    const { canopy } = await runtime();
    const id = await asked(canopy);
    const refused = async (given: Parameters<typeof canopy.approvals.decide>[1]): Promise<unknown> =>
      await canopy.approvals.decide(id, given).catch((error: unknown) => String(error));
    expect(await refused({ decision: "approve" })).toContain("does not name a person");
    expect(await refused({ decision: "approve", by: "A\u202enn" })).toContain("does not name a person");
    expect(await refused({ decision: "maybe" as "deny", by: "Ann" })).toContain("is no decision");
    expect(await refused({ decision: "approve", by: "Ann", digest: "0".repeat(64) })).toContain("is not what was shown");
    expect(await refused({ decision: "approve", by: "Ann", note: "x".repeat(2001) })).toContain("`note` is not a text");
    await canopy.approvals.decide(id, { decision: "approve", by: "Ann" });
    expect(await refused({ decision: "deny", by: "Bob" })).toContain("`Ann` approved it");
    await expect(canopy.approvals.decide(`APR-${"0".repeat(32)}`, { decision: "approve", by: "Ann" })).rejects.toThrow(
      "there is no request",
    );
    await expect(canopy.approvals.decide("APR-1'; --", { decision: "approve", by: "Ann" })).rejects.toThrow("is no approval's id");
  });

  it("is not made by who asks, however they write their name", async () => {
    const { canopy } = await runtime();
    const id = await asked(canopy, refund({ agentCtx: { agent_id: "clerk", name: "Max" } }));
    for (const by of ["clerk", "CLERK", "Max", "ｍａｘ"]) {
      await expect(canopy.approvals.decide(id, { decision: "approve", by })).rejects.toThrow("whoever asks does not decide");
    }
    await canopy.approvals.decide(id, { decision: "deny", by: "clerk" });
  });

  it("is not made with the key of who asks", async () => {
    const { canopy, log } = await runtime();
    const keyPath = join(dirname(log), "clerk.key");
    const publicKey = createApproverKey(keyPath, "supervisor");
    const request = refund({ agentCtx: { agent_id: "clerk", public_key: publicKey } });
    const id = await asked(canopy, request);
    await expect(canopy.approvals.decide(id, { decision: "approve", keyPath })).rejects.toThrow("whoever asks does not decide");
  });

  it("is waited for", async () => {
    const { canopy } = await runtime();
    const id = await asked(canopy);
    expect(await canopy.approvals.wait(id, { timeoutMs: 1 })).toBe("timed_out");
    const aborted = new AbortController();
    const waiting = canopy.approvals.wait(id, { signal: aborted.signal });
    aborted.abort(new TypeError("enough"));
    await expect(waiting).rejects.toThrow("enough");
    const decided = canopy.approvals.wait(id);
    await canopy.approvals.decide(id, { decision: "approve", by: "Ann" });
    expect(await decided).toBe("approved");
    await canopy.authorize(refund());
    expect(await canopy.approvals.wait(id)).toBe("used");
  });

  it("that was used up is listed until the outcome of its call is on record", async () => {
    const { canopy, log } = await runtime();
    const id = await approved(canopy);
    const { authorizationId, traceId } = await canopy.authorize(refund());
    expect(await canopy.approvals.list({ withoutOutcome: true })).toMatchObject([
      { id, state: "used", use: { authorizationId, outcome: null } },
    ]);
    await canopy.recordOutcome({ authorizationId: authorizationId ?? "", traceId, status: "success", outputHash: null, durationMs: 1 });
    expect(await canopy.approvals.list({ withoutOutcome: true })).toEqual([]);
    const elsewhere = await openApprovals({ log });
    expect(await elsewhere.list({ state: "used" })).toMatchObject([{ id, use: { outcome: "success" } }]);
    await elsewhere.close();
  });
});

describe("an approver's key", () => {
  const transfer = refund({ actions: [{ actionType: "transfer", payload: { to: "x" } }] });

  it("is wanted by rules of severity high where the host lists any, and its signature is checked when the approval is used", async () => {
    const { log, ann, approvers } = await keys();
    const canopy = await open(log, { approvals: { approvers } });
    const id = await asked(canopy, transfer);
    expect(await canopy.approvals.get(id)).toMatchObject({ severity: "high", wants: "key" });
    await expect(canopy.approvals.decide(id, { decision: "approve", by: "Ann" })).rejects.toThrow(
      "wants the signature of an approver's key",
    );
    await canopy.approvals.decide(id, { decision: "approve", by: "Ann", keyPath: ann });
    expect(await canopy.authorize(transfer)).toMatchObject({ decision: "ALLOW", approval: { decidedBy: "Ann", assurance: "key" } });
    expect(await uses(log)).toMatchObject([{ approval: { assurance: "key" } }]);
    // What is less severe needs none, and nobody needs one to say no.
    await approved(canopy);
    expect(await canopy.authorize(refund())).toMatchObject({ decision: "ALLOW", approval: { assurance: "same_user" } });
    await canopy.approvals.decide(await asked(canopy, transfer), { decision: "deny", by: "Bob" });
  });

  it("is not replaced by a yes without one, given before the host listed any", async () => {
    const { log, approvers } = await keys();
    const before = await open(log);
    const id = await approved(before, transfer);
    await before.close();
    const canopy = await open(log, { approvals: { approvers } });
    const answer = await canopy.authorize(transfer);
    expect(answer).toMatchObject({ decision: "REQUIRE_APPROVAL" });
    expect(answer.reason).toContain(`\`${id}\` was given by \`Ann\` without a key, which a rule of severity high wants`);
    expect(await asked(canopy, transfer)).toBe(idOf(answer));
  });

  it("of a stranger counts for nothing, not even for what wants none", async () => {
    const { log, eve, approvers } = await keys();
    const canopy = await open(log, { approvals: { approvers } });
    for (const request of [transfer, refund()]) {
      const id = await asked(canopy, request);
      await expect(canopy.approvals.decide(id, { decision: "approve", by: "Ann", keyPath: eve })).rejects.toThrow(
        "is not one that the host lists for",
      );
      // Whoever decides elsewhere does not know whom the host lists.
      const elsewhere = await openApprovals({ log });
      await elsewhere.decide(id, { decision: "approve", by: "Ann", keyPath: eve });
      await elsewhere.close();
      const answer = await canopy.authorize(request);
      expect(answer).toMatchObject({ decision: "REQUIRE_APPROVAL" });
      expect(answer.reason).toContain(`\`${id}\` is signed in the name of \`Ann\` by a key that the host does not list for them`);
    }
    expect(await uses(log)).toEqual([]);
  });

  it("signs one decision by one person: nothing of it can be changed on record", async () => {
    const { log, folder, ann, approvers } = await keys();
    const canopy = await open(log, { approvals: { approvers } });
    const id = await asked(canopy, transfer);
    const elsewhere = await openApprovals({ log });
    await elsewhere.decide(id, { decision: "approve", by: "Ann", keyPath: ann });
    const [decided] = await entries(log, "approval.decided");
    await elsewhere.close();
    // The same signature, put under another request by somebody who can write the log.
    const other = refund({ actions: [{ actionType: "transfer", payload: { to: "eve" } }] });
    const otherId = await asked(canopy, other);
    const { v: _v, seq: _seq, ts: _ts, prev_hash: _prev, entry_hash: _hash, ...body } = decided ?? {};
    const forger = await openAuditLog({ path: log });
    const digest = (await canopy.approvals.get(otherId))?.digest ?? "";
    await forger.append({ ...body, type: "approval.decided", approval_id: otherId, digest });
    await forger.close();
    const answer = await canopy.authorize(other);
    expect(answer).toMatchObject({ decision: "REQUIRE_APPROVAL" });
    expect(answer.reason).toContain("by a key that the host does not list");
    expect((await readFile(join(folder, "ann.key"), "utf8")).startsWith("PRIVATE+KEY+ann+")).toBe(true);
    expect((await stat(ann)).mode & 0o777).toBe(0o600);
  });
});

describe("what is changed from outside is found", () => {
  it.each([
    [
      "the action in the store",
      "UPDATE approvals SET action = replace(action, '20', '2000')",
      "the action that is stored is not the one that was asked about",
    ],
    ["that it was approved", "UPDATE approvals SET state = 'approved'", "the store says that it is approved, and the log does not"],
    [
      "that it is reserved",
      "UPDATE approvals SET state = 'reserved', token = 'x'",
      "the store says that it is reserved, and the log does not",
    ],
    ["that it was denied", "UPDATE approvals SET state = 'denied'", "the store says that it is denied, and the log does not"],
    ["who asked", "UPDATE approvals SET avid = 'AVID-1'", "the log holds no such request"],
    ["where it was requested", "UPDATE approvals SET requested_seq = requested_seq + 1", "the log holds no such request"],
    ["the hash of where it was requested", "UPDATE approvals SET requested_hash = 'x'", "the log holds no such request"],
    ["where it was requested, far off", "UPDATE approvals SET requested_seq = 999999", "the log holds no such request"],
    ["its id", "UPDATE approvals SET id = 'APR-00000000000000000000000000000000'", "the log holds no such request"],
  ])("%s, of a request that waits", async (_what, sql, problem) => {
    const { canopy, log } = await runtime();
    await asked(canopy);
    tamper(log, sql);
    const answer = await canopy.authorize(refund());
    expect(await uses(log)).toEqual([]);
    expect(answer).toMatchObject({ decision: "DENY", reason: expect.stringContaining(problem) as string });
    const listed = (await canopy.approvals.list()).find((each) => each.problem !== null);
    expect(listed?.problem).toContain(problem);
    await expect(canopy.approvals.decide(listed?.id ?? "", { decision: "approve", by: "Ann" })).rejects.toThrow("cannot be decided");
    await canopy.approvals.cancel(listed?.id ?? "", { by: "Ann", note: "somebody was at the store" });
    expect(await canopy.authorize(refund())).toMatchObject({
      reason: expect.stringContaining("A refund of 20") as string,
      decision: "REQUIRE_APPROVAL",
    });
  });

  it.each([
    ["the action in the store", "UPDATE approvals SET action = replace(action, '20', '2000')", "DENY"],
    ["the time to decide", "UPDATE approvals SET decide_by = 1", "ALLOW"],
    ["that it is not decided", "UPDATE approvals SET state = 'pending'", "ALLOW"],
    ["that it was used", "UPDATE approvals SET state = 'used'", "REQUIRE_APPROVAL or DENY"],
    ["that it is reserved", "UPDATE approvals SET state = 'reserved', token = 'x'", "ALLOW"],
  ])("%s, of one that was approved, never lets more through than the person said", async (_what, sql, expected) => {
    const { canopy, log } = await runtime();
    await approved(canopy);
    tamper(log, sql);
    const answer = await canopy.authorize(refund());
    expect(expected).toContain(answer.decision);
    await canopy.authorize(refund());
    expect((await uses(log)).length).toBe(answer.decision === "ALLOW" ? 1 : 0);
  });

  it("an approval is not given to another action by moving rows about", async () => {
    const { canopy, log } = await runtime();
    const id = await approved(canopy);
    const big = refund({ actions: [{ actionType: "refund", payload: { payment: "p-1", amount: 2000 } }] });
    const other = await asked(canopy, big);
    const database = new DatabaseSync(`${log}.approvals.db`, { timeout: 2000 });
    const { digest, action } = database.prepare("SELECT digest, action FROM approvals WHERE id = ?").get(other) ?? {};
    database.prepare("DELETE FROM approvals WHERE id = ?").run(other);
    database.prepare("UPDATE approvals SET digest = ?, action = ? WHERE id = ?").run(String(digest), String(action), id);
    database.close();
    const answer = await canopy.authorize(big);
    expect(answer).toMatchObject({
      decision: "DENY",
      reason: expect.stringContaining("the log holds this request for another action") as string,
    });
    expect(await uses(log)).toEqual([]);
  });

  it("a store that was put back to before an approval was used does not use it again", async () => {
    const { canopy, log } = await runtime();
    const id = await approved(canopy);
    await canopy.close();
    const store = `${log}.approvals.db`;
    await copyFile(store, `${log}.copy`);
    const first = await open(log);
    expect(await first.authorize(refund())).toMatchObject({ decision: "ALLOW" });
    await first.close();
    await copyFile(`${log}.copy`, store);
    const second = await open(log);
    const answer = await second.authorize(refund());
    expect(idOf(answer)).not.toBe(id);
    expect(answer.reason).toContain("was used already");
    expect(await uses(log)).toHaveLength(1);
  });

  it("a decision, or a use, that was changed in the log or taken out of it lets nothing through", async () => {
    const { canopy, log } = await runtime();
    await approved(canopy);
    await canopy.authorize(refund());
    await canopy.authorizeAction({ agent_id: "a" }, "read", {});
    await canopy.close();
    const text = await readFile(log, "utf8");
    const lines = text.split("\n");
    const use = lines.findIndex((line) => line.includes('"approval":{'));
    tamper(log, "UPDATE approvals SET state = 'approved' WHERE state = 'used'");
    await writeFile(log, lines.with(use, (lines[use] ?? "").replace('"approval":{"id":"APR-', '"approval":{"id":"APX-')).join("\n"));
    const other = await open(log);
    const answer = await other.authorize(refund());
    expect(answer).toMatchObject({ decision: "DENY", reason: expect.stringContaining("was changed, or does not follow") as string });
  });

  it("a row that points nowhere keeps nobody from looking at the others, also without the part of the log that it was in", async () => {
    const { canopy, log } = await runtime();
    const id = await asked(canopy);
    tamper(log, "UPDATE approvals SET requested_seq = 999999");
    await canopy.close();
    const again = await open(log);
    expect(await again.approvals.list()).toMatchObject([{ id, problem: expect.stringContaining("no such request") as string }]);
    await again.approvals.cancel(id, { by: "Ann" });
    expect(await asked(again)).not.toBe(id);
  });

  it("a new log knows nothing of what was approved on another", async () => {
    const { canopy, log } = await runtime();
    const id = await approved(canopy);
    await canopy.close();
    await Promise.all([unlink(log), unlink(`${log}.head`)]);
    const other = await open(log);
    expect(await asked(other)).not.toBe(id);
    expect(await other.approvals.get(id)).toBeNull();
  });
});

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
      ["directory", async (path) => await mkdir(path), "EISDIR"],
      [
        "text",
        async (path) =>
          await writeFile(path, "not a database, but long enough to be taken for something else\n".repeat(20), { mode: 0o600 }),
        "not a database",
      ],
      ["open", async (path) => (await writeFile(path, ""), await chmod(path, 0o644)), "can be read or written by others"],
      ["link", async (path) => await symlink(join(folder, "elsewhere"), path), "ELOOP"],
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
