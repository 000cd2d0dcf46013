import { setTimeout as sleep } from "node:timers/promises";

import { createNew, localDisk } from "./disk.ts";
import type { Lock, OpenLock } from "./lock.ts";

interface Database {
  exec(sql: string): void;
  close(): void;
}

/** An exclusive transaction of SQLite on a database that stays empty: a kernel lock that needs nothing but Node. */
export async function loadSqliteLock(): Promise<OpenLock | null> {
  try {
    const { DatabaseSync } = await import("node:sqlite");
    return (path) => openLock(() => new DatabaseSync(path, { timeout: 0 }), path);
  } catch {
    return null;
  }
}

function openLock(connect: () => Database, path: string): Lock {
  create(path);
  let database = open();
  let inode = localDisk.status(path)?.ino;

  function open(): Database {
    const opened = connect();
    // Nothing is ever written, so there is nothing to roll back, and no journal beside the file.
    opened.exec("PRAGMA journal_mode = MEMORY");
    return opened;
  }

  function attempt(): boolean {
    try {
      database.exec("BEGIN EXCLUSIVE");
      return true;
    } catch (error) {
      const busy = 5;
      if (((error as { errcode?: number }).errcode ?? 0) % 256 === busy) return false;
      throw error;
    }
  }

  return {
    acquire: async (timeoutMs) => {
      const start = performance.now();
      for (;;) {
        const named = localDisk.status(path)?.ino;
        if (named === undefined || named !== inode) {
          // The file was deleted or replaced: others lock the new one.
          database.close();
          create(path);
          database = open();
          inode = localDisk.status(path)?.ino;
        }
        if (attempt()) {
          if (localDisk.status(path)?.ino === inode) return true;
          database.exec("ROLLBACK");
          continue;
        }
        const waited = performance.now() - start;
        if (waited >= timeoutMs) return false;
        // SQLite keeps no queue. Who has waited long asks more often than who has just come, so that nobody starves.
        await sleep(Math.random() * Math.max(1, 8 - waited / 25));
      }
    },
    release: () => database.exec("ROLLBACK"),
    close: () => database.close(),
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
