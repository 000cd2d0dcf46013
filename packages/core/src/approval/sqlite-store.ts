import { closeSync, constants, lstatSync, openSync, realpathSync } from "node:fs";
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { CanopyError } from "../errors.ts";
import { loadSqlite } from "../sqlite.ts";
import { migrate } from "./sqlite-schema.ts";
import { openStates } from "./store.ts";
import { storeFiles } from "./store-path.ts";
import type { ApprovalStore, ApprovalStateChange, StoredApproval } from "./store.ts";

/** How long a statement waits for another process, in milliseconds. All that write hold the log's lock, so that only readers are met. */
const busyMs = 2_000;
const openAttempts = 20;

/**
 * Opens the store at `path`, an SQLite database that its owner alone may read, and creates it where it is missing. Throws `APPROVALS_UNAVAILABLE` where it
 * cannot be opened, is no such store, is of a newer Canopy, or is open to others than its owner.
 */
export async function openSqliteStore(path: string): Promise<ApprovalStore> {
  try {
    const file = approvalsFile(path);
    create(file);
    const sqlite = loadSqlite();
    if (sqlite === undefined)
      throw new CanopyError("APPROVALS_UNAVAILABLE", "this Node has no `node:sqlite`; set `approvals: { store }`, or false");
    for (let attempt = 1; ; attempt += 1) {
      const database = new sqlite.DatabaseSync(file, { timeout: busyMs });
      try {
        prepare(database, file);
        return storeOn(database, file);
      } catch (error) {
        database.close();
        // Others open it for the first time too, and changing its journal does not wait its turn.
        if (!isBusy(error) || attempt === openAttempts) throw error;
        await sleep(10 * attempt);
      }
    }
  } catch (error) {
    throw unavailable(`open the approvals in \`${path}\``, error);
  }
}

/** One name for the file, also where its directory is a symlink. */
function approvalsFile(path: string): string {
  const absolute = resolve(path);
  return join(realpathSync.native(dirname(absolute)), basename(absolute));
}

/**
 * Creates the file for its owner alone, before SQLite would for everybody. One that is there is looked at and not opened: POSIX drops every lock that a
 * process holds on a file when the process closes any descriptor of it, and another connection of this process may hold some.
 */
function create(file: string): void {
  try {
    closeSync(openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600));
    return;
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EEXIST") throw error;
  }
  const status = lstatSync(file);
  if (!status.isFile()) throw new CanopyError("APPROVALS_UNAVAILABLE", `\`${file}\` is not a regular file`);
  if (process.platform !== "win32" && (status.mode & 0o077) !== 0) {
    throw new CanopyError(
      "APPROVALS_UNAVAILABLE",
      `the approvals in \`${file}\` can be read or written by others than their owner (mode ${(status.mode & 0o777).toString(8)}): chmod 600 the file`,
    );
  }
}

/** SQLite before 3.51.3 could lose a commit in write-ahead mode when a checkpoint and a writer met (sqlite.org/releaselog/3_51_3.html). */
const walIsSoundFrom = [3, 51, 3] as const;

function prepare(database: DatabaseSync, file: string): void {
  const version = String(database.prepare("SELECT sqlite_version() AS version").get()?.["version"]);
  database.exec(`PRAGMA journal_mode = ${isAtLeast(version, walIsSoundFrom) ? "WAL" : "DELETE"}`);
  database.exec("PRAGMA synchronous = FULL");
  // A database that somebody made may hold what runs when it is read.
  database.exec("PRAGMA trusted_schema = OFF");
  migrate(database, basename(file));
}

function isAtLeast(version: string, wanted: readonly number[]): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, least] of wanted.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}

const columns = "id, origin, digest, action, avid, state, requested_seq, requested_hash, decide_by";

