import { mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { CanopyError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import { openAuditLogOn, openLogLock, realPath, thisMachine } from "./audit-log.ts";
import type { AuditLogOptions } from "./audit-log.ts";
import { openToRead, syncDirectory, unavailable } from "./disk.ts";
import { segmentPaths } from "./segments.ts";
import { readGenesis } from "./tail.ts";
import type { AuditVerdict, SoundPart } from "./verdict.ts";
import { verifyAuditLog } from "./verify.ts";

/** What it takes to bring a log into order. */
export type RepairPlan =
  /** It is in order. */
  | { readonly kind: "nothing"; readonly verdict: AuditVerdict }
  /** What the next writer does by itself, and puts on record: nothing that was ever acknowledged is touched. */
  | { readonly kind: "open"; readonly verdict: AuditVerdict; readonly steps: readonly string[] }
  /** It is evidence of something, and stays as it is: its files are moved into a folder, and a new log begins that names it. */
  | {
      readonly kind: "set_aside";
      readonly verdict: AuditVerdict;
      readonly files: readonly string[];
      readonly folder: string;
      readonly steps: readonly string[];
    };

/** What a repair goes by. The log is opened with these options when it is carried out. */
export type RepairOptions = Pick<AuditLogOptions, "path" | "keyPath" | "previousKeys" | "now">;

/**
 * What would have to be done to the log, and nothing of it yet. Reads all of it. Throws `AUDIT_LOG_UNAVAILABLE` where it cannot be read: a log that
 * cannot be looked at cannot be judged.
 */
export async function planAuditRepair(options: RepairOptions): Promise<RepairPlan> {
  const path = locate(options.path);
  const verdict = await verifyAuditLog(path);
  const { disk } = thisMachine;
  switch (verdict.kind) {
    case "unreadable":
      throw new CanopyError("AUDIT_LOG_UNAVAILABLE", verdict.why);
    case "valid":
      if (verdict.head === "matches") return { kind: "nothing", verdict };
      return {
        kind: "open",
        verdict,
        steps: [`write the head file anew from the last entry, number ${verdict.lastSeq}`, "record that it was gone"],
      };
    case "empty":
      return { kind: "open", verdict, steps: ["write the first entry of a new log"] };
    case "torn_tail":
      return {
        kind: "open",
        verdict,
        steps: [
          `keep the ${verdict.bytes} bytes of the unfinished line ${verdict.line} in a file beside the log`,
          "cut them off: no caller was ever told that this line was recorded",
          "record the cut, with the hash of what was cut",
        ],
      };
    default: {
      const stamp = (options.now?.() ?? new Date()).toISOString().replaceAll(/[^0-9]/g, "");
      const folder = `${path}.broken-${stamp}`;
      const files = [...segmentPaths(disk, path), ...["head", "tree", "checkpoint"].map((name) => `${path}.${name}`)].filter(
        (file) => disk.status(file) !== null,
      );
      const steps = [
        `move ${files.length === 1 ? "the log" : `the log's ${files.length} files`} to \`${basename(folder)}\`, unchanged, as evidence`,
        `begin a new log whose first entry names the old one${soundWords(verdict.sound)}`,
        "writers that still have the old log open answer DENY until they are started again",
      ];
      return { kind: "set_aside", verdict, files, folder, steps };
    }
  }
}

/**
 * Carries the plan out, under the log's lock. Throws where it cannot, `AUDIT_LOG_BROKEN` where the log is not any more what was planned for. Nothing
 * is ever deleted.
 */
export async function repairAuditLog(options: RepairOptions, plan: RepairPlan): Promise<void> {
  if (plan.kind === "nothing") return;
  const path = locate(options.path);
  const again = await planAuditRepair(options);
  if (again.kind !== plan.kind || JSON.stringify(again.verdict) !== JSON.stringify(plan.verdict)) {
    throw new CanopyError("AUDIT_LOG_BROKEN", `\`${basename(path)}\` has changed since it was looked at; look again`);
  }
  const follows = plan.kind === "set_aside" ? await setAside(path, plan) : null;
  const log = await openAuditLogOn(thisMachine, { ...options, path }, follows);
  await log.close();
}

async function setAside(path: string, plan: RepairPlan & { readonly kind: "set_aside" }): Promise<JsonObject> {
  const { disk, lockTimeoutMs } = thisMachine;
  const lock = await openLogLock(thisMachine, path);
  try {
    if (!(await lock.acquire(lockTimeoutMs)))
      throw new CanopyError("AUDIT_LOG_UNAVAILABLE", `another process holds the lock of \`${basename(path)}\``);
    try {
      const origin = originOf(path);
      mkdirSync(plan.folder, { mode: 0o700 });
      for (const file of plan.files) disk.rename(file, join(plan.folder, basename(file)));
      await syncDirectory(disk, plan.folder);
      await syncDirectory(disk, dirname(path));
      const sound = "sound" in plan.verdict ? plan.verdict.sound : null;
      return {
        kept_as: basename(plan.folder),
        verdict: plan.verdict.kind,
        why: "why" in plan.verdict ? plan.verdict.why : null,
        origin,
        sound_entries: sound?.entries ?? 0,
        entry_hash: sound?.headHash ?? null,
      };
    } finally {
      lock.release();
    }
  } catch (error) {
    throw unavailable(`set \`${basename(path)}\` aside`, error);
  } finally {
    lock.close();
  }
}

function locate(path: string): string {
  try {
    return realPath(path);
  } catch (error) {
    throw unavailable(`find \`${path}\``, error);
  }
}

/** The name that the log gave itself, as far as that can be read. */
function originOf(path: string): string | null {
  const { disk } = thisMachine;
  try {
    const fd = disk.open(path, openToRead);
    try {
      return readGenesis(disk, fd, basename(path))?.origin ?? null;
    } finally {
      disk.close(fd);
    }
  } catch {
    return null;
  }
}

function soundWords(sound: SoundPart | null): string {
  return sound === null ? "" : ` and its last sound entry, number ${sound.lastSeq} with hash ${sound.headHash.slice(0, 16)}…`;
}
