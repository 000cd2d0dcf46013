import { loadNativeLock } from "./native-lock.ts";
import { loadSqliteLock } from "./sqlite-lock.ts";

/** How writers exclude one another. The kernel drops the lock when its holder dies; nothing is ever judged stale. */
export type LockMechanism = "fs-native-extensions" | "node:sqlite";

/** The lock of one log, for one writer. */
export interface Lock {
  /** Whether the lock was had within `timeoutMs`. At most one call at a time. */
  readonly acquire: (timeoutMs: number) => Promise<boolean>;
  readonly release: () => void;
  readonly close: () => void;
}

/** Opens the lock file, and creates it where it is missing. */
export type OpenLock = (path: string) => Lock;

/** Loads a mechanism; null where this machine has it not. */
export type LoadLock = (mechanism: LockMechanism) => Promise<OpenLock | null>;

/** In the order of preference: the first is fair and wakes at once, the second needs nothing but Node. */
export const lockMechanisms: readonly LockMechanism[] = ["fs-native-extensions", "node:sqlite"];

export const loadLock: LoadLock = async (mechanism) => (mechanism === "node:sqlite" ? loadSqliteLock() : loadNativeLock());

export function isLockMechanism(name: unknown): name is LockMechanism {
  return lockMechanisms.some((mechanism) => mechanism === name);
}
