import { randomBytes } from "node:crypto";

import { CanopyError } from "../errors.ts";
import { appendedEntry, formatLine, noHash } from "./entry.ts";
import type { AppendedEntry, EntryBody } from "./entry.ts";
import { prepareEntry } from "./prepare.ts";
import { redactionRules } from "./redact.ts";
import type { RedactionOptions } from "./redact.ts";
import type { AuditSink } from "./sink.ts";

/** Entries as a log has them, in this process's memory alone. */
export interface MemoryAuditSink extends AuditSink {
  /** The lines so far, each as a file would have it, without its newline. */
  readonly lines: readonly string[];
}

/**
 * A sink for tests and trials: entries are redacted, numbered and chained as in a file, and are gone with the process. What it holds is no
 * evidence of anything.
 */
export function createMemoryAuditSink(options: { readonly redact?: RedactionOptions; readonly now?: () => Date } = {}): MemoryAuditSink {
  const { redact = {}, now = () => new Date() } = options;
  const rules = redactionRules(redact);
  const lines: string[] = [];
  let lastHash = noHash;
  let isClosed = false;
  // Not async, so that `body` is read before it returns and entries stand in the order of the calls.
  const append = (body: EntryBody): Promise<AppendedEntry> => {
    try {
      if (isClosed) throw new CanopyError("AUDIT_LOG_CLOSED", "the audit sink is closed");
      const { line, hash } = formatLine(lines.length, now().toISOString(), prepareEntry(body, rules, randomBytes), lastHash);
      lastHash = hash;
      lines.push(line);
      return Promise.resolve(appendedEntry(lines.length - 1, hash));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  };
  return {
    lines,
    append,
    close: async () => {
      isClosed = true;
      await Promise.resolve();
    },
  };
}
