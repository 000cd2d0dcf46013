import { randomBytes } from "node:crypto";

import { CanopyError } from "../errors.ts";
import { appendedEntry, formatLine, noHash } from "./entry.ts";
import type { AppendedEntry, EntryBody } from "./entry.ts";
import { prepareEntry } from "./prepare.ts";
import { redactionRules } from "./redact.ts";
import type { RedactionOptions } from "./redact.ts";
import type { OnEntry, ScanFrom, ScanPlace } from "./scan.ts";
import type { AuditSink, ExclusiveAppend } from "./sink.ts";

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
  const append = (body: EntryBody, stillHolds?: () => void): Promise<AppendedEntry> => {
    try {
      stillHolds?.();
      if (isClosed) throw new CanopyError("AUDIT_LOG_CLOSED", "the audit sink is closed");
      const { line, hash } = formatLine(lines.length, now().toISOString(), prepareEntry(body, rules, randomBytes), lastHash);
      lastHash = hash;
      lines.push(line);
      return Promise.resolve(appendedEntry(lines.length - 1, hash));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  };
  // Work may wait in between: the next one begins when it has ended.
  let turn: Promise<unknown> = Promise.resolve();
  return {
    lines,
    origin: `memory/${randomBytes(16).toString("hex")}`,
    append: (body) => append(body),
    exclusive: <T>(work: (append: ExclusiveAppend) => Promise<T>): Promise<T> => {
      const mine = turn.then(async () => await work(append));
      turn = mine.catch(() => undefined);
      return mine;
    },
    scan: async (from: ScanFrom, onEntry: OnEntry): Promise<ScanPlace> => {
      const first = typeof from === "number" ? Math.min(from, lines.length - 1) : from.seq;
      for (const [index, line] of lines.slice(first).entries()) {
        if (onEntry({ seq: first + index, line: Buffer.from(line) }) === "stop") break;
      }
      return await Promise.resolve({ first: 0, offset: 0, seq: lines.length, hash: lastHash });
    },
    close: async () => {
      isClosed = true;
      await Promise.resolve();
    },
  };
}
