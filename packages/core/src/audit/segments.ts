import { basename, dirname, join } from "node:path";

import type { Disk } from "./disk.ts";

/** A part of a log that is full: no line is added to it any more. */
export interface SealedSegment {
  readonly path: string;
  /** The `seq` of its first entry. */
  readonly first: number;
}

const digits = 12;

/** The name that a log's segment has once it is sealed: the log's own, and the number of its first entry. */
export function sealedPath(logPath: string, first: number): string {
  return `${logPath}.${String(first).padStart(digits, "0")}`;
}

/** The sealed segments of a log that stand beside it, oldest first. None where the directory cannot be read. */
export function sealedSegments(disk: Pick<Disk, "list">, logPath: string): readonly SealedSegment[] {
  const directory = dirname(logPath);
  const prefix = `${basename(logPath)}.`;
  const segments: SealedSegment[] = [];
  for (const name of listed(disk, directory)) {
    const number = name.slice(prefix.length);
    if (name.startsWith(prefix) && /^\d{12}$/.test(number)) segments.push({ path: join(directory, name), first: Number(number) });
  }
  return segments.toSorted((a, b) => a.first - b.first);
}

/** The files of a log in the order of their entries: its sealed segments, then the one that is written. */
export function segmentPaths(disk: Pick<Disk, "list">, logPath: string): readonly string[] {
  return [...sealedSegments(disk, logPath).map(({ path }) => path), logPath];
}

function listed(disk: Pick<Disk, "list">, directory: string): readonly string[] {
  try {
    return disk.list(directory);
  } catch {
    // Whoever opens the log itself next is told what is wrong.
    return [];
  }
}
