import { randomBytes } from "node:crypto";

import { CanopyError } from "../errors.ts";
import { cloneJson, isJsonObject, member } from "../json.ts";
import type { JsonLimits, JsonObject, JsonValue } from "../json.ts";
import { commit } from "./commitment.ts";
import type { RandomBytes } from "./commitment.ts";
import type { EntryBody } from "./entry.ts";
import { scrub } from "./scrub.ts";

/** Which values are kept out of the log; only a salted commitment to them is stored. Names are compared without case, `_` as `-`. */
export interface RedactionOptions {
  /** More names of members whose values are committed, wherever they stand. */
  readonly commit?: readonly string[];
  /** Names of members that stay readable although they are committed by default. */
  readonly keep?: readonly string[];
  /** Longer strings are committed, in bytes of UTF-8; 4,096 by default, at most 32,768. */
  readonly longestString?: number;
}

/** A body that is fit to be written, and what was taken out of it. */
export interface RedactedEntry {
  readonly body: JsonObject & { readonly type: string };
  /** Every string and key that was committed, so that texts made from them can be scrubbed. */
  readonly committed: readonly string[];
}

/** Names of HTTP headers that carry credentials. */
const secretHeaders = ["authorization", "proxy-authorization", "cookie", "cookies", "set-cookie", "x-api-key", "api-key", "x-auth-token"];
const bulk = ["content", "body"];

/** Wider than for a request, because an entry holds a request's parts inside its own. */
const limits: JsonLimits = { depth: 96, values: 1_000_000, characters: 64 * 1024 * 1024 };

const redactedBodies = new WeakSet<object>();

/** Members that explain the entry: they are made by Canopy, and are scrubbed rather than committed. */
const explanations: ReadonlySet<string> = new Set(["reason", "rules"]);

/**
 * A copy of `entry` in which secrets and bulk are commitments, and the reason no longer quotes them. The same object given to
 * `append` is not redacted again. Throws `NOT_JSON` or `INVALID_OPTIONS`.
 */
export function redactEntry(entry: EntryBody, options: RedactionOptions = {}, random: RandomBytes = randomBytes): RedactedEntry {
  if (isRedacted(entry)) return { body: entry, committed: [] };
  const copy = cloneJson(entry, limits);
  if (!isJsonObject(copy) || typeof copy["type"] !== "string") {
    throw new CanopyError("NOT_JSON", "an audit entry is an object with a `type`");
  }
  const committed: string[] = [];
  const body = copy["type"] === "policy.loaded" ? copy : redactMembers(copy, redactor(options, random, committed));
  const explained = explain(body, committed, random);
  redactedBodies.add(explained);
  return { body: explained as RedactedEntry["body"], committed };
}

function isRedacted(entry: object): entry is RedactedEntry["body"] {
  return redactedBodies.has(entry);
}

/** Checks the options once, so that an entry never fails for them. */
export function checkRedactionOptions(options: RedactionOptions): void {
  const { longestString } = options;
  if (longestString !== undefined && !(Number.isInteger(longestString) && longestString >= 0 && longestString <= 32_768)) {
    throw new CanopyError("INVALID_OPTIONS", `\`redact.longestString\` is \`${longestString}\`, not a whole number from 0 to 32768`);
  }
  for (const [name, list] of Object.entries({ commit: options.commit, keep: options.keep })) {
    if (list !== undefined && !(Array.isArray(list) && list.every((item) => typeof item === "string"))) {
      throw new CanopyError("INVALID_OPTIONS", `\`redact.${name}\` is not a list of names`);
    }
  }
}

interface Redactor {
  readonly take: (value: JsonValue) => JsonValue;
  readonly walk: (value: JsonValue) => JsonValue;
  readonly walkMember: (key: string, value: JsonValue) => JsonValue;
  /** Walks the arguments of a tool call: what was committed elsewhere in the entry is committed here too, whatever its name is here. */
  readonly walkArguments: (value: JsonValue) => JsonValue;
}

function redactMembers(entry: JsonObject, redact: Redactor): JsonObject {
  const result: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(entry)) {
    set(result, key, key === "type" || explanations.has(key) ? value : redact.walkMember(key, value));
  }
  // A second pass, because a tool's `text` may be the `content` that was committed in another member.
  for (const [key, value] of Object.entries(result)) set(result, key, redactArguments(value, redact, 0));
  return result;
}

