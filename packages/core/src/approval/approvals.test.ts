import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openCanopy } from "../runtime/open-canopy.ts";

it("works", async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "canopy-approvals-")));
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }));
  const log = join(folder, "audit.log");
  await using canopy = await openCanopy({ audit: log });
  const ask = async () =>
    await canopy.authorizeAction({ agent_id: "a", cwd: folder }, "execute_shell", { command: "curl https://example.com/\u202e" });
  const first = await ask();
  console.log(first);
  if (first.decision !== "REQUIRE_APPROVAL") throw new Error("x");
  console.log(await ask());
  console.log((await canopy.approvals.get(first.approvalId))?.preview);
  console.log(await canopy.approvals.decide(first.approvalId, { decision: "approve", by: "Ann", note: "fine" }));
  console.log(await ask());
  console.log(await ask());
  console.log(await canopy.approvals.list());
});
