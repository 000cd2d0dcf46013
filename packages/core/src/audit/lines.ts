import { writeAll } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { maxLineBytes } from "./entry.ts";

/** A line's bytes, valid until the next batch is asked for, and the offset just past its newline. */
export interface Line {
  readonly bytes: Buffer;
  readonly end: number;
}

/** What follows the last newline: nothing, a piece of a line, or more than a line can hold. */
export type Rest = { readonly kind: "none" } | { readonly kind: "fragment"; readonly bytes: Buffer } | { readonly kind: "overlong" };

/** Fills the buffer from `position` on and answers how many bytes there were: fewer only at the end. */
export type ReadAt = (into: Buffer, position: number) => number | Promise<number>;

const chunkBytes = 256 * 1024;
const newline = 0x0a;

/** The lines from offset `start` on, in batches. Memory stays flat whatever the input: what is longer than a line is not kept. */
export async function* readLines(read: ReadAt, start: number): AsyncGenerator<readonly Line[], Rest> {
  const buffer = Buffer.allocUnsafe(maxLineBytes + 1 + chunkBytes);
  /** Bytes of an unfinished line at the beginning of the buffer, and the offset that they stand at. */
  let carried = 0;
  let at = start;
  for (;;) {
    const got = await read(buffer.subarray(carried, carried + chunkBytes), at + carried);
    const filled = carried + got;
    const lines: Line[] = [];
    let from = 0;
    for (let stop = buffer.indexOf(newline, carried); stop >= 0 && stop < filled; stop = buffer.indexOf(newline, from)) {
      lines.push({ bytes: buffer.subarray(from, stop), end: at + stop + 1 });
      from = stop + 1;
    }
    if (lines.length > 0) yield lines;
    carried = filled - from;
    if (carried > maxLineBytes) return { kind: "overlong" };
    if (got < chunkBytes) {
      return carried === 0 ? { kind: "none" } : { kind: "fragment", bytes: Buffer.from(buffer.subarray(from, filled)) };
    }
    buffer.copyWithin(0, from, filled);
    at += from;
  }
}

/**
 * Writes whole lines at `start`, the end of the file, finished where the system cuts a write short. Where they cannot be, the piece of a line that was
 * left is taken back, and it throws.
 */
export async function writeLines(disk: Disk, fd: number, lines: Buffer, start: number): Promise<void> {
  let written = 0;
  try {
    await writeAll(disk, fd, lines, null, (count) => {
      written = count;
    });
  } catch (error) {
    const whole = written === 0 ? 0 : lines.lastIndexOf(newline, written - 1) + 1;
    try {
      if (disk.fdStatus(fd).size === start + written && whole < written) disk.truncate(fd, start + whole);
    } catch {
      // Then it stays, and is cut and recorded when the log is opened again.
    }
    throw error;
  }
}
