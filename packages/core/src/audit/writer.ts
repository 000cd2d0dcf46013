import { basename, dirname } from "node:path";

import { CanopyError } from "../errors.ts";
import { openForAppend, openOrCreate, sameFile, syncDirectory, unavailable, writeAll } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { appendedEntry, bodyText, formatLine } from "./entry.ts";
import type { AppendedEntry } from "./entry.ts";
import { readHead, syncHead, writeHead } from "./head.ts";
import type { HeadFile } from "./head.ts";
import type { Lock, LockMechanism } from "./lock.ts";
import { memberOf } from "./members.ts";
import { clear, cutFragment, rewrite } from "./recovery.ts";
import { beginning, broken, isEntryAt, positionOfHead, readGenesis, scanTail } from "./tail.ts";
import type { Genesis, Position } from "./tail.ts";

export interface WriterOptions {
  /** The real path of the log: symlinks of its directory are resolved. */
  readonly path: string;
  readonly disk: Disk;
  readonly lock: Lock;
  readonly mechanism: LockMechanism;
  /** For a new log; one that exists keeps its own. */
  readonly durability: "fsync" | "os";
  readonly origin: string;
  readonly now: () => Date;
  readonly lockTimeoutMs: number;
}

interface Waiting {
  readonly body: string;
  readonly resolve: (entry: AppendedEntry) => void;
  readonly reject: (error: CanopyError) => void;
}

/** A line that was written, or may have been, although its caller was told that it was not. */
interface Rejected {
  readonly seq: number;
  readonly hash: string;
}

/** So that one flush does not hold the lock for long. */
const batchBytes = 4 * 1024 * 1024;
const queueBytes = 256 * 1024 * 1024;