function redactArguments(value: JsonValue, redact: Redactor, depth: number): JsonValue {
  if (typeof value !== "object" || value === null || depth > 3) return value;
  if (!isJsonObject(value)) return value.map((item) => redactArguments(item, redact, depth + 1));
  if (!Object.hasOwn(value, "args") && !Object.values(value).some((item) => typeof item === "object" && item !== null)) return value;
  return mapMembers(value, (key, item) => (key === "args" ? redact.walkArguments(item) : redactArguments(item, redact, depth + 1)));
}

function redactor(options: RedactionOptions, random: RandomBytes, committed: string[]): Redactor {
  const keep = new Set(options.keep?.map(plainName));
  const headers = new Set(secretHeaders.filter((name) => !keep.has(name)));
  const names = new Set([...headers, ...bulk, ...(options.commit ?? []).map(plainName)].filter((name) => !keep.has(name)));
  const longest = options.longestString ?? 4096;
  const headerLine = headers.size === 0 ? null : new RegExp(`^\\s*(?:${[...headers].join("|")})\\s*:`, "im");
  const taken = new Set<string>();
  const ours = new Set<object>();

  function take(value: JsonValue): JsonValue {
    const commitment = commit(value, random);
    ours.add(commitment);
    for (const string of strings(value)) {
      committed.push(string);
      taken.add(string);
    }
    return commitment;
  }

  function walk(value: JsonValue): JsonValue {
    if (typeof value === "string") return value.length > longest || Buffer.byteLength(value) > longest ? take(value) : value;
    if (typeof value !== "object" || value === null) return value;
    if (!isJsonObject(value)) {
      const [name, second] = value;
      // A header written as a pair: `["Authorization", "Bearer …"]`.
      if (value.length === 2 && typeof name === "string" && second !== undefined && headers.has(plainName(name)))
        return [name, take(second)];
      return value.map(walk);
    }
    if (ours.has(value)) return value;
    // Only the log writes commitments: what merely looks like one came from outside, and would hide what it stands for.
    if (Object.hasOwn(value, "$committed")) return take(value);
    const name = member(value, "name") ?? member(value, "key");
    const secretPair = typeof name === "string" && headers.has(plainName(name));
    return mapMembers(value, (key, item) => (secretPair && key === "value" && item !== null ? take(item) : walkMember(key, item)));
  }

  function walkMember(key: string, value: JsonValue): JsonValue {
    const name = plainName(key);
    if (value !== null && names.has(name)) return isCommitment(value) ? value : take(value);
    if (name === "headers" && headerLine !== null) return walkHeaders(value, headerLine);
    return walk(value);
  }

  function walkHeaders(value: JsonValue, line: RegExp): JsonValue {
    if (typeof value === "string" && line.test(value)) return take(value);
    if (Array.isArray(value)) return value.map((item: JsonValue) => (typeof item === "string" ? walkHeaders(item, line) : walk(item)));
    return walk(value);
  }

  function isCommitment(value: JsonValue): boolean {
    return typeof value === "object" && value !== null && ours.has(value);
  }

  function walkArguments(value: JsonValue): JsonValue {
    if (typeof value === "string") return taken.has(value) ? take(value) : value;
    if (typeof value !== "object" || value === null || ours.has(value)) return value;
    return isJsonObject(value) ? mapMembers(value, (_key, item) => walkArguments(item)) : value.map(walkArguments);
  }

  return { take, walk, walkMember, walkArguments };
}

/** Not an assignment: `__proto__` is a key like any other here. */
function set(target: Record<string, JsonValue>, key: string, value: JsonValue): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true });
}

/** The reason without what was committed; where it is too long to stand, its beginning and a commitment to the whole. */
function explain(body: JsonObject, committed: readonly string[], random: RandomBytes): JsonObject {
  const reason = member(body, "reason");
  if (typeof reason !== "string") return body;
  const said = scrub(reason, committed);
  if (Buffer.byteLength(said) <= 4096) return said === reason ? body : { ...body, reason: said };
  return { ...body, reason: `${said.slice(0, 1000).toWellFormed()}…`, reason_in_full: commit(said, random) };
}

function strings(value: JsonValue): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return [...(isJsonObject(value) ? Object.keys(value) : []), ...Object.values(value).flatMap(strings)];
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

function mapMembers(object: JsonObject, change: (key: string, value: JsonValue) => JsonValue): JsonObject {
  const result: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(object)) {
    set(result, key, change(key, value));
  }
  return result;
}
