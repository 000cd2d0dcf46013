import { hash, randomBytes } from "node:crypto";

import canonicalize from "canonicalize";

import { cloneJson, isJsonObject, member } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { entryLimits } from "./members.ts";

/** Where 16 or more random bytes come from. */
export type RandomBytes = (size: number) => Uint8Array;

/** What stands in the log instead of a value that is not to be read there. */
export interface Commitment extends JsonObject {
  /** `sha256:` and the SHA-256, in hex, over the salt as written here followed by the canonical JSON of the value (RFC 8785). */
  readonly $committed: string;
  /** 32 hex digits, random for each commitment: equal values do not look equal. */
  readonly salt: string;
  /** The length of the canonical JSON, in bytes of UTF-8. */
  readonly bytes: number;
}

/**
 * A commitment to `value`: it says nothing of the value but its length, and whoever holds the value can show that it is the one. The salt
 * stands beside it, so a value that is one of few (a PIN, a yes or no) can be found by trying them all.
 */
export function commit(value: JsonValue, random: RandomBytes = randomBytes): Commitment {
  const salt = Buffer.from(random(16)).toString("hex");
  const text = canonical(value);
  return { $committed: digest(salt, text), salt, bytes: Buffer.byteLength(text) };
}

/** Whether `commitment`, as read from a log, was made from `value`. False for anything that is no commitment or not JSON; never throws. */
export function matchesCommitment(value: unknown, commitment: JsonValue): boolean {
  if (!isJsonObject(commitment)) return false;
  const salt = member(commitment, "salt");
  if (typeof salt !== "string") return false;
  try {
    return member(commitment, "$committed") === digest(salt, canonical(cloneJson(value, entryLimits)));
  } catch {
    return false;
  }
}

function digest(salt: string, text: string): string {
  return `sha256:${hash("sha256", salt + text)}`;
}

function canonical(value: JsonValue): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("the value has no canonical JSON");
  return text;
}
