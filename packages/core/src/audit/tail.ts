import { hash } from "node:crypto";

import { CanopyError } from "../errors.ts";
import { member } from "../json.ts";
import type { JsonObject } from "../json.ts";
import { checkLine } from "./check-line.ts";
import type { BadLine, GoodLine } from "./check-line.ts";
import type { Disk } from "./disk.ts";
import { maxLineBytes, noHash } from "./entry.ts";
import type { Head } from "./head.ts";
import { readLines } from "./lines.ts";

/** An entry that is known to be sound, and where its line stands in the file. */
export interface Position {
  readonly seq: number;
  readonly hash: string;
  /** Offset of the line's first byte. */
  readonly start: number;
  /** Offset just past its newline. */
  readonly end: number;
}

const newline = 0x0a;

/** Before the first entry. */
export const beginning: Position = { seq: -1, hash: noHash, start: 0, end: 0 };

/** How far a log is sound, and the unfinished line that it ends with, if any. */
export interface Scan {
  readonly last: Position;
  readonly fragment: Buffer | null;
}

/** Reads everything after `from`. Throws `AUDIT_LOG_BROKEN` at the first line that is not the entry that belongs there. */
export async function scanTail(
  disk: Disk,
  fd: number,
  name: string,
  from: Position,
  onEntry: (entry: GoodLine, at: Position) => void,
): Promise<Scan> {
  let last = from;
  const reader = readLines((into, position) => disk.read(fd, into, position), from.end);
  for (;;) {
    const step = await reader.next();
    if (step.done === true) {
      const rest = step.value;
      if (rest.kind === "overlong") throw broken(name, last.seq + 2, `is longer than ${maxLineBytes} bytes`);
      return { last, fragment: rest.kind === "fragment" ? rest.bytes : null };
    }
    for (const { bytes, end } of step.value) {
      const checked = checkLine(bytes, last.seq + 1, last.hash);
      if (!checked.ok) throw brokenLine(name, last.seq + 2, checked);
      last = { seq: checked.seq, hash: checked.hash, start: end - bytes.length - 1, end };
      onEntry(checked, last);
    }
  }
}

/** Where the entry that the head names stands. Throws `AUDIT_LOG_BROKEN` unless exactly that entry ends where the head says. */
export function positionOfHead(disk: Disk, fd: number, name: string, head: Head): Position {
  const from = Math.max(0, head.end - maxLineBytes - 2);
  const bytes = Buffer.alloc(head.end - from);
  if (disk.read(fd, bytes, from) === bytes.length && bytes.at(-1) === newline) {
    const text = bytes.subarray(0, -1);
    const start = text.lastIndexOf(newline) + 1;
    const line = text.subarray(start);
    const prevHash = /"prev_hash":"([0-9a-f]{64})","entry_hash":"[0-9a-f]{64}"\}$/.exec(line.subarray(-170).toString("latin1"))?.[1] ?? "";
    const checked = checkLine(line, head.seq, prevHash);
    if (checked.ok && checked.hash === head.hash) return { seq: head.seq, hash: head.hash, start: from + start, end: head.end };
  }
  throw broken(name, head.seq + 1, "is not the entry that the head file names: the log was changed or replaced");
}

/** Whether the bytes at `position` still are the line with that hash. */
export function isEntryAt(disk: Disk, fd: number, position: Position): boolean {
  const bytes = Buffer.alloc(position.end - position.start);
  if (disk.read(fd, bytes, position.start) !== bytes.length) return false;
  const ending = Buffer.from(`,"entry_hash":"${position.hash}"}\n`);
  const covered = bytes.subarray(0, -ending.length);
  return bytes.subarray(-ending.length).equals(ending) && hash("sha256", covered) === position.hash;
}

/** What the first entry says of its log. */
export interface Genesis {
  readonly origin: string;
  readonly lock: string;
  readonly durability: "fsync" | "os";
}

/** The first entry, or null where the file holds no whole line yet. Throws `AUDIT_LOG_BROKEN` where it is not a log of ours. */
export function readGenesis(disk: Disk, fd: number, name: string): Genesis | null {
  const start = Buffer.alloc(maxLineBytes + 1);
  const bytes = start.subarray(0, disk.read(fd, start, 0));
  const stop = bytes.indexOf(newline);
  if (stop < 0) {
    // Only what can be the beginning of a first entry may be taken for a torn one: the rest is somebody else's file.
    const ours = Buffer.from('{"v":1,"seq":0,"ts":"');
    const common = Math.min(ours.length, bytes.length);
    if (bytes.length <= maxLineBytes && ours.subarray(0, common).equals(bytes.subarray(0, common))) return null;
    throw broken(name, 1, "is not the first entry of a Canopy audit log; choose another path");
  }
  const checked = checkLine(bytes.subarray(0, stop), 0, noHash);
  if (!checked.ok) throw brokenLine(name, 1, checked);
  const genesis = genesisOf(checked.entry);
  if (genesis === null) throw broken(name, 1, "is not the first entry of a Canopy audit log; choose another path");
  return genesis;
}

/** What a first entry says, or null where it is none. */
export function genesisOf(entry: JsonObject): Genesis | null {
  const origin = member(entry, "origin");
  const lock = member(entry, "lock");
  const durability = member(entry, "durability");
  if (member(entry, "type") !== "log.opened" || typeof origin !== "string" || typeof lock !== "string") return null;
  return durability === "fsync" || durability === "os" ? { origin, lock, durability } : null;
}

function brokenLine(name: string, line: number, { why, newer }: BadLine): CanopyError {
  return broken(name, line, newer ? `${why}, which this version of Canopy cannot continue` : why);
}

/** The log does not hold what it should: `audit.log:7: …`. */
export function broken(name: string, line: number, why: string): CanopyError {
  return new CanopyError("AUDIT_LOG_BROKEN", `\`${name}:${line}\` ${why}`);
}