/**
 * The one place that writes a log: callers wait in a queue, and each flush makes everything that waits durable at once. All file state is
 * touched only in a flush, under the lock, and flushes of one writer never overlap.
 *
 * INVARIANT: a caller is answered only when its line, and every line before it, was written and synced after the last failure of either.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #name: string;
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  #running: Promise<void> | null = null;
  #closed = false;

  /** Open on the log that `#last` stands in; null before the first flush and after a failure. */
  #fd: number | null = null;
  /** The last entry that is durable and was read or written by us. */
  #last: Position = beginning;
  #genesis: Genesis | null = null;
  /** Whether the head file was there when we last held the lock, so that its absence means that somebody removed it. */
  #hadHead = true;
  #rejected = new Map<string, Rejected>();

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#name = basename(options.path);
  }

  get genesis(): Genesis | null {
    return this.#genesis;
  }

  /** Takes the lock, checks the log and brings it up to date; creates it where there is none. */
  async open(): Promise<void> {
    await this.#flush([]);
  }

  /** `body` is text from `fitBody`. Resolves when the entry is durable; rejects when it is not, or may not be. */
  append(body: string): Promise<AppendedEntry> {
    if (this.#closed) return Promise.reject(new CanopyError("AUDIT_LOG_CLOSED", `the audit log \`${this.#name}\` is closed`));
    if (this.#queuedBytes + body.length > queueBytes) {
      return Promise.reject(new CanopyError("AUDIT_LOG_UNAVAILABLE", `too many entries wait to be written to \`${this.#name}\``));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ body, resolve, reject });
      this.#queuedBytes += body.length;
      this.#running ??= this.#run();
    });
  }

  /** Writes what waits, then lets go of the files. Never rejects: callers of `append` hear of what goes wrong. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    const wasOpen = this.#fd !== null;
    this.#closeFile();
    if (wasOpen && this.#genesis?.durability === "fsync") {
      // The head may lag, so a failure here loses nothing but freshness.
      await syncHead(this.#options.disk, this.#options.path).catch(() => undefined);
    }
    this.#options.lock.close();
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      // Everybody who is about to ask gets into this flush, those included that the last one has just answered.
      await new Promise((resolve) => setImmediate(resolve));
      const batch = this.#takeBatch();
      try {
        const entries = await this.#flush(batch);
        for (const [index, waiting] of batch.entries()) {
          const entry = entries[index];
          if (entry === undefined) waiting.reject(new CanopyError("AUDIT_LOG_UNAVAILABLE", "the entry was not written"));
          else waiting.resolve(entry);
        }
      } catch (error) {
        const refusal = unavailable(`write to the audit log \`${this.#name}\``, error);
        for (const waiting of batch) waiting.reject(refusal);
      }
    }
    this.#running = null;
  }

  #takeBatch(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { body } of this.#queue) {
      if (count > 0 && bytes + body.length > batchBytes) break;
      bytes += body.length;
      count += 1;
    }
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  async #flush(batch: readonly Waiting[]): Promise<readonly AppendedEntry[]> {
    const { lock, lockTimeoutMs } = this.#options;
    if (!(await lock.acquire(lockTimeoutMs))) {
      throw new CanopyError(
        "AUDIT_LOG_UNAVAILABLE",
        `another process has held the lock of \`${this.#name}\` for ${Math.round(lockTimeoutMs / 1000)} s; look for one that is stopped`,
      );
    }
    try {
      const { base, owed } = await this.#prepare();
      const entries = await this.#write(base, owed, batch);
      this.#rejected.clear();
      return entries;
    } catch (error) {
      // From here on nothing is written until the log was opened anew and checked from `#last` on.
      this.#closeFile();
      throw error;
    } finally {
      lock.release();
    }
  }

  /**
   * Checks the log from `#last` to its end, sees to it that the next sync makes all of that durable, and answers the entry to build on and
   * the entries that the log owes itself. `#last` stays where it is until that sync has succeeded.
   */
  async #prepare(): Promise<{ readonly base: Position; readonly owed: readonly string[] }> {
    const { disk, path, durability } = this.#options;
    const fd = (this.#fd ??= this.#openFile());
    const status = disk.fdStatus(fd);
    const named = disk.status(path);
    if (named === null || !sameFile(named, status)) {
      throw broken(this.#name, this.#last.seq + 1, "is out of reach: the log was removed or replaced while it was in use");
    }
    if (this.#genesis === null) this.#genesis = readGenesis(disk, fd, this.#name);
    const genesis = this.#genesis;
    this.#refuseOtherMechanism(genesis);

    const headFile = readHead(disk, path);
    const head = headFile.kind === "present" ? headFile.head : null;
    if (head !== null && (genesis === null || head.end > status.size)) {
      throw broken(
        this.#name,
        Math.min(head.seq, Math.max(0, this.#last.seq)) + 1,
        `is followed by less than was written: \`${this.#name}.head\` records ${head.seq + 1} entries; restore the log, or set both files aside to begin a new one`,
      );
    }
    if (head !== null && head.origin !== genesis?.origin) {
      throw broken(
        this.#name,
        1,
        `begins another log than the one that \`${this.#name}.head\` belongs to; put the two files together again`,
      );
    }
    let from = this.#last;
    if (from.seq < 0) {
      if (head !== null) from = positionOfHead(disk, fd, this.#name, head);
    } else if (status.size < this.#last.end || !isEntryAt(disk, fd, this.#last)) {
      throw broken(this.#name, this.#last.seq + 1, "was changed or removed after it was written");
    }

    const voided: Rejected[] = [];
    let durableEnd = from.end;
    const atEnd = status.size === from.end;
    const scan = atEnd
      ? { last: from, fragment: null }
      : await scanTail(disk, fd, this.#name, from, ({ hash }, at) => {
          const rejected = this.#rejected.get(hash);
          if (rejected !== undefined) voided.push(rejected);
          if (head !== null && at.seq === head.seq) {
            if (at.hash !== head.hash || at.end !== head.end)
              throw broken(this.#name, at.seq + 1, "is not the entry that the head file names");
            durableEnd = at.end;
          }
        });
    if (head !== null && head.seq > scan.last.seq) {
      throw broken(this.#name, scan.last.seq + 1, `is the last one, but \`${this.#name}.head\` records ${head.seq + 1} entries`);
    }
    if (genesis?.durability === "fsync" && scan.last.end > durableEnd) {
      // Whoever wrote these lines died before they were synced, or could not sync them: nothing may rest on them as they are.
      await rewrite(disk, path, durableEnd, scan.last.end);
    }
    const base = scan.fragment === null ? scan.last : await this.#cut(scan.last, scan.fragment);
    if (genesis === null) return { base, owed: [this.#opening(durability)] };
    return { base, owed: [...this.#headBody(headFile, base), ...voidedBodies(voided)] };
  }

  async #write(base: Position, owed: readonly string[], batch: readonly Waiting[]): Promise<readonly AppendedEntry[]> {
    const { disk } = this.#options;
    const fd = this.#fd;
    if (fd === null) throw new Error("the log is not open");
    let { seq, hash } = base;
    const ts = this.#options.now().toISOString();
    const entries: AppendedEntry[] = [];
    let text = "";
    for (const body of [...owed, ...batch.map((waiting) => waiting.body)]) {
      const formatted = formatLine((seq += 1), ts, body, hash);
      ({ hash } = formatted);
      text += `${formatted.line}\n`;
      entries.push(appendedEntry(seq, hash));
    }
    const answers = entries.slice(owed.length);
    const bytes = Buffer.from(text);
    try {
      await this.#writeLines(fd, bytes, base.end);
      if (this.#durable()) await disk.dataSync(fd);
      if (this.#genesis === null) await this.#finishCreation(fd);
    } catch (error) {
      for (const answer of answers) this.#rejected.set(answer.entryHash, { seq: answer.seq, hash: answer.entryHash });
      throw error;
    }
    this.#last = bytes.length === 0 ? base : { seq, hash, start: base.end + bytes.lastIndexOf(0x0a, -2) + 1, end: base.end + bytes.length };
    this.#writeHead();
    return answers;
  }

  /** One write, finished where the system cuts it short. Where it cannot be, the piece of a line that it left is taken back. */
  async #writeLines(fd: number, bytes: Buffer, start: number): Promise<void> {
    const { disk } = this.#options;
    let written = 0;
    try {
      await writeAll(disk, fd, bytes, null, (count) => {
        written = count;
      });
    } catch (error) {
      const whole = written === 0 ? 0 : bytes.lastIndexOf(0x0a, written - 1) + 1;
      try {
        if (disk.fdStatus(fd).size === start + written && whole < written) disk.truncate(fd, start + whole);
      } catch {
        // Then it stays, and is cut and recorded when the log is opened again.
      }
      throw error;
    }
  }

  #writeHead(): void {
    const { disk, path } = this.#options;
    const { seq, hash, end } = this.#last;
    try {
      writeHead(disk, path, { origin: this.#genesis?.origin ?? "", seq, hash, end });
      this.#hadHead = true;
    } catch {
      // The entries are durable, which is what was promised. The head may lag; the next flush tries again.
      this.#hadHead = false;
    }
  }

  /** Makes the name of a new log durable, which a sync of its data does not, and reads back what it now says of itself. */
  async #finishCreation(fd: number): Promise<void> {
    const { disk, path } = this.#options;
    if (this.#durable()) {
      await disk.sync(fd);
      await syncDirectory(disk, dirname(path));
    }
    this.#genesis = readGenesis(disk, fd, this.#name);
  }

  async #cut(last: Position, fragment: Buffer): Promise<Position> {
    const { disk, path } = this.#options;
    // Not even the first entry was finished: nothing was ever recorded here, so there is nothing to say about it either.
    if (this.#genesis === null) return clear(disk, path);
    return cutFragment(disk, path, last, fragment, this.#options.now().toISOString());
  }

  #openFile(): number {
    const { disk, path } = this.#options;
    if (this.#last.seq >= 0) return disk.open(path, openForAppend);
    const existing = disk.status(path);
    if (existing !== null && !existing.regular) {
      throw new CanopyError("AUDIT_LOG_UNAVAILABLE", `\`${path}\` is not a regular file, so nothing can be recorded in it`);
    }
    if (existing === null) {
      const head = readHead(disk, path);
      if (head.kind === "present") {
        throw broken(
          this.#name,
          1,
          `is missing: \`${this.#name}.head\` records ${head.head.seq + 1} entries; restore the log, or set the head file aside too to begin a new one`,
        );
      }
    }
    return disk.open(path, openForAppend | openOrCreate);
  }

  #closeFile(): void {
    if (this.#fd !== null) this.#options.disk.close(this.#fd);
    this.#fd = null;
  }

  #refuseOtherMechanism(genesis: Genesis | null): void {
    const { mechanism } = this.#options;
    if (genesis === null || genesis.lock === mechanism) return;
    throw new CanopyError(
      "AUDIT_LOG_UNAVAILABLE",
      `\`${this.#name}\` is written under the lock of \`${genesis.lock}\`, and this process has \`${mechanism}\`: the two do not exclude each other`,
    );
  }

  #opening(durability: "fsync" | "os"): string {
    const { origin, mechanism } = this.#options;
    return bodyText("log.opened", [
      memberOf("origin", origin),
      memberOf("lock", mechanism),
      memberOf("durability", durability),
      memberOf("public_key", null),
    ]);
  }

  /** Says on record that the head file was gone, because until then the end of the log could be cut unseen. */
  #headBody(headFile: HeadFile, base: Position): readonly string[] {
    if (headFile.kind === "present" || !this.#hadHead || base.seq < 1) return [];
    return [bodyText("recovery", [memberOf("what", `head_${headFile.kind}`)])];
  }

  #durable(): boolean {
    return (this.#genesis?.durability ?? this.#options.durability) === "fsync";
  }
}

/** Marks lines whose callers were told that they are not on record, although they are. */
function voidedBodies(voided: readonly Rejected[]): readonly string[] {
  const most = 400;
  const bodies: string[] = [];
  for (let from = 0; from < voided.length; from += most) {
    const why = "the log could not be written when these were, so their callers were answered DENY";
    bodies.push(voidedBody(voided.slice(from, from + most), why));
  }
  return bodies;
}

export function voidedBody(voided: readonly Rejected[], why: string): string {
  const entries = voided.map(({ seq, hash }) => ({ seq, entry_hash: hash }));
  return bodyText("decision.voided", [memberOf("entries", entries), memberOf("why", why)]);
}
