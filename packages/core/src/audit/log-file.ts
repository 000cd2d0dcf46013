import { basename, dirname } from "node:path";

import { CanopyError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import { checkHead, outOfReach, placeOfHead, refuseMissing } from "./check-head.ts";
import type { Checkpointer } from "./checkpointer.ts";
import { createNew, openForAppend, openOrCreate, sameFile, syncDirectory } from "./disk.ts";
import type { Disk, FileStatus } from "./disk.ts";
import { appendedEntry, bodyText, formatLine } from "./entry.ts";
import type { AppendedEntry } from "./entry.ts";
import { watchFreeSpace } from "./free-space.ts";
import type { FreeSpace } from "./free-space.ts";
import { readHead, syncHead, writeHead } from "./head.ts";
import type { Head, HeadFile } from "./head.ts";
import { writeLines } from "./lines.ts";
import type { LockMechanism } from "./lock.ts";
import { memberOf } from "./members.ts";
import { continuingBody, openingBody } from "./opening.ts";
import { clear, copyAnew, cutFragment, rewrite } from "./recovery.ts";
import { firstAfterSealed, passSealed, sealedGenesis } from "./sealed.ts";
import { sealedPath } from "./segments.ts";
import { afterSeal, beginning, broken, isEntryAt, readGenesis, scanTail } from "./tail.ts";
import type { Genesis, Position } from "./tail.ts";
import { voidedBodies } from "./voided.ts";
import type { Rejected } from "./voided.ts";

export interface LogFileOptions {
  /** The real path of the log: symlinks of its directory are resolved. */
  readonly path: string;
  readonly disk: Disk;
  readonly mechanism: LockMechanism;
  /** For a new log; one that exists keeps its own. */
  readonly durability: "fsync" | "os";
  readonly origin: string;
  readonly now: () => Date;
  /** A segment that is as long, or as old, is sealed before the next entry. */
  readonly segmentBytes: number;
  readonly segmentMs: number;
  /** While the file system has less left than that, nothing is recorded but that it is so. */
  readonly reserveBytes: number;
  /** For a new log that is begun in the place of one that was broken: what is known of that one. */
  readonly follows: JsonObject | null;
  /** Null for a log whose writer here has no key. */
  readonly checkpointer: Checkpointer | null;
}

const deniedMeanwhile = "the log could not be written when these were, so their callers were answered DENY";

interface Ready {
  readonly base: Position;
  /** Entries that the log owes itself. */
  readonly owed: readonly string[];
}

/**
 * The files of a log as one writer knows them. Every method is called under the log's lock, and no two at once.
 *
 * INVARIANT: `append` answers only when its lines, and every line before them, were written and synced after the last failure of either.
 */
export class LogFile {
  readonly #options: LogFileOptions;
  readonly #name: string;
  readonly #space: FreeSpace;
  /** Open on the segment that is written; null before the first append and after a failure. */
  #fd: number | null = null;
  /** The last entry that is durable and was read or written by us. */
  #last: Position = beginning;
  /** The file that `#last` stands in. */
  #file: FileStatus | null = null;
  #genesis: Genesis | null = null;
  /** When the segment that is written began, in milliseconds. */
  #begun = 0;
  /** Whether the head file was there when we last held the lock, so that its absence means that somebody removed it. */
  #hadHead = true;
  /** A sync failed: what the kernel says of these pages is worth nothing any more. */
  #hasFailedSync = false;
  /** Entries whose callers were told that they are not on record, until the log was read again; by hash. */
  readonly #rejected = new Map<string, Rejected>();
  /** Those of them that are in the log after all, until that is on record; by hash. */
  #voided = new Map<string, Rejected>();

  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#name = basename(options.path);
    this.#space = watchFreeSpace(options.disk, options.path, options.reserveBytes);
  }

  get genesis(): Genesis | null {
    return this.#genesis;
  }

  /**
   * Checks what was written since, then writes and syncs. After a throw nothing is written until all of that was checked anew. `stillHolds` is called
   * right before the bodies are written, with nothing awaited in between; where it throws, they are not.
   */
  async append(bodies: readonly string[], stillHolds?: () => void): Promise<readonly AppendedEntry[]> {
    const { checkpointer } = this.#options;
    try {
      const ready = await this.#prepare();
      const opening = await this.#openCheckpoints(ready.base);
      const entries = await this.#write(ready.base, [...ready.owed, ...opening], bodies, stillHolds);
      // The entries are durable, whatever becomes of the checkpoint; where it fails, it is made with the next flush.
      if (this.#genesis !== null) await checkpointer?.makeIfDue(this.#genesis.origin, this.#last);
      return entries;
    } catch (error) {
      this.#closeFile();
      // Whoever puts a log back that was removed makes another file of it: from here on what it holds is what counts.
      this.#file = null;
      throw error;
    }
  }

  /** Makes a checkpoint of all that is durable. Throws where it cannot be made. */
  async checkpoint(): Promise<void> {
    const { checkpointer } = this.#options;
    if (checkpointer === null || this.#genesis === null) return;
    await this.append([]);
    await checkpointer.make(this.#genesis.origin, this.#last);
  }

  /** Lets go of the files. */
  async close(): Promise<void> {
    const wasOpen = this.#fd !== null;
    this.#closeFile();
    // The head may lag, so a failure here loses nothing but freshness.
    if (wasOpen && this.#durable()) await syncHead(this.#options.disk, this.#options.path).catch(() => undefined);
  }

  /**
   * Checks the log from `#last` to its end, sees to it that the next sync makes all of that durable, and answers what to build on. `#last` stays
   * where it is, save for sealed segments, until that sync has succeeded.
   */
  async #prepare(): Promise<Ready> {
    const { disk, path } = this.#options;
    const headFile = readHead(disk, path);
    const head = headFile.kind === "present" ? headFile.head : null;
    const fd = await this.#reachActive(head);
    const status = disk.fdStatus(fd);
    const genesis = this.#genesis;
    this.#refuseOtherMechanism(genesis ?? (this.#last.seq < 0 ? null : sealedGenesis(disk, path)));
    if (head !== null) checkHead(head, status.size, { name: this.#name, genesis: this.#genesis, last: this.#last });

    const from = this.#last;
    if (status.size < from.end || !isEntryAt(disk, fd, from)) {
      throw broken(this.#name, from.seq - from.first + 1, "was changed or removed after it was written");
    }
    // Only a copy that a writer made after a failure may stand in the place of the file that we know, and it says so.
    let isSameFile = this.#file === null || from.end === 0 || sameFile(this.#file, status);
    let durableEnd = from.end;
    const scan =
      status.size === from.end
        ? { last: from, fragment: null }
        : await scanTail(disk, fd, this.#name, from, ({ hash, entry }, at) => {
            this.#noteVoided(hash);
            if (entry["type"] === "recovery" && entry["what"] === "copied") isSameFile = true;
            if (head !== null && at.seq === head.seq) {
              if (at.hash !== head.hash || at.end !== head.end || at.first !== head.first)
                throw broken(this.#name, at.seq - at.first + 1, "is not the entry that the head file names");
              durableEnd = at.end;
            }
          });
    if (!isSameFile) throw outOfReach(this.#name, this.#last);
    // The log was read to its end: those that are not in it by now never will be. While a disk fails for days they would be ever more.
    this.#rejected.clear();
    if (head !== null && head.seq > scan.last.seq) {
      throw broken(
        this.#name,
        scan.last.seq - scan.last.first + 1,
        `is the last one, but \`${this.#name}.head\` records ${head.seq + 1} entries`,
      );
    }
    const owed = [...this.#headBody(headFile, scan.last), ...voidedBodies([...this.#voided.values()], deniedMeanwhile)];
    if (genesis?.durability === "fsync" && !this.#hasFailedSync && scan.last.end > durableEnd) {
      // Whoever wrote these lines died before they were synced: nothing may rest on them as they are.
      await rewrite(disk, path, durableEnd, scan.last.end);
    }
    const base = scan.fragment === null ? scan.last : await this.#cut(scan.last, scan.fragment);
    if (genesis === null) return { base, owed: [this.#opening(base), ...owed] };
    if (this.#hasFailedSync) {
      await this.#copy(base);
      owed.push(bodyText("recovery", [memberOf("what", "copied"), memberOf("entries", base.seq + 1)]));
    }
    return await this.#turnOver({ base, owed });
  }

  /** Opens the segment that is written, and brings `#last` there through those that were sealed meanwhile. */
  async #reachActive(head: Head | null): Promise<number> {
    const { disk, path } = this.#options;
    let named = disk.status(path);
    if (named !== null && this.#fd !== null && sameFile(named, disk.fdStatus(this.#fd))) return this.#fd;
    if (this.#fd !== null && named === null && !this.#isSealedAway(this.#fd)) throw outOfReach(this.#name, this.#last);
    this.#closeFile();
    if (named === null) {
      refuseMissing(disk, path, head, this.#last);
      named = { dev: 0n, ino: 0n, size: 0, regular: true };
    }
    if (!named.regular)
      throw new CanopyError("AUDIT_LOG_UNAVAILABLE", `\`${path}\` is not a regular file, so nothing can be recorded in it`);
    const fd = disk.open(path, openForAppend | (this.#last.seq < 0 || this.#last.isSeal || named.ino === 0n ? openOrCreate : 0));
    this.#fd = fd;
    this.#genesis = readGenesis(disk, fd, this.#name);
    this.#begun = this.#genesis === null ? this.#options.now().getTime() : this.#genesis.begun;
    const first = this.#genesis?.first ?? firstAfterSealed(disk, path);
    if (this.#last.seq < 0 && head !== null) this.#last = placeOfHead(disk, path, head, { fd, first, genesis: this.#genesis });
    while (this.#last.first < first) {
      this.#last = await passSealed(disk, path, this.#last, (hash) => this.#noteVoided(hash));
      this.#file = null;
    }
    if (this.#last.first !== first)
      throw broken(this.#name, 1, "begins an older segment than the one that was written last: the log was replaced");
    return fd;
  }

  #noteVoided(hash: string): void {
    const rejected = this.#rejected.get(hash);
    if (rejected !== undefined) this.#voided.set(hash, rejected);
  }

  /** Whether the file is the log's newest sealed segment, so that a new one may be begun. */
  #isSealedAway(fd: number): boolean {
    const { disk, path } = this.#options;
    const sealed = disk.status(sealedPath(path, this.#last.first));
    return sealed !== null && sameFile(sealed, disk.fdStatus(fd));
  }

  /** Seals the segment where it is full, and goes on in a new one where it is sealed. */
  async #turnOver({ base, owed }: Ready): Promise<Ready> {
    const { disk, path, segmentBytes, segmentMs, now } = this.#options;
    const isFull = base.end >= segmentBytes || now().getTime() - this.#begun >= segmentMs;
    if (base.isSeal) {
      if (this.#durable()) await disk.dataSync(this.#mustBeOpen());
    } else if (isFull && base.seq > base.first) {
      await this.#write(base, [...owed, bodyText("log.sealed", [memberOf("entries", base.seq - base.first + owed.length + 2)])], []);
    } else {
      return { base, owed };
    }
    const sealed = base.isSeal ? base : this.#last;
    const target = sealedPath(path, sealed.first);
    if (disk.status(target) !== null) throw broken(this.#name, 1, `cannot be sealed as \`${basename(target)}\`: there is such a file`);
    this.#closeFile();
    disk.rename(path, target);
    if (this.#durable()) await syncDirectory(disk, dirname(path));
    this.#last = afterSeal(sealed);
    this.#file = null;
    const continuing = this.#continuing();
    this.#fd = disk.open(path, openForAppend | createNew);
    this.#begun = now().getTime();
    return { base: this.#last, owed: base.isSeal ? [continuing, ...owed] : [continuing] };
  }

  async #openCheckpoints(base: Position): Promise<readonly string[]> {
    const { checkpointer } = this.#options;
    if (checkpointer === null || checkpointer.isOpen) return [];
    if (this.#genesis === null && base.seq < 0) return checkpointer.openNew();
    return await checkpointer.open(this.#genesis?.origin ?? this.#options.origin, base);
  }

  async #write(
    base: Position,
    owed: readonly string[],
    bodies: readonly string[],
    stillHolds?: () => void,
  ): Promise<readonly AppendedEntry[]> {
    const { disk } = this.#options;
    const fd = this.#mustBeOpen();
    const notes = [...owed, ...this.#space.look(bodies)];
    const isRefused = this.#space.isShort() && bodies.length > 0;
    let { seq, hash } = base;
    const ts = this.#options.now().toISOString();
    const entries: AppendedEntry[] = [];
    let text = "";
    for (const body of isRefused ? notes : [...notes, ...bodies]) {
      const formatted = formatLine((seq += 1), ts, body, hash);
      ({ hash } = formatted);
      text += `${formatted.line}\n`;
      entries.push(appendedEntry(seq, hash));
    }
    const answers = entries.slice(notes.length);
    const bytes = Buffer.from(text);
    stillHolds?.();
    try {
      await writeLines(disk, fd, bytes, base.end);
      if (this.#durable()) await this.#sync(async () => await disk.dataSync(fd));
      if (this.#genesis === null || this.#genesis.first !== base.first) await this.#finishCreation(fd);
    } catch (error) {
      for (const answer of answers) this.#rejected.set(answer.entryHash, { seq: answer.seq, hash: answer.entryHash });
      throw error;
    }
    this.#hasFailedSync = false;
    this.#voided.clear();
    const start = base.end + bytes.lastIndexOf(0x0a, -2) + 1;
    const isSeal = owed.at(-1)?.startsWith('"type":"log.sealed"') === true;
    this.#last = bytes.length === 0 ? base : { first: base.first, seq, hash, start, end: base.end + bytes.length, isSeal };
    this.#file = disk.fdStatus(fd);
    this.#writeHead();
    if (isRefused) throw this.#space.refusal();
    return answers;
  }

  async #sync(sync: () => Promise<void>): Promise<void> {
    try {
      await sync();
    } catch (error) {
      this.#hasFailedSync = true;
      throw error;
    }
  }

  #writeHead(): void {
    const { disk, path } = this.#options;
    const { first, seq, hash, end } = this.#last;
    try {
      writeHead(disk, path, { origin: this.#genesis?.origin ?? "", first, seq, hash, end });
      this.#hadHead = true;
    } catch {
      // The entries are durable, which is what was promised. The head may lag; the next flush tries again.
      this.#hadHead = false;
    }
  }

  /** Makes the name of a new file durable, which a sync of its data does not, and reads back what it now says of itself. */
  async #finishCreation(fd: number): Promise<void> {
    const { disk, path } = this.#options;
    if (this.#durable()) {
      await this.#sync(async () => await disk.sync(fd));
      await syncDirectory(disk, dirname(path));
    }
    this.#genesis = readGenesis(disk, fd, this.#name);
  }

  async #cut(last: Position, fragment: Buffer): Promise<Position> {
    const { disk, path } = this.#options;
    // Not even the first entry was finished: nothing was ever recorded here, so there is nothing to say about it either.
    if (this.#genesis === null) {
      clear(disk, path);
      return last;
    }
    return await cutFragment(disk, path, last, fragment, this.#options.now().toISOString());
  }

  /** Puts a fresh copy of the lines up to `last`, all of them synced, in the place of the file that could not be. */
  async #copy(last: Position): Promise<void> {
    const { disk, path } = this.#options;
    this.#closeFile();
    await copyAnew(disk, path, last.end);
    this.#fd = disk.open(path, openForAppend);
    this.#hasFailedSync = false;
    this.#file = disk.fdStatus(this.#fd);
  }

  #closeFile(): void {
    if (this.#fd !== null) this.#options.disk.close(this.#fd);
    this.#fd = null;
  }

  #mustBeOpen(): number {
    if (this.#fd === null) throw new Error("the log is not open");
    return this.#fd;
  }

  #refuseOtherMechanism(genesis: Genesis | null): void {
    const { mechanism } = this.#options;
    if (genesis === null || genesis.lock === mechanism) return;
    throw new CanopyError(
      "AUDIT_LOG_UNAVAILABLE",
      `\`${this.#name}\` is written under the lock of \`${genesis.lock}\`, and this process has \`${mechanism}\`: the two do not exclude each other`,
    );
  }

  /** The first entry of a log, or of its next segment where a writer died before it could write that. */
  #opening(base: Position): string {
    if (base.seq >= 0) return this.#continuing();
    const { origin, mechanism, durability, checkpointer, follows } = this.#options;
    return openingBody({ origin, lock: mechanism, durability, publicKey: checkpointer?.publicKey ?? null, follows });
  }

  #continuing(): string {
    const { disk, path, checkpointer } = this.#options;
    return continuingBody(this.#genesis ?? sealedGenesis(disk, path), checkpointer?.publicKey ?? null);
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