function storeOn(database: DatabaseSync, file: string): ApprovalStore {
  const open = openStates.map((state) => `'${state}'`).join(", ");
  const get = database.prepare(`SELECT ${columns} FROM approvals WHERE id = ?`);
  const insert = database.prepare(`INSERT INTO approvals (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const aboutOpen = database.prepare(
    `SELECT ${columns} FROM approvals WHERE digest = ?1 AND origin = ?2 AND (state IN (${open}) OR requested_seq =
      (SELECT max(requested_seq) FROM approvals WHERE digest = ?1 AND origin = ?2 AND state NOT IN (${open}))) ORDER BY requested_seq DESC`,
  );
  const all = database.prepare(`SELECT ${columns} FROM approvals WHERE origin = ? AND requested_seq > ? ORDER BY requested_seq LIMIT ?`);
  const overdue = database.prepare(
    `SELECT ${columns} FROM approvals WHERE origin = ? AND state = 'pending' AND decide_by <= ? ORDER BY requested_seq LIMIT ?`,
  );
  const approved = database.prepare(
    `SELECT ${columns} FROM approvals WHERE origin = ? AND state IN ('approved', 'reserved') ORDER BY requested_seq DESC LIMIT ?`,
  );
  const count = database.prepare(
    "SELECT count(*) AS n, coalesce(sum(avid = ?1), 0) AS mine FROM approvals WHERE origin = ?2 AND state = 'pending' AND decide_by > ?3",
  );
  const reserved = database.prepare("SELECT 1 AS found FROM approvals WHERE id = ? AND state = 'reserved' AND token = ?");
  const prune = database.prepare("DELETE FROM approvals WHERE decide_by < ? AND state NOT IN ('approved', 'reserved')");

  function change(id: string, { from, token, to, reserve }: ApprovalStateChange): boolean {
    const states = from.map(() => "?").join(", ");
    const sql = `UPDATE approvals SET state = ?, token = ? WHERE id = ? AND state IN (${states})${token === undefined ? "" : " AND token = ?"}`;
    const values: SQLInputValue[] = [to, reserve ?? null, id, ...from, ...(token === undefined ? [] : [token])];
    return Number(database.prepare(sql).run(...values).changes) === 1;
  }

  return {
    insert: (row) =>
      answer("write", () => {
        const { id, origin, digest, action, avid, state, requestedSeq, requestedHash, decideBy } = row;
        insert.run(id, origin, digest, action, avid, state, requestedSeq, requestedHash, decideBy);
      }),
    get: (id) =>
      answer("read", () => {
        const row = get.get(id);
        return row === undefined ? null : readRow(row);
      }),
    about: (origin, digest) => answer("read", () => aboutOpen.all(digest, origin).map(readRow)),
    list: (origin, after, limit) => answer("read", () => all.all(origin, after, limit).map(readRow)),
    overdue: (origin, now, limit) => answer("read", () => overdue.all(origin, now, limit).map(readRow)),
    approved: (origin, limit) => answer("read", () => approved.all(origin, limit).map(readRow)),
    countPending: (origin, avid, now) =>
      answer("read", () => {
        const row = count.get(avid, origin, now);
        return { all: Number(row?.["n"]), agent: Number(row?.["mine"]) };
      }),
    change: (id, wanted) => answer("write", () => change(id, wanted)),
    isReserved: (id, token) => reserved.get(id, token) !== undefined,
    prune: (before) =>
      answer("write", () => {
        prune.run(before);
      }),
    ownFiles: () => storeFiles(file),
    close: async () => {
      if (database.isOpen) database.close();
      await Promise.resolve();
    },
  };
}

/** SQLite answers at once; a store elsewhere would not, so the interface waits. */
async function answer<T>(what: "read" | "write", work: () => T): Promise<T> {
  try {
    return await Promise.resolve(work());
  } catch (error) {
    throw unavailable(`${what} the approvals`, error);
  }
}

const states: ReadonlySet<unknown> = new Set([...openStates, "expired", "cancelled", "used"]);

/** A row as the schema has it; whoever edits the file may leave anything. */
function readRow(row: Readonly<Record<string, unknown>>): StoredApproval {
  const { id, origin, digest, action, avid, state, requested_seq: requestedSeq, requested_hash: requestedHash, decide_by: decideBy } = row;
  const texts = [id, origin, digest, action, avid, requestedHash];
  if (!texts.every((each) => typeof each === "string") || !states.has(state) || !isCount(requestedSeq) || !isCount(decideBy)) {
    throw new CanopyError("APPROVALS_UNAVAILABLE", "the store of approvals holds a row that Canopy did not write");
  }
  return { id, origin, digest, action, avid, state, requestedSeq, requestedHash, decideBy } as StoredApproval;
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isBusy(error: unknown): boolean {
  const busy = 5;
  return ((error as { errcode?: number } | null)?.errcode ?? 0) % 256 === busy;
}

function unavailable(tried: string, cause: unknown): CanopyError {
  if (cause instanceof CanopyError) return cause;
  const why = cause instanceof Error ? cause.message.split("\n", 1)[0] : "an unknown error";
  return new CanopyError("APPROVALS_UNAVAILABLE", `cannot ${tried}: ${why}`, { cause });
}
