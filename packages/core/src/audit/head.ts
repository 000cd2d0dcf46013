import { hash } from "node:crypto";

import { isJsonObject } from "../json.ts";
import type { JsonValue } from "../json.ts";
import { openOrCreate, openToRead } from "./disk.ts";
import type { Disk } from "./disk.ts";

/**
 * The last entry that was known to be durable. It is kept beside the log, in a file of one small block that is written after each sync
 * and under the lock: after a crash it may lag behind the log, but it never leads it. A log that ends before its head was cut.
 */
export interface Head {
  /** Of the log that it belongs to. */
  readonly origin: string;
  /** The `seq` of the first entry of the segment that the entry stands in. */
  readonly first: number;
  readonly seq: number;
  readonly hash: string;
  /** The offset just past the entry's newline, in its segment. */
  readonly end: number;
}

/** What the head file says: `missing` where there is none, `damaged` where it holds something else. */
export type HeadFile = { readonly kind: "present"; readonly head: Head } | { readonly kind: "missing" | "damaged" };

/** Less than a sector, so that a crash leaves the old block or the new one. */
const blockBytes = 384;

function headPath(logPath: string): string {
  return `${logPath}.head`;
}

/** Throws what the system throws, save that a missing file is an answer. */
export function readHead(disk: Disk, logPath: string): HeadFile {
  let fd: number;
  try {
    fd = disk.open(headPath(logPath), openToRead);
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return { kind: "missing" };
    throw error;
  }
  try {
    if (!disk.fdStatus(fd).regular) return { kind: "damaged" };
    const block = Buffer.alloc(blockBytes);
    // A reader without the lock may come upon a write that is half done.
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const head = parseHead(block.subarray(0, disk.read(fd, block, 0)).toString());
      if (head !== null) return { kind: "present", head };
    }
    return { kind: "damaged" };
  } finally {
    disk.close(fd);
  }
}

/** Only under the lock, and only when the entry is durable. */
export function writeHead(disk: Disk, logPath: string, head: Head): void {
  const fd = disk.open(headPath(logPath), openOrCreate);
  try {
    const block = Buffer.from(formatHead(head));
    if (disk.writeNow(fd, block, 0) !== block.length) throw new Error("the head was written in part");
  } finally {
    disk.close(fd);
  }
}

/** Puts the head where a power cut cannot reach it. */
export async function syncHead(disk: Disk, logPath: string): Promise<void> {
  const fd = disk.open(headPath(logPath), openOrCreate);
  try {
    await disk.sync(fd);
  } finally {
    disk.close(fd);
  }
}

function formatHead({ origin, first, seq, hash: entryHash, end }: Head): string {
  const text = `{"v":1,"origin":${JSON.stringify(origin)},"first":${first},"seq":${seq},"entry_hash":"${entryHash}","end":${end}`;
  return `${text},"check":"${checksum(text)}"}`.padEnd(blockBytes - 1) + "\n";
}

function parseHead(block: string): Head | null {
  const [, text, check] = /^(\{.*),"check":"([0-9a-f]{16})"\} *\n$/.exec(block) ?? [];
  if (text === undefined || check !== checksum(text)) return null;
  let parsed: JsonValue;
  try {
    parsed = JSON.parse(`${text}}`) as JsonValue;
  } catch {
    return null;
  }
  if (!isJsonObject(parsed) || parsed["v"] !== 1) return null;
  const { origin, first, seq, entry_hash: entryHash, end } = parsed;
  if (typeof origin !== "string" || typeof entryHash !== "string") return null;
  if (!isCount(first) || !isCount(seq) || !isCount(end) || first > seq) return null;
  return { origin, first, seq, hash: entryHash, end };
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Against half-written blocks, not against people: anybody can compute it. */
function checksum(text: string): string {
  return hash("sha256", text).slice(0, 16);
}
