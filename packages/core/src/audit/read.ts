import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

import { CanopyError } from "../errors.ts";
import { isJsonObject } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { localDisk, openToRead, unavailable } from "./disk.ts";
import { readLines } from "./lines.ts";
import { entryLimits } from "./members.ts";
import { segmentPaths } from "./segments.ts";

/** One line of a log, as it stands there. */
export interface AuditRecord {
  /** The file it stands in, and its line there, from 1; 0 where the reader began in the middle of the file. */
  readonly file: string;
  readonly line: number;
  /** The line without its newline. */
  readonly text: string;
  /** Null where the line is not a JSON object with a `seq`. */
  readonly entry: AuditEntry | null;
}

/** An entry that was read, with what every entry has. */
export interface AuditEntry {
  readonly seq: number;
  /** When it was written, UTC, by the writer's clock (RFC 3339). */
  readonly ts: string;
  readonly type: string;
  /** All of its members, as they stand in the log. */
  readonly members: JsonObject;
}

export interface ReadOptions {
  /** How many lines, counted from the end, to begin with; all of them where it is left out. */
  readonly last?: number;
  /** Goes on with what is written, also across rotations, until the signal aborts; then it returns. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * The lines of a log from the oldest on, across its segments, in memory that does not grow with it. Needs no lock; a line that is not
 * finished is left out until it is. Nothing is verified here: who reads for evidence verifies first (`verifyAuditLog`). Throws
 * `AUDIT_LOG_UNAVAILABLE` where the log cannot be read, or not on because a line is too long to be one, `INVALID_OPTIONS` where `last` is no count.
 */
export async function* readAuditLog(path: string, options: ReadOptions = {}): AsyncGenerator<AuditRecord, void> {
  const { last, follow = false, signal } = options;
  if (last !== undefined && (!Number.isSafeInteger(last) || last < 0)) throw new CanopyError("INVALID_OPTIONS", "`last` is not a count");
  const done: Done = { identities: new Set(), newest: "" };
  let start = last === undefined ? null : await startOfLast(path, last);
  for (const before of start?.before ?? []) done.identities.add(before);
  for (;;) {
    const next = await nextFile(path, done);
    if (next === null) {
      if (!follow || !(await waited(signal))) return;
      continue;
    }
    try {
      yield* readFrom(path, next, start, done, { follow, signal });
    } finally {
      await next.handle.close();
    }
    pass(done, next, path);
    start = null;
    if (signal?.aborted === true) return;
  }
}

/** The files that were read. */
interface Done {
  /** Device and inode, which a file keeps when it is renamed. */
  readonly identities: Set<string>;
  /** The newest sealed segment among them: what is older is not even looked at again. */
  newest: string;
}

function pass(done: Done, { identity, file }: OpenSegment, path: string): void {
  done.identities.add(identity);
  if (file !== path) done.newest = file;
}

interface OpenSegment {
  readonly file: string;
  readonly handle: FileHandle;
  readonly identity: string;
}

interface Start {
  /** Identities of the files that are passed over. */
  readonly before: readonly string[];
  readonly identity: string;
  readonly offset: number;
}

async function* readFrom(
  path: string,
  { file, handle, identity }: OpenSegment,
  start: Start | null,
  done: Done,
  { follow, signal }: { readonly follow: boolean; readonly signal: AbortSignal | undefined },
): AsyncGenerator<AuditRecord, void> {
  let offset = start?.identity === identity ? start.offset : 0;
  // Counted only where the count begins at the file's first line.
  let line = offset === 0 ? 0 : null;
  let isLastLook = false;
  for (;;) {
    const reading = readLines(async (into, at) => await readAll(handle, into, at), offset);
    let next = await reading.next();
    for (; next.done !== true; next = await reading.next()) {
      for (const { bytes, end } of next.value) {
        if (signal?.aborted === true) return;
        if (line !== null) line += 1;
        yield record(file, line ?? 0, bytes.toString());
        offset = end;
      }
    }
    if (next.value.kind === "overlong") {
      throw new CanopyError(
        "AUDIT_LOG_UNAVAILABLE",
        `cannot read \`${file}\` past byte ${offset}: the line there is longer than a line can be`,
      );
    }
    if (isLastLook || !follow) return;
    // A writer that goes on elsewhere has written its last line here before it does.
    const other = await nextFile(path, { ...done, identities: new Set([...done.identities, identity]) });
    await other?.handle.close();
    if (other !== null) isLastLook = true;
    else if (!(await waited(signal))) return;
  }
}

function record(file: string, line: number, text: string): AuditRecord {
  return { file, line, text, entry: parseEntry(text) };
}

/** The line as an entry; null where it is none, or nested deeper than any. Nothing about its hashes is checked. */
export function parseEntry(text: string): AuditEntry | null {
  let members: JsonValue;
  try {
    members = JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
  if (!isJsonObject(members) || isDeep(text, members)) return null;
  const { seq, ts, type } = members;
  if (typeof seq !== "number" || !Number.isSafeInteger(seq) || typeof ts !== "string" || typeof type !== "string") return null;
  return { seq, ts, type, members };
}

/** Whether the line is nested deeper than an entry can be: what walks through it, or writes it as JSON, would run out of stack. */
function isDeep(text: string, members: JsonObject): boolean {
  let opened = 0;
  for (let index = 0; index < text.length && opened <= entryLimits.depth; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 0x7b || code === 0x5b) opened += 1;
  }
  return opened > entryLimits.depth && isDeeperThan(members, entryLimits.depth);
}

function isDeeperThan(value: JsonValue, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner: JsonValue) => isDeeperThan(inner, levels - 1));
}

