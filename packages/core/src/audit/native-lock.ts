import { createRequire } from "node:module";

import { localDisk, openOrCreate, sameFile } from "./disk.ts";
import type { Lock, OpenLock } from "./lock.ts";

interface NativeExtensions {
  readonly tryLock: (fd: number) => boolean;
  readonly waitForLock: (fd: number) => Promise<void>;
  readonly unlock: (fd: number) => void;
}

/**
 * A lock of the open file itself: `fcntl` open file description locks on Linux, `flock` on macOS, `LockFileEx` on Windows. It belongs to the
 * descriptor, so threads exclude one another too, and closing another descriptor of the file does not drop it.
 */
export function loadNativeLock(): OpenLock | null {
  let native: NativeExtensions;
  try {
    // Optional, without types, and 20 ms to load: not an import.
    native = createRequire(import.meta.url)("fs-native-extensions") as NativeExtensions;
  } catch {
    return null;
  }
  return (path) => openLock(native, path);
}

/** A descriptor of the lock file, and what it waits for. */
interface Handle {
  fd: number;
  /** A wait that a thread of the system does for us; it cannot be called off. */
  waiting: Promise<void> | null;
  wanted: boolean;
}

/**
 * Handles that were closed while a thread still waited for them, by the path of the lock. Whoever opens the lock again goes on with that wait:
 * otherwise each attempt to open a log whose lock is stuck would cost one of the few threads that all of the process shares.
 */
const parked = new Map<string, Handle>();

function openLock(native: NativeExtensions, path: string): Lock {
  const handle = parked.get(path) ?? { fd: localDisk.open(path, openOrCreate), waiting: null, wanted: false };
  parked.delete(path);

  async function granted(timeoutMs: number): Promise<boolean> {
    if (handle.waiting === null && native.tryLock(handle.fd)) return true;
    handle.waiting ??= wait(native, handle.fd).finally(() => {
      handle.waiting = null;
      // Whoever asked has given up since.
      if (!handle.wanted) native.unlock(handle.fd);
      if (parked.get(path) === handle) {
        parked.delete(path);
        localDisk.close(handle.fd);
      }
    });
    handle.wanted = true;
    const settled = await within(handle.waiting, timeoutMs);
    // What timed out and was granted while this task was waking counts as granted: `waiting` is null then, and the lock is held.
    handle.wanted = settled || handle.waiting === null;
    return handle.wanted;
  }

  return {
    acquire: async (timeoutMs) => {
      const end = performance.now() + timeoutMs;
      for (;;) {
        if (!(await granted(Math.max(1, end - performance.now())))) return false;
        const named = localDisk.status(path);
        if (named !== null && sameFile(named, localDisk.fdStatus(handle.fd))) return true;
        // The file was deleted or replaced: others lock the new one, so this lock excludes nobody.
        native.unlock(handle.fd);
        localDisk.close(handle.fd);
        handle.fd = localDisk.open(path, openOrCreate);
      }
    },
    release: () => native.unlock(handle.fd),
    close: () => {
      if (handle.waiting === null) {
        localDisk.close(handle.fd);
        return;
      }
      // Closing a descriptor that a thread waits on would let that thread lock whatever file gets the number next.
      handle.waiting.catch(() => undefined);
      const other = parked.get(path);
      if (other === undefined) parked.set(path, handle);
      else void handle.waiting.then(() => localDisk.close(handle.fd)).catch(() => undefined);
    },
  };
}

async function wait(native: NativeExtensions, fd: number): Promise<void> {
  for (;;) {
    try {
      return await native.waitForLock(fd);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "EINTR") throw error;
    }
  }
}

async function within(promise: Promise<void>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([promise.then(() => true), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
