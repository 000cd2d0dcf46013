import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openAuditLog } from "../audit/index.ts";
import { approved, asked, entries, idOf, open, refund, temporaryFolder, uses } from "./approval.test.fixture.ts";
import { openApprovals } from "./open-approvals.ts";
import { createApproverKey } from "./signature.ts";

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
