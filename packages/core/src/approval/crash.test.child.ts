// A process that asks, has it approved, uses the approval and runs the tool, and dies or stops at one step on the way: at each thing that it does to the
// log's files or to the store there is one before it and one after it. Prints `step NAME` for each step, and `ran` when the tool ran.
import { appendFileSync, writeSync } from "node:fs";

import { openAuditLogOn } from "../audit/audit-log.ts";
import { localDisk } from "../audit/disk.ts";
import { loadLock } from "../audit/lock.ts";
import { openCanopy } from "../runtime/open-canopy.ts";
import { policy, refund } from "./approval.test.fixture.request.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import type { ApprovalStore } from "./store.ts";

const [log = "", at = "0", signal = "SIGKILL", from = "ask"] = process.argv.slice(2);
let steps = 0;

function step(name: string): void {
  steps += 1;
  // Not through a stream: it must be out before the signal.
  writeSync(1, `step ${name}\n`);
  if (steps === Number(at)) process.kill(process.pid, signal);
}

function around<A extends unknown[], R>(name: string, work: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
  return async (...args) => {
    step(`before ${name}`);
    const result = await work(...args);
    step(`after ${name}`);
    return result;
  };
}

function stepping(store: ApprovalStore): ApprovalStore {
  return { ...store, insert: around("insert", store.insert), change: around("change", store.change) };
}

async function main(): Promise<void> {
  const machine = {
    disk: {
      ...localDisk,
      write: async (fd: number, bytes: Buffer, position: number | null) => {
        step("before write");
        const half = Math.floor(bytes.length / 2);
        if (bytes.length < 16) return await localDisk.write(fd, bytes, position);
        await localDisk.write(fd, bytes.subarray(0, half), position);
        step("in the middle of a write");
        const rest = await localDisk.write(fd, bytes.subarray(half), position === null ? null : position + half);
        step("after write");
        return half + rest;
      },
      dataSync: async (fd: number) => {
        step("before sync");
        await localDisk.dataSync(fd);
        step("after sync");
      },
    },
    loadLock,
    lockTimeoutMs: 30_000,
  };
  const store = stepping(await openSqliteStore(`${log}.approvals.db`));
  const canopy = await openCanopy({ policy, audit: await openAuditLogOn(machine, { path: log }), approvals: { store } });
  const first = await canopy.authorize(refund());
  if (from === "ask" && first.decision === "REQUIRE_APPROVAL") {
    await canopy.approvals.decide(first.approvalId, { decision: "approve", by: "Ann" });
  }
  const answer = from === "ask" ? await canopy.authorize(refund()) : first;
  if (answer.decision !== "ALLOW") {
    writeSync(1, `refused ${answer.decision} ${answer.reason}\n`);
    return;
  }
  step("before the tool");
  appendFileSync(`${log}.ran`, `${String(answer.approval?.id)}\n`);
  step("after the tool");
  const { authorizationId, traceId } = answer;
  await canopy.recordOutcome({ authorizationId: authorizationId ?? "", traceId, status: "success", outputHash: null, durationMs: 0 });
  await canopy.close();
}

await main();
