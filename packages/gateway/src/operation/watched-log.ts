import type { AuditLog, AuditSink, EntryBody } from "@canopy-runtime/core";

/** The log, with a note of whether it can be written. */
export interface WatchedLog extends AuditSink {
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
  return {
    path: log.path,
    get writable() {
      return writable;
    },
    get appended() {
      return appended;
    },
    get failures() {
      return failures;
    },
    async append(body: EntryBody) {
      try {
        const entry = await log.append(body);
        writable = true;
        appended += 1;
        return entry;
      } catch (error) {
        writable = false;
        failures += 1;
        throw error;
      }
    },
    markVoided: async (entries, why) => await log.markVoided(entries, why),
    holdsPolicy: async (digest, entries) => await log.holdsPolicy(digest, entries),
    segment: () => log.segment(),
    ownFiles: () => [...log.ownFiles(), ...ownFiles],
    close: async () => await log.close(),
  };
}
