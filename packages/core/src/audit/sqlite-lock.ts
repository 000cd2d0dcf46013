import { setTimeout as sleep } from "node:timers/promises";

import { loadSqlite } from "../sqlite.ts";
import { createNew, localDisk } from "./disk.ts";
import type { Lock, OpenLock } from "./lock.ts";

interface Database {
  exec(sql: string): void;
  close(): void;
}

/** An exclusive transaction of SQLite on a database that stays empty: a kernel lock that needs nothing but Node. */
export function loadSqliteLock(): OpenLock | null {
  const sqlite = loadSqlite();
  return sqlite === undefined ? null : (path) => openLock(() => new sqlite.DatabaseSync(path, { timeout: 0 }), path);
}

function openLock(connect: () => Database, path: string): Lock {
  let database: Database | null = null;
  let inode: bigint | undefined;

  /** The connection to the file that has the lock's name now: others lock that one, whatever became of an earlier. */
  function current(): Database {
    if (database !== null && localDisk.status(path)?.ino === inode) return database;
    database?.close();
    database = null;
    create(path);
    inode = localDisk.status(path)?.ino;
    database = connect();
    return database;
  }

  function attempt(): boolean {
    const connection = current();
    try {
      // Nothing is ever written, so there is nothing to roll back, and no journal beside the file.
      connection.exec("PRAGMA journal_mode = MEMORY");
      connection.exec("BEGIN EXCLUSIVE");
    } catch (error) {
      const busy = 5;
      if (((error as { errcode?: number }).errcode ?? 0) % 256 === busy) return false;
      throw error;
    }
    if (localDisk.status(path)?.ino === inode) return true;
    connection.exec("ROLLBACK");
    return false;
  }

  return {
    acquire: async (timeoutMs) => {
      const start = performance.now();
      while (!attempt()) {
        const waited = performance.now() - start;
        if (waited >= timeoutMs) return false;
        // SQLite keeps no queue. Who has waited long asks more often than who has just come, so that nobody starves.
        await sleep(Math.random() * Math.max(1, 8 - waited / 25));
      }
      return true;
    },
    release: () => database?.exec("ROLLBACK"),
    close: () => {
      database?.close();
      database = null;
    },
  };
}

/**
 * Creates the file with mode 0600, and leaves one that is there unopened: POSIX drops every lock that a process holds on a file when the
 * process closes any descriptor of it, and another thread may hold this one.
 */
function create(path: string): void {
  try {
    localDisk.close(localDisk.open(path, createNew));
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EEXIST") throw error;
  }
}
