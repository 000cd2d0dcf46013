import type { Readable } from "node:stream";

/** One line of a stream, without its line feed: its text, or that it was longer than the reader keeps. */
export type Line = "too long" | { readonly text: string; readonly malformed: boolean };

/**
 * The lines of a byte stream, in order, the last one also without a line feed. A line of more than `longest` bytes is reported and skipped to
 * its end, so memory stays bounded whatever is sent. Lines end at LF alone; a CR stays, since JSON takes it as white space.
 */
export async function* lines(stream: Readable, longest: number): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let length = 0;

  function line(): Line {
    const bytes = Buffer.concat(parts);
    const whole = length <= longest;
    parts = [];
    length = 0;
    if (!whole) return "too long";
    try {
      return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), malformed: false };
    } catch {
      return { text: "?", malformed: true };
    }
  }

  for await (const chunk of stream as AsyncIterable<Buffer | string>) {
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
