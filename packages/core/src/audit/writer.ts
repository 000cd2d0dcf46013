import { basename } from "node:path";
// Not the global one, which tests put a clock of their own in the place of.
import { setImmediate } from "node:timers";

import { CanopyError } from "../errors.ts";
import { unavailable } from "./disk.ts";
import type { AppendedEntry } from "./entry.ts";
import type { Lock } from "./lock.ts";
import { LogFile } from "./log-file.ts";
import type { LogFileOptions } from "./log-file.ts";
import type { Genesis } from "./tail.ts";

export interface WriterOptions extends LogFileOptions {
  readonly lock: Lock;
  readonly lockTimeoutMs: number;
  /** While there are entries that no checkpoint covers, one is made at the latest after so long. */
  readonly checkpointMs: number;
}

interface Waiting {
  readonly body: string;
  readonly resolve: (entry: AppendedEntry) => void;
  readonly reject: (error: CanopyError) => void;
}

/** Puts one entry on record while the lock is held; `stillHolds` throws where it must not be written after all, and is asked right before it is. */
export type AppendUnderLock = (body: string, stillHolds?: () => void) => Promise<AppendedEntry>;

/** So that one flush does not hold the lock for long. */
const batchBytes = 4 * 1024 * 1024;
const queueBytes = 256 * 1024 * 1024;

/**
 * The one place that writes a log: callers wait in a queue, and each flush makes everything that waits durable at once. The log's files are touched
 * only in a flush, under the lock, and flushes of one writer never overlap.
 *
 * INVARIANT: a caller is answered only when its line, and every line before it, was written and synced after the last failure of either.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #name: string;
  readonly #file: LogFile;
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  #jobs: (() => Promise<void>)[] = [];
  #running: Promise<void> | null = null;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isCheckpointDue = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#name = basename(options.path);
    this.#file = new LogFile(options);
  }

  get genesis(): Genesis | null {
    return this.#file.genesis;
  }

  /** Takes the lock, checks the log and brings it up to date; creates it where there is none. */
  async open(): Promise<void> {
    await this.#locked(async () => await this.#file.append([]));
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

  /**
   * Runs `work` while this process alone holds the log's lock, after what was appended before: what it reads of the log is then all that any writer
   * has put on record. It appends with the function that it is given, and with nothing else; waiting for `append` from inside never ends.
   */
  exclusive<T>(work: (append: AppendUnderLock) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new CanopyError("AUDIT_LOG_CLOSED", `the audit log \`${this.#name}\` is closed`));
    return new Promise((resolve, reject) => {
      this.#jobs.push(async () => {
        let ended: () => T;
        try {
          ended = await this.#locked(async () => await this.#work(work));
        } catch (error) {
          return reject(unavailable(`use the audit log \`${this.#name}\``, error));
        }
        try {
          resolve(ended());
        } catch (error) {
          reject(error);
        }
      });
      this.#running ??= this.#run();
    });
  }

  /**
   * Writes what waits, makes the last checkpoint, and lets go of the files. Callers of `append` hear of what goes wrong with their entries; rejects
   * where the checkpoint could not be made.
   */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
    try {
      if (this.#options.checkpointer?.isOpen === true) await this.#locked(async () => await this.#file.checkpoint());
    } catch (error) {
      throw unavailable(`make the last checkpoint of \`${this.#name}\``, error);
    } finally {
      await this.#file.close();
      this.#options.lock.close();
    }
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 || this.#jobs.length > 0 || this.#isCheckpointDue) {
      // Everybody who is about to ask gets into this flush, those included that the last one has just answered.
      await new Promise((resolve) => setImmediate(resolve));
      const isCheckpointDue = this.#isCheckpointDue;
      this.#isCheckpointDue = false;
      const batch = this.#takeBatch();
      if (batch.length > 0) await this.#flush(batch);
      // One at a time, so that those who only append do not wait for all who do more.
      await this.#jobs.shift()?.();
      // What goes wrong with it is met again, and told, by the next flush or by `close`.
      if (isCheckpointDue) await this.#locked(async () => await this.#file.checkpoint()).catch(() => undefined);
      else this.#scheduleCheckpoint();
    }
    this.#running = null;
  }

  async #flush(batch: readonly Waiting[]): Promise<void> {
    try {
      const entries = await this.#locked(async () => await this.#file.append(batch.map(({ body }) => body)));
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

  /** Answers with how the work ended, so that its own errors are told from the log's. */
  async #work<T>(work: (append: AppendUnderLock) => Promise<T>): Promise<() => T> {
    let isOver = false;
    // What was found in the log is worth nothing unless the log is what it was when we last wrote it.
    await this.#file.append([]);
    try {
      const value = await work(async (body, stillHolds) => {
        if (isOver) throw new CanopyError("AUDIT_LOG_UNAVAILABLE", "the lock was given back before the entry was appended");
        try {
          const [entry] = await this.#file.append([body], stillHolds);
          if (entry !== undefined) return entry;
        } catch (error) {
          throw unavailable(`write to the audit log \`${this.#name}\``, error);
        }
        throw new CanopyError("AUDIT_LOG_UNAVAILABLE", "the entry was not written");
      });
      return () => value;
    } catch (error) {
      return () => {
        throw error;
      };
    } finally {
      isOver = true;
    }
  }

  #scheduleCheckpoint(): void {
    if (this.#options.checkpointer === null || this.#timer !== null || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#isCheckpointDue = true;
      this.#running ??= this.#run();
    }, this.#options.checkpointMs);
    // A process that has nothing else to do makes its last checkpoint when it closes the log.
    this.#timer.unref();
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

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    const { lock, lockTimeoutMs } = this.#options;
    if (!(await lock.acquire(lockTimeoutMs))) {
      throw new CanopyError(
        "AUDIT_LOG_UNAVAILABLE",
        `another process has held the lock of \`${this.#name}\` for ${Math.round(lockTimeoutMs / 1000)} s; look for one that is stopped`,
      );
    }
    try {
      return await work();
    } finally {
      lock.release();
    }
  }
}
