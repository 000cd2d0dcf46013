import { basename, dirname } from "node:path";

import { CanopyError } from "../errors.ts";
import type { Disk } from "./disk.ts";
import { bodyText } from "./entry.ts";
import { memberOf } from "./members.ts";

/** Keeps some space free where a log is kept, so that there is room to say that there is none. */
export interface FreeSpace {
  /** Looks whether these bodies would go into the reserve, and answers the entries that say so: once when it runs out, and once when there is some again. */
  readonly look: (bodies: readonly string[]) => readonly string[];
  /** What the last look came to. */
  readonly isShort: () => boolean;
  readonly refusal: () => CanopyError;
}

export function watchFreeSpace(disk: Pick<Disk, "freeBytes">, path: string, reserveBytes: number): FreeSpace {
  let isShort = false;
  return {
    look(bodies) {
      if (bodies.length === 0 || reserveBytes === 0) return [];
      const wasShort = isShort;
      // A character takes up to three bytes.
      isShort = disk.freeBytes(dirname(path)) - bodies.reduce((sum, body) => sum + 3 * body.length, 0) < reserveBytes;
      if (isShort === wasShort) return [];
      return [bodyText(isShort ? "log.paused" : "log.resumed", [memberOf("why", "disk_space"), memberOf("reserve_bytes", reserveBytes)])];
    },
    isShort: () => isShort,
    refusal() {
      const megabytes = Math.max(1, Math.round(reserveBytes / 1024 / 1024));
      return new CanopyError(
        "AUDIT_LOG_UNAVAILABLE",
        `less than ${megabytes} MiB are free where \`${basename(path)}\` is kept, which are held in reserve: make room, and recording goes on`,
      );
    },
  };
}
