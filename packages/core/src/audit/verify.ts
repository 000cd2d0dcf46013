import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { member } from "../json.ts";
import { checkAnchors, readAnchors } from "./anchors.ts";
import type { Anchors, GivenCheckpoint } from "./anchors.ts";
import { checkLine } from "./check-line.ts";
import type { GoodLine } from "./check-line.ts";
import { localDisk, openToRead, unavailable } from "./disk.ts";
import { maxLineBytes, noHash } from "./entry.ts";
import { readHead } from "./head.ts";
import type { Head, HeadFile } from "./head.ts";
import { readLines } from "./lines.ts";
import { sealedPath, sealedSegments } from "./segments.ts";
import { genesisOf } from "./tail.ts";
import type { AuditVerdict, SoundPart } from "./verdict.ts";

export interface VerifyOptions {
  /** Checkpoints that were kept elsewhere. The one beside the log is looked at too. */
  readonly checkpoints?: readonly GivenCheckpoint[];
  /**
   * Whose checkpoints are believed, as `NAME+ID+KEY`. Where none is given, the keys that the log itself names are taken, which shows no more than
   * that whoever wrote the log also signed it.
   */
  readonly publicKeys?: readonly string[];
  /** Bytes and entries read so far; called now and then. */
  readonly onProgress?: (bytes: number, entries: number) => void;
  /** Rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Reads the log once, through all its segments, in memory that does not grow with it, and says what it shows. Needs no lock and no right to write,
 * also while writers append. Any file gets a verdict, a missing one too; it throws only when it is aborted, and `INVALID_OPTIONS` for a public key
 * that is none.
 */
export async function verifyAuditLog(path: string, options: VerifyOptions = {}): Promise<AuditVerdict> {
  return verifyPatiently(path, options, 200);
}

/** The same, with the milliseconds for which an unfinished last line may be one that a writer is at. */
export async function verifyPatiently(path: string, options: VerifyOptions, patienceMs: number): Promise<AuditVerdict> {
  options.signal?.throwIfAborted();
  const anchors = await readAnchors(path, options.checkpoints ?? [], options.publicKeys ?? []);
  try {
    // The head first: entries are durable before it names them, so a log that is read later holds them.
    const head = readHead(localDisk, path);
    return await new Verification(path, head, anchors, options, patienceMs).run();
  } catch (error) {
    options.signal?.throwIfAborted();
    return { kind: "unreadable", why: unavailable(`read \`${path}\``, error).message };
  }
}

/** Thrown to end the pass with a verdict. */
class Found extends Error {
  readonly verdict: AuditVerdict;
  constructor(verdict: AuditVerdict) {
    super(verdict.kind);
    this.verdict = verdict;
  }
}

interface OpenFile {
  readonly handle: FileHandle;
  readonly file: string;
  /** Whether it is the one that is written, or was when it was opened. */
  readonly isActive: boolean;
}

class Verification {
  readonly #path: string;
  readonly #headFile: HeadFile;
  readonly #head: Head | null;
  readonly #anchors: Anchors;
  readonly #options: VerifyOptions;
  readonly #patienceMs: number;
  #origin = "";
  #seq = -1;
  #hash = noHash;
  #bytes = 0;
  #segments = 0;
  #file: string;
  /** The `seq` of the first entry of the file that is read. */
  #first = 0;
  #isSealed = false;

  constructor(path: string, head: HeadFile, anchors: Anchors, options: VerifyOptions, patienceMs: number) {
    this.#path = path;
    this.#headFile = head;
    this.#head = head.kind === "present" ? head.head : null;
    this.#anchors = anchors;
    this.#options = options;
    this.#patienceMs = patienceMs;
    this.#file = path;
  }

