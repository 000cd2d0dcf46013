import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

import { checkLine } from "./check-line.ts";
import { localDisk, openToRead, unavailable } from "./disk.ts";
import { maxLineBytes, noHash } from "./entry.ts";
import { readHead } from "./head.ts";
import type { HeadFile } from "./head.ts";
import { readLines } from "./lines.ts";
import { genesisOf } from "./tail.ts";

/** What a log shows to whoever reads it. Lines are counted from 1, entries from 0. */
export type AuditVerdict =
  | ValidLog
  /** The line named is the first that is not what was written: changed, missing, repeated, inserted or out of place. */
  | {
      readonly kind: "tampered";
      readonly line: number;
      readonly seq: number | null;
      readonly why: string;
      readonly sound: SoundPart | null;
    }
  /** Entries at the end are missing: `head` is the last that is known to have been durable. */
  | { readonly kind: "truncated"; readonly line: number; readonly headSeq: number; readonly why: string; readonly sound: SoundPart | null }
  /** The last line was not finished, as when a writer dies; it was never acknowledged. The next writer cuts it and says so. */
  | { readonly kind: "torn_tail"; readonly line: number; readonly bytes: number; readonly sound: SoundPart | null }
  /** A file without a byte, and no head file that says otherwise. */
  | { readonly kind: "empty" }
  /** Nothing can be said about the contents. */
  | { readonly kind: "unreadable"; readonly why: string };

/** The entries from the first on that are chained soundly. */
export interface SoundPart {
  readonly entries: number;
  readonly lastSeq: number;
  readonly headHash: string;
}

export interface ValidLog extends SoundPart {
  readonly kind: "valid";
  /** The name that the log gave itself. */
  readonly origin: string;
  readonly bytes: number;
  /** The entries covered by a signed checkpoint; null where there is none. */
  readonly anchored: null;
  /** The entries that only the chain covers, first and last `seq`: whoever can write the files can write them all anew. */
  readonly unanchored: { readonly from: number; readonly to: number };
  /** Whether a head file stands beside the log. Without a good one, entries missing at the end cannot be seen. */
  readonly head: "matches" | "missing" | "damaged";
}

export interface VerifyOptions {
  /** Bytes and entries read so far; called now and then. */
  readonly onProgress?: (bytes: number, entries: number) => void;
  /** Rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Reads the log once, from its first byte to its last, in memory that does not grow with it, and says what it shows. Needs no lock and no
 * right to write, also while writers append. Any file gets a verdict, a missing one too; it throws only when it is aborted.
 */
export async function verifyAuditLog(path: string, options: VerifyOptions = {}): Promise<AuditVerdict> {
  return verifyPatiently(path, options, 200);
}

/** The same, with the milliseconds for which an unfinished last line may be one that a writer is at. */
export async function verifyPatiently(path: string, options: VerifyOptions, patienceMs: number): Promise<AuditVerdict> {
  options.signal?.throwIfAborted();
  let file: FileHandle | null = null;
  try {
    // The head first: entries are durable before it names them, so a log that is read later holds them.
    const head = readHead(localDisk, path);
    file = await open(path, openToRead);
    if (!(await file.stat()).isFile()) return { kind: "unreadable", why: `\`${path}\` is not a regular file` };
    return await verifyFile(file, head, options, patienceMs);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (isMissing(error)) return missing(path);
    return { kind: "unreadable", why: unavailable(`read \`${path}\``, error).message };
  } finally {
    await file?.close();
  }
}

function missing(path: string): AuditVerdict {
  const why = `\`${path}\` does not exist`;
  try {
    const head = readHead(localDisk, path);
    if (head.kind === "present") return truncated(-1, head.head.seq, null);
  } catch {
    // The head file cannot be read either.
  }
  return { kind: "unreadable", why };
}

async function verifyFile(
  file: FileHandle,
  headFile: HeadFile,
  { onProgress, signal }: VerifyOptions,
  patienceMs: number,
): Promise<AuditVerdict> {
  const head = headFile.kind === "present" ? headFile.head : null;
  let origin = "";
  let seq = -1;
  let hash = noHash;
  let bytes = 0;
  const sound = (): SoundPart | null => (seq < 0 ? null : { entries: seq + 1, lastSeq: seq, headHash: hash });
  const tampered = (why: string, found: number | null = null): AuditVerdict => ({
    kind: "tampered",
    line: seq + 2,
    seq: found,
    why,
    sound: sound(),
  });

  const reader = readLines((into, position) => readWhole(file, into, position, patienceMs), 0);
  for (;;) {
    signal?.throwIfAborted();
    const step = await reader.next();
    if (step.done === true) {
      const rest = step.value;
      if (rest.kind === "overlong") return tampered(`is longer than ${maxLineBytes} bytes`);
      if (rest.kind === "fragment") {
        if (head !== null && head.end > bytes) return tampered("is not whole, although it was recorded");
        return { kind: "torn_tail", line: seq + 2, bytes: rest.bytes.length, sound: sound() };
      }
      break;
    }
    for (const line of step.value) {
      const checked = checkLine(line.bytes, seq + 1, hash);
      if (!checked.ok) {
        if (checked.newer) return { kind: "unreadable", why: `line ${seq + 2} ${checked.why}, which this version of Canopy cannot read` };
        return tampered(checked.why, checked.seq);
      }
      if (checked.seq === 0) {
        const genesis = genesisOf(checked.entry);
        if (genesis === null) return tampered("is not the first entry of a Canopy audit log", checked.seq);
        if (head !== null && head.origin !== genesis.origin)
          return tampered("begins another log than the one that the head file belongs to", checked.seq);
        ({ origin } = genesis);
      }
      if (head !== null && checked.seq === head.seq && checked.hash !== head.hash) {
        return tampered("is not the entry that the head file names", checked.seq);
      }
      ({ seq, hash } = checked);
      bytes = line.end;
    }
    onProgress?.(bytes, seq + 1);
  }
  if (head !== null && head.seq > seq) return truncated(seq, head.seq, sound());
  if (seq < 0) return { kind: "empty" };
  return {
    kind: "valid",
    entries: seq + 1,
    lastSeq: seq,
    headHash: hash,
    origin,
    bytes,
    anchored: null,
    unanchored: { from: 0, to: seq },
    head: headFile.kind === "present" ? "matches" : headFile.kind,
  };
}

function truncated(lastSeq: number, headSeq: number, sound: SoundPart | null): AuditVerdict {
  const gone = headSeq - lastSeq;
  const why = `${gone} ${gone === 1 ? "entry is" : "entries are"} missing at the end: the head file records ${headSeq + 1}`;
  return { kind: "truncated", line: lastSeq + 2, headSeq, why, sound };
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
