import { hash, randomBytes } from "node:crypto";
import { basename, dirname } from "node:path";

import { createNew, openForUpdate, syncDirectory, writeAll } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { bodyText, formatLine } from "./entry.ts";
import { memberOf } from "./members.ts";
import { beginning } from "./tail.ts";
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
  return { seq: last.seq + 1, hash: entryHash, start: last.end, end };
}

/**
 * Writes the bytes from `from` to `to` once more, as they are. When a sync fails, the kernel may forget that pages were never written and
 * answer the next sync with success; only what is written again is sure to be covered by it.
 */
export async function rewrite(disk: Disk, path: string, from: number, to: number): Promise<void> {
  const fd = disk.open(path, openForUpdate);
  try {
    const chunk = Buffer.allocUnsafe(Math.min(1024 * 1024, to - from));
    for (let at = from; at < to; at += chunk.length) {
      const bytes = chunk.subarray(0, Math.min(chunk.length, to - at));
      if (disk.read(fd, bytes, at) !== bytes.length) throw new Error("the log became shorter while it was read");
      await writeAll(disk, fd, bytes, at);
    }
  } finally {
    disk.close(fd);
  }
}

/** Empties a log that has no entry yet. */
export function clear(disk: Disk, path: string): Position {
  const fd = disk.open(path, openForUpdate);
  try {
    disk.truncate(fd, 0);
  } finally {
    disk.close(fd);
  }
  return beginning;
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
