import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { onTestFinished } from "vitest";

import type { JsonObject } from "../json.ts";
import { openAuditLogOn } from "./audit-log.ts";
import type { AuditLog, AuditLogOptions, Machine } from "./audit-log.ts";
import { localDisk } from "./disk.ts";
import type { Disk } from "./disk.ts";
import type { DecisionEntry } from "./entry.ts";
import { loadLock } from "./lock.ts";
import type { LockMechanism } from "./lock.ts";

/** A directory of its own for the test that is running. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "canopy-audit-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function temporaryLogPath(): Promise<string> {
  return join(await temporaryDirectory(), "audit.log");
}

/** This machine, with some of its parts replaced. */
export function machine(changes: { disk?: Partial<Disk>; only?: LockMechanism; lockTimeoutMs?: number } = {}): Machine {
  return {
    disk: { ...localDisk, ...changes.disk },
    loadLock: async (wanted) => (changes.only === undefined || wanted === changes.only ? loadLock(wanted) : null),
    lockTimeoutMs: changes.lockTimeoutMs ?? 10_000,
  };
}

export async function open(path: string, on: Machine = machine(), options: Partial<AuditLogOptions> = {}): Promise<AuditLog> {
  const log = await openAuditLogOn(on, { path, ...options });
  onTestFinished(() => log.close());
  return log;
}

export function decision(changes: Partial<DecisionEntry> = {}): DecisionEntry {
  return {
    type: "decision",
    avid: "AVID-0",
    agent_ctx: { env: "test" },
    action_type: "execute_shell",
    payload: { command: "ls" },
    decision: "ALLOW",
    reason: "it is harmless",
    rules: [],
    policy_digest: null,
    trace_id: "t",
    enforced: true,
    ...changes,
  };
}

/** A closed log with `entries` decisions after its first entry. */
export async function writtenLog(entries: number): Promise<string> {
  const path = await temporaryLogPath();
  const log = await open(path);
  await Promise.all(Array.from({ length: entries }, (_, index) => log.append(decision({ trace_id: `t${index}` }))));
  await log.close();
  return path;
}

export async function readEntries(path: string): Promise<readonly JsonObject[]> {
  const text = await readFile(path, "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as JsonObject);
}

/** A log of the same lines changed by `change`, beside the same head file. */
export async function altered(path: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  await writeFile(path, change(await readFile(path)));
}

/** The file's lines, each with its newline. */
export function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from < bytes.length;) {
    const stop = bytes.indexOf(0x0a, from);
    const to = stop < 0 ? bytes.length : stop + 1;
    lines.push(bytes.subarray(from, to));
    from = to;
  }
  return lines;
}
