import type { AuditSink, ExclusiveAppend } from "../audit/index.ts";
import { CanopyError } from "../errors.ts";
import { isJsonObject } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { ApprovalHistory } from "./history.ts";
import type { ApprovalSettings } from "./options.ts";
import { standingOf } from "./standing.ts";
import type { Standing } from "./standing.ts";
import type { ApprovalStore, StoredApproval, StoredApprovalState } from "./store.ts";

/** A log on which approvals can rest: it can be held alone, and read back. */
export type ApprovalLog = Pick<AuditSink, "append"> & Required<Pick<AuditSink, "exclusive" | "scan">> & { readonly origin: string };

export interface KeeperParts {
  readonly log: ApprovalLog;
  readonly openStore: () => Promise<ApprovalStore>;
  readonly settings: ApprovalSettings;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
}

/** What could be decided until then is forgotten by the store, save for what is approved; the log keeps it. */
const keptMs = 30 * 24 * 60 * 60 * 1000;

/**
 * Holds the store against the log. INVARIANT: what an approval is, the log says; every change is recorded there first, under its lock, and noted in the
 * store after, so that whoever dies in between leaves a store that is behind and never one that is ahead.
 */
export class Keeper {
  readonly settings: ApprovalSettings;
  readonly origin: string;
  readonly now: () => number;
  readonly randomBytes: KeeperParts["randomBytes"];
  readonly #log: ApprovalLog;
  readonly #openStore: KeeperParts["openStore"];
  readonly #history: ApprovalHistory;
  #opened: Promise<ApprovalStore> | undefined;
  #isClosed = false;

  constructor({ log, openStore, settings, now, randomBytes }: KeeperParts) {
    this.settings = settings;
    this.origin = log.origin;
    this.now = now;
    this.randomBytes = randomBytes;
    this.#log = log;
    this.#openStore = openStore;
    this.#history = new ApprovalHistory(async (from, onEntry) => await log.scan(from, onEntry));
  }

  /** The store, opened when it is first needed. Rejects with `APPROVALS_UNAVAILABLE`, and tries anew the next time. */
  async store(): Promise<ApprovalStore> {
    if (this.#isClosed) throw new CanopyError("APPROVALS_UNAVAILABLE", "the approvals are closed");
    this.#opened ??= this.#open();
    try {
      return await this.#opened;
    } catch (error) {
      this.#opened = undefined;
      throw error;
    }
  }

  /** Runs `work` while nobody else changes an approval of this log. */
  async exclusive<T>(work: (store: ApprovalStore, append: ExclusiveAppend) => Promise<T>): Promise<T> {
    const store = await this.store();
    return await this.#log.exclusive(async (append) => await work(store, append));
  }

  /** Reads ahead, so that little is left to be read while the lock is held. */
  async readAhead(rows: readonly StoredApproval[]): Promise<void> {
    const first = Math.min(...rows.map(({ requestedSeq }) => requestedSeq));
    // What goes wrong here goes wrong again where it counts.
    if (rows.length > 0) await this.#history.readFrom(first).catch(() => undefined);
  }

  /** What the log says of these rows, in their order. Rejects where the log cannot be read, or is not whole. */
  async standings(rows: readonly StoredApproval[]): Promise<readonly Standing[]> {
    if (rows.length === 0) return [];
    await this.#history.readFrom(Math.min(...rows.map(({ requestedSeq }) => requestedSeq)));
    const now = this.now();
    return rows.map((row) => standingOf(row, this.#history.of(row.id), now, this.settings.useWithinMs));
  }

  /** The same of one row, where the log was read from there on already; null where it was not, and where it cannot be read. */
  async recalled(row: StoredApproval): Promise<Standing | null> {
    if (!this.#history.covers(row.requestedSeq)) return null;
    const [standing = null] = await this.standings([row]).catch(() => []);
    return standing;
  }

  /** The entry that requested something, in full. */
  async entry(seq: number): Promise<JsonObject> {
    let found: JsonObject | null = null;
    await this.#log.scan(seq, ({ line }) => {
      const entry = JSON.parse(line.toString()) as JsonValue;
      if (isJsonObject(entry) && entry["seq"] === seq) found = entry;
      return "stop";
    });
    return found ?? {};
  }

  /** Brings a row up to what the log says. Only under the lock. */
  async mend(store: ApprovalStore, row: StoredApproval, { state, problem }: Standing): Promise<void> {
    if (problem !== null || row.state === state) return;
    // What has merely run out of time is not on record as expired yet.
    if (state === "expired" || (row.state === "reserved" && state === "approved")) return;
    await store.change(row.id, { from: [row.state], to: state });
  }

  async mark(store: ApprovalStore, id: string, from: readonly StoredApprovalState[], to: StoredApprovalState): Promise<void> {
    // The log has it already; where this fails, it is mended when the row is next looked at.
    await store.change(id, { from, to }).catch(() => false);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await (await this.#opened?.catch(() => undefined))?.close();
  }

  async #open(): Promise<ApprovalStore> {
    const store = await this.#openStore();
    await store.prune(this.now() - keptMs);
    return store;
  }
}
