import type { AppendedEntry, EntryBody } from "./entry.ts";
import type { OnEntry, ScanFrom, ScanPlace } from "./scan.ts";

/**
 * Appends while nobody else does. `stillHolds` is asked right before the entry is written, with nothing awaited in between; where it throws, the entry
 * is not written, and the append rejects.
 */
export type ExclusiveAppend = (body: EntryBody, stillHolds?: () => void) => Promise<AppendedEntry>;

/** Where entries are put on record: a file, or anything else that keeps the promise of `append`. */
export interface AuditSink {
  /**
   * Resolves when the entry is on record for good, and only then; the runtime answers ALLOW after that. Rejects where it is not, or may not be,
   * and the runtime then answers DENY. `body` is read before this returns.
   */
  append(body: EntryBody): Promise<AppendedEntry>;
  /**
   * Marks entries that are on record although the caller was told that they are not, and was denied. Such entries are left to be found as they
   * are where a sink has no such method.
   */
  markVoided?(entries: readonly AppendedEntry[], why: string): Promise<void>;
  /** Whether the sink is known to hold the texts of this policy, in so many entries; where it is not known, they are appended once more. */
  holdsPolicy?(policyDigest: string, entries: number): Promise<boolean>;
  /** The same of the `host.files` entry with this digest. */
  holdsFiles?(digest: string): Promise<boolean>;
  /** Changes where the sink goes on in a part that shall be complete in itself, so that the policy and the host's files are recorded there anew. */
  segment?(): number;
  /** Absolute paths of the sink's own files, which no agent may touch; nor what has such a name with a dot and more after it. */
  ownFiles?(): readonly string[];
  /** The name that the log gave itself, which no other has; what belongs to this log and is kept elsewhere says so. */
  readonly origin?: string;
  /**
   * Runs `work` while no other writer, in this process or another, puts anything on record, after what was appended before. Approvals need it, and
   * `scan`: a sink without them keeps none.
   */
  exclusive?<T>(work: (append: ExclusiveAppend) => Promise<T>): Promise<T>;
  /**
   * The entries from the place on, in their order, and the place after the last. Rejects where they cannot be read or are not whole. Only within
   * `exclusive` it is sure to be all of them.
   */
  scan?(from: ScanFrom, onEntry: OnEntry): Promise<ScanPlace>;
  /** Records what was appended before; later appends reject. */
  close(): Promise<void>;
}