/** The oldest file of the log that is not in `done`; null where there is none. */
async function nextFile(path: string, { identities, newest }: Done): Promise<OpenSegment | null> {
  for (const file of segmentPaths(localDisk, path)) {
    if (file !== path && file <= newest) continue;
    const segment = await openSegment(file, path);
    if (segment === null) continue;
    if (!identities.has(segment.identity)) return segment;
    await segment.handle.close();
  }
  if (identities.size > 0) return null;
  throw new CanopyError("AUDIT_LOG_UNAVAILABLE", `cannot read \`${path}\`: there is no such file or directory (ENOENT)`);
}

/** Null where the file was renamed since it was listed: it is then found under its new name at the next look. */
async function openSegment(file: string, path: string): Promise<OpenSegment | null> {
  try {
    const handle = await open(file, openToRead);
    const status = await handle.stat({ bigint: true });
    if (status.isFile()) return { file, handle, identity: `${status.dev}:${status.ino}` };
    await handle.close();
  } catch (error) {
    if (isMissing(error)) return null;
    throw unavailable(`read \`${file}\``, error);
  }
  throw new CanopyError("AUDIT_LOG_UNAVAILABLE", `\`${path}\` is not a regular file`);
}

/** Where the last `count` lines begin. */
async function startOfLast(path: string, count: number): Promise<Start | null> {
  const files = segmentPaths(localDisk, path);
  const newestFirst = files.toReversed();
  let wanted = count;
  let start: Start | null = null;
  const before: string[] = [];
  for (const file of newestFirst) {
    const segment = await openSegment(file, path);
    if (segment === null) continue;
    const { handle, identity } = segment;
    try {
      if (wanted < 0) {
        before.push(identity);
        continue;
      }
      const found = await offsetOfLast(handle, wanted);
      start = { before, identity, offset: found.offset };
      wanted = found.isEnough ? -1 : wanted - found.lines;
    } finally {
      await handle.close();
    }
  }
  return start;
}

/** The offset at which the last `count` whole lines of a file begin, and how many there are where it has fewer. */
async function offsetOfLast(
  handle: FileHandle,
  count: number,
): Promise<{ readonly offset: number; readonly lines: number; readonly isEnough: boolean }> {
  const newline = 0x0a;
  const buffer = Buffer.allocUnsafe(64 * 1024);
  const { size } = await handle.stat();
  let newlines = 0;
  for (let to = size; to > 0;) {
    const from = Math.max(0, to - buffer.length);
    const bytes = buffer.subarray(0, await readAll(handle, buffer.subarray(0, to - from), from));
    for (let index = bytes.lastIndexOf(newline); index >= 0; index = index === 0 ? -1 : bytes.lastIndexOf(newline, index - 1)) {
      newlines += 1;
      // The newline before the first of the lines that are wanted.
      if (newlines > count) return { offset: from + index + 1, lines: count, isEnough: true };
    }
    to = from;
  }
  return { offset: 0, lines: newlines, isEnough: false };
}

async function readAll(handle: FileHandle, into: Buffer, position: number): Promise<number> {
  let got = 0;
  while (got < into.length) {
    const { bytesRead } = await handle.read(into, got, into.length - got, position + got);
    if (bytesRead === 0) break;
    got += bytesRead;
  }
  return got;
}

const pollMs = 200;

/** False where the signal aborted meanwhile. */
async function waited(signal: AbortSignal | undefined): Promise<boolean> {
  if (signal?.aborted === true) return false;
  try {
    await sleep(pollMs, undefined, signal === undefined ? {} : { signal });
    return true;
  } catch {
    return false;
  }
}

function isMissing(error: unknown): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === "ENOENT";
}
