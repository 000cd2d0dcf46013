import type { JsonObject } from "../json.ts";
import { bodyText } from "./entry.ts";
import type { LockMechanism } from "./lock.ts";
import { memberOf } from "./members.ts";
import type { Genesis } from "./tail.ts";

/** What a new log says of itself in its first entry. */
export interface Opening {
  readonly origin: string;
  readonly lock: LockMechanism;
  readonly durability: "fsync" | "os";
  readonly publicKey: string | null;
  /** What is known of a broken log that this one is begun in the place of. */
  readonly follows: JsonObject | null;
}

/** The first entry of a log. */
export function openingBody({ origin, lock, durability, publicKey, follows }: Opening): string {
  return bodyText("log.opened", [
    memberOf("origin", origin),
    memberOf("lock", lock),
    memberOf("durability", durability),
    memberOf("public_key", publicKey),
    ...(follows === null ? [] : [memberOf("follows", follows)]),
  ]);
}

/** The first entry of a segment that goes on from the one that `genesis` began; `publicKey` is that of the writer, where it has a key. */
export function continuingBody({ origin, lock, durability, publicKey: before }: Genesis, publicKey: string | null): string {
  return bodyText("log.continued", [
    memberOf("origin", origin),
    memberOf("lock", lock),
    memberOf("durability", durability),
    memberOf("public_key", publicKey ?? before),
  ]);
}
