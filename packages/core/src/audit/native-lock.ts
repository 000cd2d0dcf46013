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

function openLock(native: NativeExtensions, path: string): Lock {
  let fd = localDisk.open(path, openOrCreate);
  /** A wait that a thread of the system does for us; it cannot be called off. */
  let waiting: Promise<void> | null = null;
  let wanted = false;

  async function granted(timeoutMs: number): Promise<boolean> {
    if (waiting === null && native.tryLock(fd)) return true;
    waiting ??= wait(native, fd).finally(() => {
      waiting = null;
      // Whoever asked has given up since.
      if (!wanted) native.unlock(fd);
    });
    wanted = true;
    const settled = await within(waiting, timeoutMs);
    // What timed out and was granted while this task was waking counts as granted: `waiting` is null then, and the lock is held.
    wanted = settled || waiting === null;
    return wanted;
  }

  return {
    acquire: async (timeoutMs) => {
      const end = performance.now() + timeoutMs;
      for (;;) {
        if (!(await granted(Math.max(1, end - performance.now())))) return false;
        const named = localDisk.status(path);
        if (named !== null && sameFile(named, localDisk.fdStatus(fd))) return true;
        // The file was deleted or replaced: others lock the new one, so this lock excludes nobody.
        native.unlock(fd);
        localDisk.close(fd);
        fd = localDisk.open(path, openOrCreate);
      }
    },
    release: () => native.unlock(fd),
    close: () => {
      // Closing a descriptor that a thread waits on would let that thread lock whatever file gets the number next.
      if (waiting === null) localDisk.close(fd);
      else void waiting.catch(() => undefined).then(() => localDisk.close(fd));
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
