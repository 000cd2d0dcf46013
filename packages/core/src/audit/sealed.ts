import { basename } from "node:path";

import { openToRead, unavailable } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { sealedPath, sealedSegments } from "./segments.ts";
import { afterSeal, broken, entryEndingAt, isEntryAt, readGenesis, scanTail } from "./tail.ts";
import type { Genesis, Position } from "./tail.ts";

/** Opens a sealed segment to read. Throws `AUDIT_LOG_BROKEN` where it is not there. */
export function openSealed(disk: Disk, file: string): number {
  try {
    return disk.open(file, openToRead);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ENOENT") throw unavailable(`read \`${basename(file)}\``, error);
    throw broken(basename(file), 1, "is missing: a sealed segment of the log was removed");
  }
}

/** The `seq` that the next segment begins with, after those that are sealed; 0 where there are none. Throws where the newest is not sealed. */
export function firstAfterSealed(disk: Disk, logPath: string): number {
  const newest = sealedSegments(disk, logPath).at(-1);
  if (newest === undefined) return 0;
  const fd = openSealed(disk, newest.path);
  try {
    const end = entryEndingAt(disk, fd, newest.first, disk.fdStatus(fd).size);
    if (end?.isSeal === true) return end.seq + 1;
  } finally {
    disk.close(fd);
  }
  throw broken(basename(newest.path), 1, "begins a segment that does not end with its seal, and nothing follows it");
}

/** What the newest sealed segment says of its log. */
export function sealedGenesis(disk: Disk, logPath: string): Genesis {
  const newest = sealedSegments(disk, logPath).at(-1);
  if (newest !== undefined) {
    const fd = openSealed(disk, newest.path);
    try {
      const genesis = readGenesis(disk, fd, basename(newest.path));
      if (genesis !== null) return genesis;
    } finally {
      disk.close(fd);
    }
  }
  throw broken(basename(logPath), 1, "is missing, and no sealed segment says what log this is");
}

/**
 * Reads the rest of the sealed segment that `from` stands in, and answers where the next one begins. Throws `AUDIT_LOG_BROKEN` where it is not sound
 * to its seal. `onHash` hears of each entry on the way.
 */
export async function passSealed(disk: Disk, logPath: string, from: Position, onHash: (hash: string) => void): Promise<Position> {
  const file = sealedPath(logPath, from.first);
  const name = basename(file);
  const fd = openSealed(disk, file);
  try {
    if (disk.fdStatus(fd).size < from.end || !isEntryAt(disk, fd, from)) {
      throw broken(name, from.seq - from.first + 1, "was changed or removed after it was written");
    }
    const { last, fragment } = await scanTail(disk, fd, name, from, ({ hash }) => onHash(hash));
    if (fragment === null && last.isSeal) return afterSeal(last);
    throw broken(name, last.seq - last.first + 2, "is missing: the segment does not end with its seal");
  } finally {
    disk.close(fd);
  }
}
