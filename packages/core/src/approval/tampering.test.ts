import { copyFile, readFile, unlink, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { approved, asked, idOf, open, refund, runtime, tamper, uses } from "./approval.test.fixture.ts";

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