  async run(): Promise<AuditVerdict> {
    try {
      for (;;) {
        const next = await this.#open();
        if (next === null) break;
        try {
          await this.#read(next);
        } finally {
          await next.handle.close();
        }
        if (next.isActive && !this.#isSealed) break;
      }
      return this.#conclude();
    } catch (error) {
      if (error instanceof Found) return error.verdict;
      throw error;
    }
  }

  /** The file that the next entry stands in; null where none follows a seal. */
  async #open(): Promise<OpenFile | null> {
    const sealed = sealedPath(this.#path, this.#seq + 1);
    for (const file of [sealed, this.#path]) {
      try {
        const handle = await open(file, openToRead);
        if (!(await handle.stat()).isFile()) {
          await handle.close();
          throw new Found({ kind: "unreadable", why: `\`${file}\` is not a regular file` });
        }
        return { handle, file, isActive: file === this.#path };
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
    if (this.#isSealed) return null;
    if (this.#head !== null) throw new Found(this.#truncated(this.#head.seq, "the head file"));
    const later = sealedSegments(localDisk, this.#path)[0];
    if (later !== undefined) {
      throw new Found(this.#tampered(`is missing: the oldest segment that is there begins with entry ${later.first}`));
    }
    throw new Found({ kind: "unreadable", why: `\`${this.#path}\` does not exist` });
  }

  async #read({ handle, file, isActive }: OpenFile): Promise<void> {
    const { onProgress, signal } = this.#options;
    this.#file = file;
    this.#first = this.#seq + 1;
    this.#isSealed = false;
    this.#segments += 1;
    const before = this.#bytes;
    const reader = readLines((into, position) => readWhole(handle, into, position, isActive ? this.#patienceMs : 0), 0);
    for (;;) {
      signal?.throwIfAborted();
      const step = await reader.next();
      if (step.done === true) {
        const rest = step.value;
        if (rest.kind === "overlong") throw new Found(this.#tampered(`is longer than ${maxLineBytes} bytes`));
        if (rest.kind === "fragment") throw new Found(this.#torn(rest.bytes.length, isActive, before));
        break;
      }
      for (const { bytes, end } of step.value) {
        this.#take(bytes);
        this.#bytes = before + end;
      }
      onProgress?.(this.#bytes, this.#seq + 1);
    }
    if (!isActive && !this.#isSealed) throw new Found(this.#tampered("is missing: the segment does not end with its seal"));
  }

  #take(line: Buffer): void {
    if (this.#isSealed) throw new Found(this.#tampered("follows the entry that sealed this segment"));
    const checked = checkLine(line, this.#seq + 1, this.#hash);
    if (!checked.ok) {
      if (!checked.newer) throw new Found(this.#tampered(checked.why, checked.seq));
      const where = `\`${basename(this.#file)}:${this.#line()}\``;
      throw new Found({ kind: "unreadable", why: `${where} ${checked.why}, which this version of Canopy cannot read` });
    }
    if (checked.seq === this.#first) this.#begin(checked);
    const type = member(checked.entry, "type");
    if (type === "log.opened" || type === "log.continued" || type === "key.rotated")
      this.#anchors.nameKey(member(checked.entry, "public_key"));
    if (this.#head !== null && checked.seq === this.#head.seq && checked.hash !== this.#head.hash) {
      throw new Found(this.#tampered("is not the entry that the head file names", checked.seq));
    }
    this.#anchors.addLine(line);
    ({ seq: this.#seq, hash: this.#hash } = checked);
    this.#isSealed = type === "log.sealed";
  }

  /** The first entry of a segment. */
  #begin({ seq, entry }: GoodLine): void {
    const genesis = genesisOf(entry);
    if (genesis === null) {
      throw new Found(
        this.#tampered(seq === 0 ? "is not the first entry of a Canopy audit log" : "is not the first entry of a segment", seq),
      );
    }
    if (seq > 0 && genesis.origin !== this.#origin) throw new Found(this.#tampered("begins a segment of another log", seq));
    if (this.#head !== null && this.#head.origin !== genesis.origin) {
      throw new Found(this.#tampered("begins another log than the one that the head file belongs to", seq));
    }
    this.#origin = genesis.origin;
  }

  #conclude(): AuditVerdict {
    const { kind } = this.#headFile;
    if (this.#head !== null && this.#head.seq > this.#seq) return this.#truncated(this.#head.seq, "the head file");
    const sound = this.#sound();
    if (sound === null) return { kind: "empty" };
    const result = checkAnchors(this.#anchors, { origin: this.#origin, size: this.#seq + 1 });
    switch (result.kind) {
      case "short":
        return this.#truncated(result.size - 1, `\`${result.checkpoint}\``);
      case "forked":
      case "bad_checkpoint":
        return { ...result, sound };
      default: {
        const { anchored } = result;
        const from = anchored === null ? 0 : anchored.to + 1;
        return {
          kind: "valid",
          ...sound,
          origin: this.#origin,
          bytes: this.#bytes,
          segments: this.#segments,
          anchored,
          unanchored: from > this.#seq ? null : { from, to: this.#seq },
          head: kind === "present" ? "matches" : kind,
        };
      }
    }
  }

  #sound(): SoundPart | null {
    return this.#seq < 0 ? null : { entries: this.#seq + 1, lastSeq: this.#seq, headHash: this.#hash };
  }

  /** The line after the last one that is sound. */
  #line(): number {
    return this.#seq + 2 - this.#first;
  }

  #tampered(why: string, seq: number | null = null): AuditVerdict {
    return { kind: "tampered", file: this.#file, line: this.#line(), seq, why, sound: this.#sound() };
  }

  #truncated(headSeq: number, source: string): AuditVerdict {
    const gone = headSeq - this.#seq;
    const why = `${gone} ${gone === 1 ? "entry is" : "entries are"} missing at the end: ${source} records ${headSeq + 1}`;
    return { kind: "truncated", file: this.#file, line: this.#line(), headSeq, why, sound: this.#sound() };
  }

  #torn(bytes: number, isActive: boolean, before: number): AuditVerdict {
    const head = this.#head;
    if (!isActive) return this.#tampered("is not whole, although its segment was sealed");
    if (head !== null && head.first === this.#first && head.end > this.#bytes - before) {
      return this.#tampered("is not whole, although it was recorded");
    }
    const sound = this.#sound();
    const short = sound === null ? null : checkAnchors(this.#anchors, { origin: this.#origin, size: this.#seq + 1 });
    if (short?.kind === "short") return this.#truncated(short.size - 1, `\`${short.checkpoint}\``);
    return { kind: "torn_tail", file: this.#file, line: this.#line(), bytes, sound };
  }
}

/**
 * Fills the buffer unless the file ends. A file that ends in the middle of a line is looked at again for a while: a writer may be at work,
 * and what it is writing is not torn.
 */
async function readWhole(file: FileHandle, into: Buffer, position: number, patienceMs: number): Promise<number> {
  let got = 0;
  for (let patience = patienceMs; got < into.length;) {
    const { bytesRead } = await file.read(into, got, into.length - got, position + got);
    got += bytesRead;
    if (bytesRead > 0) continue;
    if (got === 0 || into[got - 1] === 0x0a || patience <= 0) break;
    patience -= 20;
    await sleep(20);
  }
  return got;
}

function isMissing(error: unknown): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === "ENOENT";
}
