import { CanopyError } from "../errors.ts";
import type { AppendedEntry, EntryBody } from "./entry.ts";
import type { AuditSink } from "./sink.ts";

export interface CombinedSinksOptions {
  /** Each of them must have an entry before its caller is answered; the first names the entries. At least one. */
  readonly required: readonly [AuditSink, ...AuditSink[]];
  /** Get every entry too, as fast as they take them; nobody waits for them, and what they refuse or are too slow for is dropped. */
  readonly optional?: readonly AuditSink[];
  /** After so many milliseconds without an answer a required sink counts as failed; 10,000 where it is left out. */
  readonly timeoutMs?: number;
  /** Hears of each entry that an optional sink did not take. Must not throw. */
  readonly onDropped?: (sink: AuditSink, error: unknown) => void;
}

/** So many entries may be under way to one optional sink. */
const mostUnderWay = 10_000;

/**
 * Several sinks as one. An entry is on record when every required sink has it; where one fails or hangs, the caller is told so, and the
 * entry is marked void in those that have it. Throws `INVALID_OPTIONS`.
 */
export function combineAuditSinks(options: CombinedSinksOptions): AuditSink {
  const { required, optional = [], timeoutMs = 10_000, onDropped = () => undefined } = options;
  if (!Array.isArray(required) || required.length === 0) throw new CanopyError("INVALID_OPTIONS", "`required` names no audit sink");
  const sinks = [...required, ...optional];
  if (new Set(sinks).size < sinks.length) throw new CanopyError("INVALID_OPTIONS", "an audit sink is named twice");
  if (!Number.isFinite(timeoutMs) || timeoutMs <= 0 || timeoutMs > 2 ** 31 - 1) {
    throw new CanopyError("INVALID_OPTIONS", `\`timeoutMs\` is ${String(timeoutMs)}, not a time in milliseconds`);
  }
  const voiding = new Set<Promise<void>>();
  const spread = optional.map((sink) => bestEffort(sink, onDropped));
  return {
    append: (body) => {
      for (const offer of spread) offer(body);
      return appendToAll(required, body, timeoutMs, voiding);
    },
    holdsPolicy: async (digest, entries) => {
      const answers = await Promise.all(sinks.map(async (sink) => await sink.holdsPolicy?.(digest, entries)));
      return answers.every((answer) => answer === true);
    },
    holdsFiles: async (digest) => {
      const answers = await Promise.all(sinks.map(async (sink) => await sink.holdsFiles?.(digest)));
      return answers.every((answer) => answer === true);
    },
    segment: () => sinks.reduce((sum, sink) => sum + (sink.segment?.() ?? 0), 0),
    ownFiles: () => sinks.flatMap((sink) => sink.ownFiles?.() ?? []),
    close: async () => {
      await within(Promise.all(voiding), timeoutMs);
      const closed = await Promise.allSettled(sinks.map(async (sink) => await sink.close()));
      const failed = closed.find((each, index) => each.status === "rejected" && index < required.length);
      if (failed?.status === "rejected") throw failed.reason;
    },
  };
}

async function appendToAll(
  required: readonly AuditSink[],
  body: EntryBody,
  timeoutMs: number,
  voiding: Set<Promise<void>>,
): Promise<AppendedEntry> {
  // Begun for all before anything is awaited, so that entries stand in the same order everywhere.
  const appending = required.map((sink) => begin(sink, body));
  const ended = await Promise.all(appending.map((entry) => within(entry, timeoutMs)));
  const failed = ended.find((each) => "error" in each);
  if (failed === undefined) {
    const [first] = ended;
    if (first !== undefined && "value" in first) return first.value;
  }
  for (const [index, entry] of appending.entries()) {
    // Not waited for: a sink that hangs may take it in an hour, or never.
    void entry.then((appended) => track(voiding, voidOne(required[index], appended))).catch(() => undefined);
  }
  const why = failed !== undefined && "error" in failed ? failed.error : undefined;
  throw why instanceof CanopyError
    ? why
    : new CanopyError("AUDIT_LOG_UNAVAILABLE", "a required audit sink did not take the entry", { cause: why });
}

/** For an entry that a sink has, or takes later after all, although its caller was denied. */
async function voidOne(sink: AuditSink | undefined, entry: AppendedEntry): Promise<void> {
  try {
    await sink?.markVoided?.([entry], "another required audit sink did not take the entry, so its caller was answered DENY");
  } catch {
    // The sink can no longer be written; there is nothing more to say there.
  }
}

function track(all: Set<Promise<void>>, work: Promise<void>): void {
  all.add(work);
  void work.finally(() => all.delete(work));
}

type Ended<T> = { readonly value: T } | { readonly error: unknown };

async function within<T>(work: Promise<T>, timeoutMs: number): Promise<Ended<T>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const late = new Promise<Ended<T>>((resolve) => {
      const error = new CanopyError("AUDIT_LOG_UNAVAILABLE", `a required audit sink did not answer within ${timeoutMs} ms`);
      timer = setTimeout(resolve, timeoutMs, { error });
    });
    return await Promise.race([work.then((value) => ({ value })), late]);
  } catch (error) {
    return { error };
  } finally {
    clearTimeout(timer);
  }
}

/** Also where a sink throws instead of rejecting, or answers something that is no entry. */
async function begin(sink: AuditSink, body: EntryBody): Promise<AppendedEntry> {
  const entry: AppendedEntry = await sink.append(body);
  if (typeof entry?.id === "string" && entry.id !== "") return entry;
  throw new CanopyError("AUDIT_LOG_UNAVAILABLE", "an audit sink named no entry");
}

function bestEffort(sink: AuditSink, onDropped: (sink: AuditSink, error: unknown) => void): (body: EntryBody) => void {
  let underWay = 0;
  return (body) => {
    if (underWay >= mostUnderWay) return onDropped(sink, new CanopyError("AUDIT_LOG_UNAVAILABLE", "the audit sink is too slow"));
    underWay += 1;
    void begin(sink, body)
      .catch((error: unknown) => onDropped(sink, error))
      .finally(() => {
        underWay -= 1;
      });
  };
}
