import type { AppendedEntry, AuditLog, AuditSink } from "@canopy-runtime/core";

/** The log, with a note of whether it can be written. */
export interface WatchedLog extends Required<AuditSink> {
  readonly path: string;
  /** Whether the last entry that was offered is on record. */
  readonly writable: boolean;
  readonly appended: number;
  readonly failures: number;
}

/** Counts what the log does; `ownFiles` are files of the gateway that agents must not touch either. */
export function watchLog(log: AuditLog, ownFiles: readonly string[]): WatchedLog {
  let writable = true;
  let appended = 0;
  let failures = 0;
  async function noted(append: Promise<AppendedEntry>): Promise<AppendedEntry> {
    try {
      const entry = await append;
      writable = true;
      appended += 1;
      return entry;
    } catch (error) {
      writable = false;
      failures += 1;
      throw error;
    }
  }

  return {
    path: log.path,
    origin: log.origin,
    get writable() {
      return writable;
    },
    get appended() {
      return appended;
    },
    get failures() {
      return failures;
    },
    append: (body) => noted(log.append(body)),
    // Not noted where it rejects: that is how a use of an approval is called off.
    exclusive: async (work) =>
      await log.exclusive(
        async (append) =>
          await work(async (body, stillHolds) => {
            const entry = await append(body, stillHolds);
            appended += 1;
            return entry;
          }),
      ),
    scan: async (from, onEntry) => await log.scan(from, onEntry),
    markVoided: async (entries, why) => await log.markVoided(entries, why),
    holdsPolicy: async (digest, entries) => await log.holdsPolicy(digest, entries),
    holdsFiles: async (digest) => await log.holdsFiles(digest),
    segment: () => log.segment(),
    ownFiles: () => [...log.ownFiles(), ...ownFiles],
    close: async () => await log.close(),
  };
}
