import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, it, onTestFinished } from "vitest";

import { verifyAuditLog } from "../audit/index.ts";
import { openAuditLogOn } from "../audit/audit-log.ts";
import { localDisk } from "../audit/disk.ts";
import { loadLock } from "../audit/lock.ts";
import type { Canopy } from "../runtime/canopy.ts";
import { approved, entries, open, refund, temporaryFolder, uses } from "./approval.test.fixture.ts";

const child = fileURLToPath(new URL("./crash.test.child.ts", import.meta.url));

/** Every step, for whoever has minutes: `CANOPY_TEST_LONG=1`. */
const isLong = process.env["CANOPY_TEST_LONG"] === "1";

interface Run {
  readonly lines: readonly string[];
  readonly resume: () => void;
  /** Resolves when so many steps were done. */
  readonly reached: (steps: number) => Promise<void>;
  readonly ended: Promise<readonly string[]>;
}

function run(log: string, at: number, signal: string, from = "ask"): Run {
  const started = spawn(process.execPath, ["--conditions=@canopy-runtime/source", child, log, String(at), signal, from], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => {
    started.kill("SIGKILL");
  });
  const lines: string[] = [];
  let rest = "";
  let tell: (() => void) | null = null;
  started.stdout.setEncoding("utf8").on("data", (text: string) => {
    const found = (rest + text).split("\n");
    rest = found.pop() ?? "";
    lines.push(...found);
    tell?.();
  });
  return {
    lines,
    resume: () => started.kill("SIGCONT"),
    reached: async (steps) =>
      await new Promise((resolve) => {
        tell = () => {
          if (lines.filter((line) => line.startsWith("step ")).length >= steps) resolve();
        };
        tell();
      }),
    ended: once(started, "close").then(() => lines),
  };
}

async function ran(log: string): Promise<readonly string[]> {
  const text = await readFile(`${log}.ran`, "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}

/** What must be so after whatever happened to a process on the way. */
async function settled(log: string): Promise<void> {
  const canopy = await open(log);
  const before = await uses(log);
  const again = await canopy.authorize(refund());
  const after = await uses(log);
  const approvedOnce = (await entries(log, "approval.decided")).length === 1;
  // One that was approved is used now unless it was used before, and never twice.
  expect(after.length).toBe(approvedOnce ? 1 : 0);
  expect(again.decision).toBe(approvedOnce && before.length === 0 ? "ALLOW" : "REQUIRE_APPROVAL");
  const ranBefore = await ran(log);
  expect(ranBefore.length).toBeLessThanOrEqual(before.length);
  // Spent, and nobody knows how it ended: told to a person.
  const outcomes = await entries(log, "outcome");
  expect(await canopy.approvals.list({ withoutOutcome: true })).toHaveLength(after.length - outcomes.length);
  expect((await canopy.approvals.list()).filter(({ problem }) => problem !== null)).toEqual([]);
  await canopy.close();
  expect(await verifyAuditLog(log)).toMatchObject({ kind: "valid" });
}

it("a process that is killed at any step between asking and the outcome leaves nothing that is used twice, or for something else", async () => {
  const folder = await temporaryFolder();
  const whole = await run(join(folder, "whole.log"), 0, "SIGKILL").ended;
  const steps = whole.filter((line) => line.startsWith("step "));
  expect(steps.length).toBeGreaterThan(30);
  expect(await ran(join(folder, "whole.log"))).toHaveLength(1);
  // Every step that a use has, and some of those before.
  const all = steps.map((_, index) => index + 1);
  const chosen = isLong ? all : all.filter((at) => at % 5 === 0 || at > steps.length - 18);
  const queue = [...chosen];
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
        const log = join(folder, `${at}.log`);
        const lines = await run(log, at, "SIGKILL").ended;
        expect(lines.filter((line) => line.startsWith("step "))).toHaveLength(at);
        await settled(log);
      }
    }),
  );
});

async function patient(log: string): Promise<Canopy> {
  const audit = await openAuditLogOn({ disk: localDisk, loadLock, lockTimeoutMs: 200 }, { path: log });
  return await open(log, { audit });
}

/** The steps of a run that only uses an approval. */
async function stepsOfUse(folder: string): Promise<readonly string[]> {
  const log = join(folder, "count.log");
  const canopy = await open(log);
  await approved(canopy);
  await canopy.close();
  return (await run(log, 0, "SIGKILL", "use").ended).filter((line) => line.startsWith("step "));
}

it("while a process is stopped at any step of using an approval, another is denied or takes it, and only one of them ever uses it", async () => {
  const folder = await temporaryFolder();
  const steps = await stepsOfUse(folder);
  expect(steps).toContain("step after change");
  const all = steps.map((_, index) => index + 1);
  const queue = isLong ? all : all.filter((at) => at % 2 === 0);
  const decisions = new Set<string>();
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
        const log = join(folder, `${at}.log`);
        const canopy = await open(log);
        await approved(canopy);
        await canopy.close();
        const other = await patient(log);
        const stopped = run(log, at, "SIGSTOP", "use");
        await stopped.reached(at);
        const meanwhile = await other.authorize(refund());
        stopped.resume();
        await stopped.ended;
        decisions.add(meanwhile.decision);
        expect((await other.authorize(refund())).decision).toBe("REQUIRE_APPROVAL");
        expect(await uses(log)).toHaveLength(1);
        expect((await ran(log)).length + (meanwhile.decision === "ALLOW" ? 1 : 0)).toBe(1);
        await other.close();
      }
    }),
  );
  // Most of it happens under the lock.
  expect(decisions).toContain("DENY");
});

it("a process that was stopped while it used an approval does not use it after another took it, even where the lock's file was taken away", async () => {
  const folder = await temporaryFolder();
  const at = (await stepsOfUse(folder)).indexOf("step after change") + 1;
  const log = join(folder, "audit.log");
  const canopy = await open(log);
  const id = await approved(canopy);
  await canopy.close();
  const stopped = run(log, at, "SIGSTOP", "use");
  await stopped.reached(at);
  await unlink(`${log}.lock`);
  const other = await open(log);
  expect(await other.authorize(refund())).toMatchObject({ decision: "ALLOW", approval: { id } });
  stopped.resume();
  const lines = await stopped.ended;
  expect(lines.find((line) => line.startsWith("refused"))).toContain("was taken by another process");
  expect(await ran(log)).toEqual([]);
  expect(await uses(log)).toHaveLength(1);
});
