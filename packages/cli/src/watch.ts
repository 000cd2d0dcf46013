import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import type { Readable } from "node:stream";

/** Watches folders for changes of YAML files in them. */
export interface Watch {
  /** Also watches these; one that is watched already, or cannot be, changes nothing. */
  readonly add: (folders: readonly string[]) => void;
  /** Resolves at the first change since the last call, a moment later, so that a file that is being saved is whole. */
  readonly changed: () => Promise<void>;
  readonly close: () => void;
}

/** Editors save in several steps. */
const settleMilliseconds = 50;

export function watchFolders(folders: readonly string[]): Watch {
  const watchers = new Map<string, FSWatcher>();
  let pending = false;
  let notify: (() => void) | null = null;
  const note = (_kind: string, name: string | Buffer | null): void => {
    // A name without an ending may be a new folder.
    if (name !== null && /\.[^.]+$/.test(String(name)) && !/\.ya?ml$/.test(String(name))) return;
    pending = true;
    notify?.();
  };
  const add = (more: readonly string[]): void => {
    for (const folder of more) {
      if (watchers.has(folder)) continue;
      try {
        const watcher = watch(folder, note);
        // A folder that is removed can no longer be watched; what was in it is missed by the next run.
        watcher.on("error", () => {
          watcher.close();
          watchers.delete(folder);
        });
        watchers.set(folder, watcher);
      } catch {
        continue;
      }
    }
  };
  add(folders);
  return {
    add,
    async changed() {
      if (!pending) await new Promise<void>((resolve) => (notify = resolve));
      notify = null;
      await new Promise((resolve) => setTimeout(resolve, settleMilliseconds));
      pending = false;
    },
    close() {
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

/** Resolves when nobody will write to `stream` any more. What is written to it is thrown away. */
export async function ended(stream: Readable): Promise<void> {
  if (stream.readableEnded || stream.destroyed) return;
  await new Promise<void>((resolve) => {
    for (const event of ["end", "close", "error"]) stream.once(event, () => resolve());
    stream.resume();
  });
}
