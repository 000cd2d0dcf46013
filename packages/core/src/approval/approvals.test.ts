import { link as hardLink, symlink, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { verifyAuditLog } from "../audit/index.ts";
import type { AuthorizationRequest } from "../runtime/authorizer.ts";
import { openCanopy } from "../runtime/open-canopy.ts";
import { approved, asked, entries, idOf, open, policy, refund, runtime, temporaryFolder, uses } from "./approval.test.fixture.ts";
import { createMemoryApprovalStore } from "./memory-store.ts";
import { openApprovals } from "./open-approvals.ts";
import { createApproverKey } from "./signature.ts";
import type { ApprovalStore } from "./store.ts";

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

  it("runs once however often it is tried at once, and the others are all one new request", async () => {
    const { canopy, log } = await runtime();
    const other = await open(log);
    const id = await approved(canopy);
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => await (index % 2 === 0 ? canopy : other).authorize(refund())),
    );
    const allowed = answers.filter(({ decision }) => decision === "ALLOW");
    expect(allowed).toMatchObject([{ approval: { id } }]);
    const asking = answers.filter((answer) => answer.decision === "REQUIRE_APPROVAL");
    expect([asking.length, new Set(asking.map(idOf)).size]).toEqual([39, 1]);
    expect(await uses(log)).toHaveLength(1);
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

  it("is another action when its file is another name of a file since, and says so", async () => {
    const folder = await temporaryFolder();
    const canopy = await open(join(folder, "audit.log"), { policy: { name: "p", text: "version: 1\ndefault: REQUIRE_APPROVAL\n" } });
    const [path, precious] = [join(folder, "notes"), join(folder, "precious")];
    await Promise.all([path, precious].map(async (each) => await writeFile(each, "")));
    const request = { agentCtx: { agent_id: "x" }, actions: [{ actionType: "modify_file", payload: { path } }] } as const;
    const id = await approved(canopy, request);
    await unlink(path);
    await hardLink(precious, path);
    const again = await asked(canopy, request);
    expect(again).not.toBe(id);
    expect((await canopy.approvals.get(again))?.preview).toContain(`${path}: one of several names of ${path}`);
    await unlink(path);
    await writeFile(path, "");
    expect(await canopy.authorize(request)).toMatchObject({ decision: "ALLOW", approval: { id } });
  });

  it("is another action when the disk no longer tells where its paths lead", async () => {
    const folder = await temporaryFolder();
    const canopy = await open(join(folder, "audit.log"), { policy: { name: "p", text: "version: 1\ndefault: REQUIRE_APPROVAL\n" } });
    const agentCtx = { agent_id: "x", cwd: folder };
    await writeFile(join(folder, "one.txt"), "");
    const pattern = { agentCtx, actions: [{ actionType: "execute_shell", payload: { command: "tee *.txt" } }] } as const;
    const loop = { agentCtx, actions: [{ actionType: "modify_file", payload: { path: "two" } }] } as const;
    const ids = [await approved(canopy, pattern), await approved(canopy, loop)];
    await symlink("/etc/hosts", join(folder, "other.txt"));
    await symlink("two", join(folder, "two"));
    const [again, loopAgain] = [await asked(canopy, pattern), await asked(canopy, loop)];
    expect(ids).not.toContain(again);
    expect(ids).not.toContain(loopAgain);
    expect((await canopy.approvals.get(again))?.preview).toContain(`${join(folder, "*.txt")}: not known`);
    await canopy.approvals.decide(again, { decision: "approve", by: "Ann" });
    expect(await canopy.authorize(pattern)).toMatchObject({ decision: "ALLOW", approval: { id: again } });
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

it("is not used where its time runs out between the look at it and the entry that would use it", async () => {
  const time = clock();
  const log = join(await temporaryFolder(), "audit.log");
  const store = createMemoryApprovalStore();
  const slow: ApprovalStore = {
    ...store,
    change: async (id, change) => {
      if (change.to === "reserved") time.move(hour);
      return await store.change(id, change);
    },
  };
  const canopy = await open(log, { audit: { path: log, now: time.now }, approvals: { store: slow } });
  const id = await approved(canopy);
  time.move(1);
  expect(await canopy.authorize(refund())).toMatchObject({
    decision: "DENY",
    reason: expect.stringContaining(`\`${id}\` ran out of time`) as string,
  });
  expect(await uses(log)).toEqual([]);
});

it("of another log is not touched from this one, where both keep theirs in one store", async () => {
  const folder = await temporaryFolder();
  const approvals = { path: join(folder, "shared.db") };
  const [one, other] = [await open(join(folder, "one.log"), { approvals }), await open(join(folder, "other.log"), { approvals })];
  const id = await asked(one);
  for (const work of [other.approvals.decide(id, { decision: "deny", by: "Ann" }), other.approvals.cancel(id, { by: "Ann" })]) {
    await expect(work).rejects.toThrow(`there is no request \`${id}\``);
  }
  expect(await one.approvals.get(id)).toMatchObject({ state: "pending", problem: null });
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
