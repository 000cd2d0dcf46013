import { hash } from "node:crypto";
import { basename } from "node:path";

import { openToRead, unavailable } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { maxLineBytes } from "./entry.ts";
import { readLines } from "./lines.ts";
import { sealedPath, sealedSegments } from "./segments.ts";
import { broken } from "./tail.ts";

/** A place between two entries of a log. */
export interface ScanPlace {
  /** The segment, by the number of its first entry. */
  readonly first: number;
  readonly offset: number;
  /** Of the entry that comes next. */
  readonly seq: number;
  /** Of the entry before; null where it was not read. */
  readonly hash: string | null;
}

/** The number of the entry to begin with (the nearest where there is none of that number), or the place where an earlier scan ended. */
export type ScanFrom = number | ScanPlace;

export interface ScannedEntry {
  readonly seq: number;
  /** The line's bytes without its newline, valid until `onEntry` returns. */
  readonly line: Buffer;
}

/** `stop` ends the scan after this entry. */
export type OnEntry = (entry: ScannedEntry) => "stop" | undefined;

type Reading = Pick<Disk, "list" | "open" | "close" | "read" | "status" | "fdStatus">;

/**
 * The entries of a log from a place on, across its segments, and the place after the last whole line. Each must have the hash that it names and follow
 * the one before: what was taken out, put in or changed since the place is found, unless all that comes after it was made anew. Throws
 * `AUDIT_LOG_BROKEN` there, and `AUDIT_LOG_UNAVAILABLE` where the log cannot be read. Needs no lock; under the log's lock it reads all that there is.
 */
export async function scanLog(disk: Reading, path: string, from: ScanFrom, onEntry: OnEntry): Promise<ScanPlace> {
  try {
    let place = typeof from === "number" ? locate(disk, path, from) : from;
    for (;;) {
      const end = await scanSegment(disk, path, place, onEntry);
      place = end.place;
      if (!end.isSealed) return place;
      place = { ...place, first: place.seq, offset: 0 };
    }
  } catch (error) {
    throw unavailable(`read \`${basename(path)}\``, error);
  }
}

async function scanSegment(
  disk: Reading,
  path: string,
  from: ScanPlace,
  onEntry: OnEntry,
): Promise<{ readonly place: ScanPlace; readonly isSealed: boolean }> {
  // A writer that died between sealing a segment and beginning the next one left nothing more to read.
  if (from.offset === 0 && firstOf(disk, path) === null && disk.status(sealedPath(path, from.first)) === null) {
    return { place: from, isSealed: false };
  }
  const file = segmentFile(disk, path, from.first);
  const name = basename(file);
  const fd = disk.open(file, openToRead);
  try {
    let { offset, seq, hash: prevHash } = from;
    let isSealed = false;
    const reader = readLines((into, position) => disk.read(fd, into, position), offset);
    for (;;) {
      const step = await reader.next();
      if (step.done === true) {
        if (step.value.kind === "overlong") throw broken(name, seq - from.first + 1, `is longer than ${maxLineBytes} bytes`);
        return { place: { first: from.first, offset, seq, hash: prevHash }, isSealed };
      }
      for (const { bytes, end } of step.value) {
        prevHash = follow(bytes, seq, prevHash) ?? refuse(name, seq - from.first + 1);
        isSealed = seal.test(bytes.toString("latin1", 0, 160));
        const isEnough = onEntry({ seq, line: bytes }) === "stop";
        seq += 1;
        offset = end;
        if (isEnough) return { place: { first: from.first, offset, seq, hash: prevHash }, isSealed: false };
      }
    }
  } finally {
    disk.close(fd);
  }
}

const seal = /^\{"v":\d{1,9},"seq":\d{1,16},"ts":"[^"\\]{1,40}","type":"log\.sealed"/;
const endingBytes = 170;
const entryHashBytes = 81;

/** The line's hash where it is sound and follows the one before; null where not. */
function follow(line: Buffer, seq: number, prevHash: string | null): string | null {
  const [, prev, own] =
    /"prev_hash":"([0-9a-f]{64})","entry_hash":"([0-9a-f]{64})"\}$/.exec(line.toString("latin1", Math.max(0, line.length - endingBytes))) ??
    [];
  if (prev === undefined || own === undefined || seqOf(line, 0) !== seq) return null;
  if (prevHash !== null && prev !== prevHash) return null;
  return hash("sha256", line.subarray(0, line.length - entryHashBytes)) === own ? own : null;
}

function refuse(name: string, line: number): never {
  throw broken(name, line, "was changed, or does not follow the entry before it; canopy verify says more");
}

function seqOf(bytes: Buffer, offset: number): number | null {
  const [, seq] = /^\{"v":\d{1,9},"seq":(\d{1,16}),/.exec(bytes.toString("latin1", offset, offset + 48)) ?? [];
  return seq === undefined ? null : Number(seq);
}

/**
 * Where entry number `seq` begins, or the oldest that is there where it is older than all of them, or the last where it is newer. Found by halving, so
 * that its age does not matter.
 */
function locate(disk: Reading, path: string, seq: number): ScanPlace {
  const segments = sealedSegments(disk, path).map(({ first }) => first);
  const active = firstOf(disk, path);
  if (active !== null) segments.push(active);
  const first = segments.findLast((each) => each <= seq) ?? segments[0];
  if (first === undefined) throw broken(basename(path), 1, "is not there yet");
  const fd = disk.open(segmentFile(disk, path, first), openToRead);
  try {
    let low = 0;
    let high = disk.fdStatus(fd).size;
    const window = Buffer.allocUnsafe(maxLineBytes + 64);
    // INVARIANT: `low` is the beginning of a line, and the entry's line begins there or after it, and before `high`.
    while (high - low > 2 * window.length) {
      const middle = Math.floor((low + high) / 2);
      const got = disk.read(fd, window, middle);
      const start = window.subarray(0, got).indexOf(0x0a) + 1;
      const found = start === 0 ? null : seqOf(window, start);
      if (found === null || found > seq || middle + start >= high) high = middle + 1;
      else low = middle + start;
    }
    let place: ScanPlace = { first, offset: 0, seq: first, hash: null };
    for (let offset = low; ;) {
      const line = window.subarray(0, disk.read(fd, window, offset));
      const stop = line.indexOf(0x0a);
      const found = seqOf(line, 0);
      if (stop < 0 || found === null || found > seq) return place;
      place = { first, offset, seq: found, hash: null };
      offset += stop + 1;
    }
  } finally {
    disk.close(fd);
  }
}

/** The file of the segment that begins with entry number `first`. */
function segmentFile(disk: Reading, path: string, first: number): string {
  const sealed = sealedPath(path, first);
  if (disk.status(sealed) !== null) return sealed;
  if (firstOf(disk, path) === first) return path;
  throw broken(basename(sealed), 1, "is missing: a sealed segment of the log was removed");
}

/** The number of the first entry of the segment that is written; null where there is none yet. */
function firstOf(disk: Reading, path: string): number | null {
  if (disk.status(path) === null) return null;
  const fd = disk.open(path, openToRead);
  try {
    const start = Buffer.alloc(48);
    return seqOf(start.subarray(0, disk.read(fd, start, 0)), 0);
  } finally {
    disk.close(fd);
  }
}
