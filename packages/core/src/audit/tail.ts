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

/** An entry that is known to be sound, and where its line stands. */
export interface Position {
  /** The segment it stands in, by the `seq` of that segment's first entry. */
  readonly first: number;
  readonly seq: number;
  readonly hash: string;
  /** Offset of the line's first byte in its segment. */
  readonly start: number;
  /** Offset just past its newline. */
  readonly end: number;
  /** Whether it is the entry that ends its segment. */
  readonly isSeal: boolean;
}

const newline = 0x0a;

/** Before the first entry. */
export const beginning: Position = { first: 0, seq: -1, hash: noHash, start: 0, end: 0, isSeal: false };

/** Before the first entry of the segment that goes on after the seal at `position`. */
export function afterSeal({ seq, hash: sealHash }: Position): Position {
  return { first: seq + 1, seq, hash: sealHash, start: 0, end: 0, isSeal: false };
}

/** How far a segment is sound, and the unfinished line that it ends with, if any. */
export interface Scan {
  readonly last: Position;
  readonly fragment: Buffer | null;
}

/** Reads everything after `from` in its segment. Throws `AUDIT_LOG_BROKEN` at the first line that is not the entry that belongs there. */
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
      if (rest.kind === "overlong") throw brokenAfter(name, last, `is longer than ${maxLineBytes} bytes`);
      return { last, fragment: rest.kind === "fragment" ? rest.bytes : null };
    }
    for (const { bytes, end } of step.value) {
      if (last.isSeal) throw brokenAfter(name, last, "follows the entry that sealed this segment");
      const checked = checkLine(bytes, last.seq + 1, last.hash);
      if (!checked.ok) throw brokenLine(name, lineAfter(last), checked);
      last = positionOf(checked, last.first, end - bytes.length - 1, end);
      onEntry(checked, last);
    }
  }
}

function positionOf({ seq, hash: entryHash, entry }: GoodLine, first: number, start: number, end: number): Position {
  return { first, seq, hash: entryHash, start, end, isSeal: member(entry, "type") === "log.sealed" };
}

/** Where the entry that the head names stands. Throws `AUDIT_LOG_BROKEN` unless exactly that entry ends where the head says. */
export function positionOfHead(disk: Disk, fd: number, name: string, head: Head): Position {
  const found = entryEndingAt(disk, fd, head.first, head.end);
  if (found !== null && found.seq === head.seq && found.hash === head.hash) return found;
  throw broken(name, head.seq - head.first + 1, "is not the entry that the head file names: the log was changed or replaced");
}

/** The entry whose line ends at the offset; null where none does that is sound in itself. */
export function entryEndingAt(disk: Disk, fd: number, first: number, end: number): Position | null {
  const from = Math.max(0, end - maxLineBytes - 2);
  const bytes = Buffer.alloc(end - from);
  if (disk.read(fd, bytes, from) !== bytes.length || bytes.at(-1) !== newline) return null;
  const text = bytes.subarray(0, -1);
  const start = text.lastIndexOf(newline) + 1;
  const checked = checkAlone(text.subarray(start));
  return checked?.ok === true ? positionOf(checked, first, from + start, end) : null;
}

/** Whether the bytes at `position` still are the line with that hash. Before the first line of a segment there is nothing to look at. */
export function isEntryAt(disk: Disk, fd: number, position: Position): boolean {
  if (position.end === 0) return true;
  const bytes = Buffer.alloc(position.end - position.start);
  if (disk.read(fd, bytes, position.start) !== bytes.length) return false;
  const ending = Buffer.from(`,"entry_hash":"${position.hash}"}\n`);
  const covered = bytes.subarray(0, -ending.length);
  return bytes.subarray(-ending.length).equals(ending) && hash("sha256", covered) === position.hash;
}

/** What the first entry of a segment says of its log. */
export interface Genesis {
  readonly origin: string;
  readonly lock: string;
  readonly durability: "fsync" | "os";
  /** The public key that the log was opened with, or that was in force when the segment began; null where there was none. */
  readonly publicKey: string | null;
  /** The `seq` of this entry, 0 for the log's own first. */
  readonly first: number;
  /** When it was written, in milliseconds since the epoch; NaN where that cannot be read. */
  readonly begun: number;
}

/** The first entry of a segment, or null where the file holds no whole line yet. Throws `AUDIT_LOG_BROKEN` where it is not one of ours. */
export function readGenesis(disk: Disk, fd: number, name: string): Genesis | null {
  const start = Buffer.alloc(maxLineBytes + 1);
  const bytes = start.subarray(0, disk.read(fd, start, 0));
  const stop = bytes.indexOf(newline);
  const notOurs = "is not the first entry of a Canopy audit log; choose another path";
  if (stop < 0) {
    // Only what can be the beginning of a first entry may be taken for a torn one: the rest is somebody else's file.
    const ours = Buffer.from('{"v":1,"seq":');
    const common = Math.min(ours.length, bytes.length);
    if (bytes.length <= maxLineBytes && ours.subarray(0, common).equals(bytes.subarray(0, common))) return null;
    throw broken(name, 1, notOurs);
  }
  const line = bytes.subarray(0, stop);
  const checked = checkAlone(line) ?? checkLine(line, 0, noHash);
  if (!checked.ok) throw brokenLine(name, 1, checked);
  const genesis = genesisOf(checked.entry);
  if (genesis === null) throw broken(name, 1, notOurs);
  return genesis;
}

/** What a segment's first entry says, or null where it is none. */
export function genesisOf(entry: JsonObject): Genesis | null {
  const origin = member(entry, "origin");
  const lock = member(entry, "lock");
  const durability = member(entry, "durability");
  const first = member(entry, "seq");
  const ts = member(entry, "ts");
  const publicKey = member(entry, "public_key") ?? null;
  if (typeof first !== "number" || member(entry, "type") !== (first === 0 ? "log.opened" : "log.continued")) return null;
  if (first === 0 && member(entry, "prev_hash") !== noHash) return null;
  if (typeof origin !== "string" || typeof lock !== "string" || (publicKey !== null && typeof publicKey !== "string")) return null;
  return durability === "fsync" || durability === "os"
    ? { origin, lock, durability, publicKey, first, begun: typeof ts === "string" ? Date.parse(ts) : Number.NaN }
    : null;
}

/** A line by what it says of itself: its place and its predecessor are taken from it. Null where it does not say. */
function checkAlone(line: Buffer): GoodLine | BadLine | null {
  const seq = /^\{"v":\d{1,9},"seq":(\d{1,16}),/.exec(line.toString("latin1", 0, 64))?.[1];
  const ending = line.subarray(-170).toString("latin1");
  const prevHash = /"prev_hash":"([0-9a-f]{64})","entry_hash":"[0-9a-f]{64}"\}$/.exec(ending)?.[1];
  return seq === undefined || prevHash === undefined ? null : checkLine(line, Number(seq), prevHash);
}

function lineAfter({ first, seq }: Position): number {
  return seq - first + 2;
}

function brokenAfter(name: string, last: Position, why: string): CanopyError {
  return broken(name, lineAfter(last), why);
}

function brokenLine(name: string, line: number, { why, newer }: BadLine): CanopyError {
  return broken(name, line, newer ? `${why}, which this version of Canopy cannot continue` : why);
}

/** The log does not hold what it should: `audit.log:7: …`. */
export function broken(name: string, line: number, why: string): CanopyError {
  return new CanopyError("AUDIT_LOG_BROKEN", `\`${name}:${line}\` ${why}`);
}
