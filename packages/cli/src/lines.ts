import type { Readable } from "node:stream";
import { UsageError } from "./usage-error.ts";

/** One line of a stream, without its line feed: its text, or that it was longer than the reader keeps. */
export type Line = "too long" | { readonly text: string; readonly malformed: boolean };

/**
 * The lines of a byte stream, in order, the last one also without a line feed. A line of more than `longest` bytes is reported and skipped to
 * its end, so memory stays bounded whatever is sent. Lines end at LF alone; a CR stays, since JSON takes it as white space. A byte order mark
 * before the first is left out. Throws a `UsageError` where the stream cannot be read.
 */
export async function* lines(stream: Readable, longest: number): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let length = 0;
  let isFirst = true;

  function line(): Line {
    const bytes = Buffer.concat(parts);
    const whole = length <= longest;
    parts = [];
    length = 0;
    const ignoreBOM = !isFirst;
    isFirst = false;
    if (!whole) return "too long";
    try {
      return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM }).decode(bytes), malformed: false };
    } catch {
      return { text: "?", malformed: true };
    }
  }

  for await (const chunk of chunks(stream)) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(0x0a, start);
      const piece = bytes.subarray(start, end < 0 ? undefined : end);
      length += piece.length;
      if (length <= longest) parts.push(piece);
      else parts = [];
      if (end < 0) break;
      yield line();
      start = end + 1;
    }
  }
  if (length > 0) yield line();
}

async function* chunks(stream: Readable): AsyncGenerator<Buffer | string> {
  try {
    yield* stream as AsyncIterable<Buffer | string>;
  } catch (error) {
    throw new UsageError(`the input cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
