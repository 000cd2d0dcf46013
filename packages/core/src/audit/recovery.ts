import { hash, randomBytes } from "node:crypto";
import { basename, dirname } from "node:path";

import { createNew, openForUpdate, openToRead, syncDirectory, writeAll } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { bodyText, formatLine } from "./entry.ts";
import { memberOf } from "./members.ts";
import type { Position } from "./tail.ts";

/**
 * Replaces the unfinished line at the end of the log, which no caller was ever told of, by an entry that records the cut; the bytes are
 * kept in a file beside the log first. The entry is written over the fragment, so that there is no moment at which the fragment is gone
 * and the record of it is missing: after a crash at any point, what is left over is cut again.
 */
export async function cutFragment(disk: Disk, path: string, last: Position, fragment: Buffer, ts: string): Promise<Position> {
  const kept = `${path}.torn-${ts.replaceAll(/[^0-9]/g, "")}-${randomBytes(4).toString("hex")}`;
  await keepAside(disk, kept, fragment);
  const body = bodyText("recovery", [
    memberOf("what", "torn_tail"),
    memberOf("cut_bytes", fragment.length),
    memberOf("cut_sha256", hash("sha256", fragment)),
    memberOf("kept_as", basename(kept)),
  ]);
  const { line, hash: entryHash } = formatLine(last.seq + 1, ts, body, last.hash);
  const bytes = Buffer.from(`${line}\n`);
  const end = last.end + bytes.length;
  const fd = disk.open(path, openForUpdate);
  try {
    await writeAll(disk, fd, bytes, last.end);
    disk.truncate(fd, end);
    await disk.sync(fd);
  } finally {
    disk.close(fd);
  }
  return { first: last.first, seq: last.seq + 1, hash: entryHash, start: last.end, end, isSeal: false };
}

/**
 * Writes the bytes from `from` to `to` once more, as they are. When a sync fails, the kernel may forget that pages were never written and
 * answer the next sync with success; only what is written again is sure to be covered by it.
 */
export async function rewrite(disk: Disk, path: string, from: number, to: number): Promise<void> {
  const fd = disk.open(path, openForUpdate);
  try {
    await copyBytes(disk, fd, fd, from, to);
  } finally {
    disk.close(fd);
  }
}

/** Puts a copy of the first `end` bytes, in other blocks of the device and synced, in the place of the file. */
export async function copyAnew(disk: Disk, path: string, end: number): Promise<void> {
  const fresh = `${path}.new`;
  // Left over from a writer that died here; it was never the log.
  if (disk.status(fresh) !== null) disk.remove(fresh);
  const from = disk.open(path, openToRead);
  try {
    const to = disk.open(fresh, createNew);
    try {
      await copyBytes(disk, from, to, 0, end);
      await disk.sync(to);
    } catch (error) {
      disk.remove(fresh);
      throw error;
    } finally {
      disk.close(to);
    }
  } finally {
    disk.close(from);
  }
  disk.rename(fresh, path);
  await syncDirectory(disk, dirname(path));
}

/** Empties a segment that has no entry yet. */
export function clear(disk: Disk, path: string): void {
  const fd = disk.open(path, openForUpdate);
  try {
    disk.truncate(fd, 0);
  } finally {
    disk.close(fd);
  }
}

async function copyBytes(disk: Disk, from: number, to: number, start: number, end: number): Promise<void> {
  const chunk = Buffer.allocUnsafe(Math.min(1024 * 1024, end - start));
  for (let at = start; at < end; at += chunk.length) {
    const bytes = chunk.subarray(0, Math.min(chunk.length, end - at));
    if (disk.read(from, bytes, at) !== bytes.length) throw new Error("the log became shorter while it was read");
    await writeAll(disk, to, bytes, at);
  }
}

async function keepAside(disk: Disk, path: string, bytes: Buffer): Promise<void> {
  const fd = disk.open(path, createNew);
  try {
    await writeAll(disk, fd, bytes, 0);
    await disk.sync(fd);
  } catch (error) {
    // A full disk would otherwise collect one empty file for each attempt.
    disk.remove(path);
    throw error;
  } finally {
    disk.close(fd);
  }
  await syncDirectory(disk, dirname(path));
}
