import { basename } from "node:path";

import type { CanopyError } from "../errors.ts";
import type { Disk } from "./disk.ts";
import type { Head } from "./head.ts";
import { firstAfterSealed, openSealed } from "./sealed.ts";
import { sealedPath, sealedSegments } from "./segments.ts";
import { beginning, broken, positionOfHead } from "./tail.ts";
import type { Genesis, Position } from "./tail.ts";

/** A log as a writer left it: what its first entry says, and the last entry that the writer knows of. */
export interface Known {
  /** The file's name. */
  readonly name: string;
  /** Null where the segment that is written has no entry yet. */
  readonly genesis: Genesis | null;
  readonly last: Position;
}

/** Throws `AUDIT_LOG_BROKEN` where a log of `size` bytes ends before its head, or is another one. */
export function checkHead(head: Head, size: number, { name, genesis, last }: Known): void {
  if (genesis === null && last.end === 0 && head.seq <= last.seq) return;
  if (genesis === null || (head.first === genesis.first && head.end > size)) {
    throw broken(
      name,
      Math.min(head.seq - head.first, Math.max(0, last.seq - last.first)) + 1,
      `is followed by less than was written: \`${name}.head\` records ${head.seq + 1} entries; restore the log, or set both files aside to begin a new one`,
    );
  }
  refuseOtherLog(head, genesis, name);
}

/** The segment that is written, open. */
interface Active {
  readonly fd: number;
  /** The number of its first entry. */
  readonly first: number;
  readonly genesis: Genesis | null;
}

/**
 * Where the head's entry stands: in the active segment, or in one that was sealed before the head was written anew. Throws `AUDIT_LOG_BROKEN` where it
 * stands in neither; one beyond the end of its file is left to `checkHead`, which says it best.
 */
export function placeOfHead(disk: Disk, path: string, head: Head, { fd, first, genesis }: Active): Position {
  const name = basename(path);
  refuseOtherLog(head, genesis, name);
  if (head.first === first) {
    return head.end > disk.fdStatus(fd).size ? { ...beginning, first: head.first } : positionOfHead(disk, fd, name, head);
  }
  if (head.first > first) throw broken(name, 1, `begins an older segment than the one that \`${name}.head\` belongs to`);
  const file = sealedPath(path, head.first);
  const sealed = openSealed(disk, file);
  try {
    return positionOfHead(disk, sealed, basename(file), head);
  } finally {
    disk.close(sealed);
  }
}

function refuseOtherLog(head: Head, genesis: Genesis | null, name: string): void {
  if (genesis === null || head.origin === genesis.origin) return;
  throw broken(name, 1, `begins another log than the one that \`${name}.head\` belongs to; put the two files together again`);
}

/**
 * Where there is no file of the log's name: a new log, or one that was about to go on after a seal, is gone on with. Anything else was removed, and
 * throws `AUDIT_LOG_BROKEN`.
 */
export function refuseMissing(disk: Disk, path: string, head: Head | null, last: Position): void {
  const name = basename(path);
  const isSealed = sealedSegments(disk, path).length > 0;
  if (!isSealed && head !== null) {
    throw broken(
      name,
      1,
      `is missing: \`${name}.head\` records ${head.seq + 1} entries; restore the log, or set the head file aside too to begin a new one`,
    );
  }
  if (!isSealed && last.seq >= 0) throw outOfReach(name, last);
  if (!isSealed) return;
  const next = firstAfterSealed(disk, path);
  if ((head !== null && head.seq >= next) || last.seq >= next) {
    throw broken(name, 1, `is missing: entries after number ${next - 1} were recorded; restore it`);
  }
}

/** What is said where the file that a writer had open is not the log any more. */
export function outOfReach(name: string, { seq, first }: Position): CanopyError {
  return broken(name, seq - first + 1, "is out of reach: the log was removed or replaced while it was in use");
}
