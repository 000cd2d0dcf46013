import { randomBytes } from "node:crypto";

import { CanopyError } from "../errors.ts";
import { isJsonObject, member } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { commit } from "./commitment.ts";
import type { RandomBytes } from "./commitment.ts";
import { announcesCredential, namesCredential, maskCredentials, mayHoldCredential } from "./credentials.ts";
import type { EntryBody } from "./entry.ts";
import { memberOf, membersOf, readEntry } from "./members.ts";
import type { Body, Member } from "./members.ts";
import { scrub } from "./scrub.ts";

/**
 * Which values are kept out of the log; only a salted commitment to them is stored. A member is named by its name (`token`), or by a path that it ends
 * (`card.number` is the `number` of a `card`, or of each `card` in a list); both wherever they stand. Names are compared without case, `_` as `-`.
 */
export interface RedactionOptions {
  /** More members whose values are committed. */
  readonly commit?: readonly string[];
  /** Members that stay readable although they are committed by default, or by a name in `commit`. */
  readonly keep?: readonly string[];
  /** Longer strings are committed, in bytes of UTF-8; 4,096 by default, at most 32,768. */
  readonly longestString?: number;
  /**
   * Whether a text that holds a credential in clear (`curl -u name:password`, `https://name:password@host`) is committed too, with the text beside the
   * commitment as `shown`, without the credential; and whether environment variables and headers are whose names announce one. On by default.
   */
  readonly credentials?: boolean;
}

/** What the log would hold of an entry. */
export interface RedactedEntry {
  readonly body: JsonObject;
  /** Every string and key that was committed, so that texts made from them can be scrubbed. */
  readonly committed: readonly string[];
}

/**
 * What `append` stores of `entry`: secrets and bulk as commitments, and a reason that no longer quotes them. For a look beforehand;
 * `append` does it by itself. Throws `NOT_JSON` or `INVALID_OPTIONS`.
 */
export function redactEntry(entry: EntryBody, options: RedactionOptions = {}, random: RandomBytes = randomBytes): RedactedEntry {
  const { type, members, committed } = redactBody(membersOf(readEntry(entry)), redactionRules(options), random);
  return { body: Object.fromEntries([["type", type], ...members.map(({ key, value }) => [key, value] as const)]), committed };
}

/** `RedactionOptions`, checked and prepared. */
export interface RedactionRules {
  /** Names whose values are committed, and those whose values are not. */
  readonly names: ReadonlySet<string>;
  readonly kept: ReadonlySet<string>;
  /** Paths, each from its end, whose values are committed, and those whose values are not. */
  readonly paths: { readonly commit: readonly Path[]; readonly keep: readonly Path[] };
  /** Those of them that name HTTP headers. */
  readonly headers: ReadonlySet<string>;
  /** A header with its name, as one text. */
  readonly headerLine: RegExp | null;
  readonly longestString: number;
  readonly credentials: boolean;
  /** JSON in which there may be something to commit; where it does not match, there is nothing, save long strings. */
  readonly suspicious: RegExp;
}

type Path = readonly string[];

/** Names of HTTP headers that carry credentials. */
const secretHeaders = ["authorization", "proxy-authorization", "cookie", "cookies", "set-cookie", "x-api-key", "api-key", "x-auth-token"];
const bulk = ["content", "body"];
/** Names of members that hold headers as text: `Authorization: Bearer …`. */
const headerMembers: ReadonlySet<string> = new Set(["headers", "header", "rawheaders", "raw-headers"]);

/** Names of members that hold environment variables by name. */
const environmentMembers: ReadonlySet<string> = new Set(["env", "environ", "environment"]);

/** Callers in JavaScript have no compiler, and an option that is misspelt would quietly leave secrets in the log. Throws `INVALID_OPTIONS`. */
export function refuseUnknown(what: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) throw new CanopyError("INVALID_OPTIONS", `the options of ${what} are not an object`);
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new CanopyError("INVALID_OPTIONS", `${what} has no option \`${unknown}\`, it has ${known.map((key) => `\`${key}\``).join(", ")}`);
}

/** Throws `INVALID_OPTIONS`, so that no entry ever fails for them. */
export function redactionRules(options: RedactionOptions): RedactionRules {
  refuseUnknown("`redact`", options, ["commit", "keep", "longestString", "credentials"]);
  const { longestString = 4096, commit: more = [], keep: less = [], credentials = true } = options;
  if (!(Number.isInteger(longestString) && longestString >= 0 && longestString <= 32_768)) {
    throw new CanopyError("INVALID_OPTIONS", `\`redact.longestString\` is \`${longestString}\`, not a whole number from 0 to 32768`);
  }
  if (typeof credentials !== "boolean") throw new CanopyError("INVALID_OPTIONS", "`redact.credentials` is true or false");
  for (const [name, list] of Object.entries({ commit: more, keep: less })) {
    if (!(Array.isArray(list) && list.every((item) => typeof item === "string"))) {
      throw new CanopyError("INVALID_OPTIONS", `\`redact.${name}\` is not a list of names`);
    }
  }
  const keep = new Set(less.map(plainName));
  const headers = new Set(secretHeaders.filter((name) => !keep.has(name)));
  const names = new Set([...headers, ...bulk, ...more.map(plainName)].filter((name) => !keep.has(name)));
  const paths = { commit: pathsOf(more), keep: pathsOf(less) };
  const ends = paths.commit.flatMap(([end]) => end ?? []);
  const any = ["(?!)", ...[...names, ...ends].map((name) => pattern(JSON.stringify(name).slice(1, -1)))].join("|");
  return {
    names,
    kept: keep,
    paths,
    headers,
    headerLine: headers.size === 0 ? null : new RegExp(`^\\s*(?:${[...headers].map(pattern).join("|")})\\s*:`, "imu"),
    longestString,
    credentials,
    suspicious: new RegExp(`"(?:${any}|(?:raw[-_]?)?headers?|\\$committed)"`, "iu"),
  };
}

/** The body with everything committed that the rules name, and the reason without what it quoted of that. */
export function redactBody(body: Body, rules: RedactionRules, random: RandomBytes): Body & { readonly committed: readonly string[] } {
  // What decisions are judged again by is never left out.
  if (body.type === "policy.loaded" || body.type === "host.files") return { ...body, committed: [] };
  const committed: string[] = [];
  const members = redactMembers(body.members, redactor(rules, random, committed));
  return { type: body.type, members: members.flatMap((each) => explain(each, committed, random)), committed };
}

/** Whether an entry with this JSON needs no redaction for sure. */
export function isHarmless(text: string, rules: RedactionRules): boolean {
  // A character takes up to three bytes.
  return text.length * 3 <= rules.longestString && !rules.suspicious.test(text) && !(rules.credentials && mayHoldCredential(text));
}

/**
 * Members that explain the entry: they are made by Canopy, and are scrubbed rather than committed. Those about approvals are read back from the log, and
 * an approval whose use could not be read there could be used again.
 */
const explanations: ReadonlySet<string> = new Set([
  "reason",
  "rules",
  "approval",
  "approval_id",
  "decision",
  "digest",
  "decide_by",
  "use_within_ms",
  "wants",
  "severity",
  "decided_by",
  "decided_at",
  "assurance",
  "signature",
  "key",
]);

/** More commitments than this do not fit on a line, so that a member that would have more is committed as a whole. */
const mostCommitments = 400;

/** Shorter texts stand in others by chance. */
const shortestPart = 8;
const mostCompared = 64 * 1024 * 1024;

interface Redactor {
  readonly walkMember: (key: string, value: JsonValue) => JsonValue;
  /** Walks the arguments of a tool call: what was committed elsewhere in the entry is committed here too, whatever its name is here. */
  readonly walkArguments: (value: JsonValue) => JsonValue;
}

function redactMembers(members: readonly Member[], redact: Redactor): readonly Member[] {
  const walked = members.map(({ key, value }) => (explanations.has(key) ? value : redact.walkMember(key, value)));
  // A second pass, because a tool's `text` may be the `content` that was committed in another member.
  return members.map(({ key }, index) => memberOf(key, redactArguments(walked[index] ?? null, redact, 0)));
}

function redactArguments(value: JsonValue, redact: Redactor, depth: number): JsonValue {
  if (typeof value !== "object" || value === null || depth > 3) return value;
  if (!isJsonObject(value)) return value.map((item) => redactArguments(item, redact, depth + 1));
  return mapMembers(value, (key, item) => (key === "args" ? redact.walkArguments(item) : redactArguments(item, redact, depth + 1)));
}

function redactor(rules: RedactionRules, random: RandomBytes, committed: string[]): Redactor {
  const { names, kept, paths, headers, headerLine, longestString, credentials } = rules;
  const hasPaths = paths.commit.length + paths.keep.length > 0;
  const taken = new Set<string>();
  const ours = new Set<object>();

  let asked = 0;
  /** Characters that were looked through to find committed texts in arguments. */
  let compared = 0;

  /** The result of `change`, or a commitment to all of `value` where that asked for more commitments than there may be. */
  function bounded(value: JsonValue, change: () => JsonValue): JsonValue {
    const before = asked;
    const changed = change();
    return asked > before && asked > mostCommitments ? takeAnyway(value) : changed;
  }

  function take(value: JsonValue): JsonValue {
    asked += 1;
    // What stands here then is thrown away with all that is around it, and not worth a hash.
    return asked > mostCommitments ? null : takeAnyway(value);
  }

  function takeAnyway(value: JsonValue): JsonValue {
    const commitment = commit(value, random);
    ours.add(commitment);
    for (const string of strings(value)) {
      committed.push(string);
      taken.add(string);
    }
    return commitment;
  }

  /** The text as it is, or committed and shown without its credentials, which are then left out of all else that is recorded. */
  function withoutCredentials(text: string): JsonValue {
    const masked = credentials ? maskCredentials(text) : null;
    if (masked === null) return text;
    asked += 1;
    if (asked > mostCommitments) return null;
    const commitment = { ...commit(text, random), shown: masked.shown };
    ours.add(commitment);
    for (const secret of masked.secrets) {
      committed.push(secret);
      taken.add(secret);
    }
    return commitment;
  }

  function isNamed(name: string, trail: Path): boolean {
    if (!hasPaths) return names.has(name);
    const ends = (path: Path): boolean => endsIn(path, name, trail);
    return (names.has(name) || paths.commit.some(ends)) && !paths.keep.some(ends);
  }

  /** `trail` has the names of the members that the value stands in, the innermost first. `announces`: its members are variables or headers. */
  function walk(value: JsonValue, trail: Path, announces = false): JsonValue {
    if (typeof value === "string") return Buffer.byteLength(value) > longestString ? take(value) : withoutCredentials(value);
    if (typeof value !== "object" || value === null) return value;
    if (!isJsonObject(value)) {
      // A header written as a pair, `["Authorization", "Bearer …"]`, or many in one flat list, as `rawHeaders` of Node.
      return value.map((item, index) => {
        const before = value[index - 1];
        return item !== null && typeof before === "string" && headers.has(plainName(before)) ? take(item) : walk(item, trail);
      });
    }
    // Only the log writes commitments: what merely looks like one came from outside, and would hide what it stands for.
    if (Object.hasOwn(value, "$committed")) return take(value);
    const secretPair = ["name", "key", "header", "field"].some((key) => {
      const name = member(value, key);
      return typeof name === "string" && headers.has(plainName(name));
    });
    return mapMembers(value, (key, item) =>
      (secretPair && /^val(?:ues?)?$/i.test(key) && item !== null) || (announces && isCredential(key, item, trail, announcesCredential))
        ? take(item)
        : walkMember(key, item, trail),
    );
  }

  function walkMember(key: string, value: JsonValue, trail: Path): JsonValue {
    const name = plainName(key);
    if (value !== null && (isNamed(name, trail) || (typeof value === "string" && isCredential(key, value, trail, namesCredential)))) {
      return take(value);
    }
    const inside = hasPaths ? [name, ...trail.slice(0, longestPath)] : trail;
    const isOfHeaders = headerMembers.has(name);
    if (isOfHeaders && headerLine !== null) return walkHeaders(value, headerLine, inside);
    return walk(value, inside, isOfHeaders || environmentMembers.has(name));
  }

  /** Whether a member, an environment variable or a header holds a credential, as its name says. */
  function isCredential(key: string, value: JsonValue, trail: Path, says: (name: string) => boolean): boolean {
    if (!credentials || value === null || value === "" || !says(key)) return false;
    const name = plainName(key);
    return !kept.has(name) && !paths.keep.some((path) => endsIn(path, name, trail));
  }

  function walkHeaders(value: JsonValue, line: RegExp, trail: Path): JsonValue {
    if (typeof value === "string" && line.test(value)) return take(value);
    // A list of pairs, or of texts.
    if (Array.isArray(value)) {
      const items: readonly JsonValue[] = value;
      const walked = walk(items, trail) as readonly JsonValue[];
      return walked.map((item, index) => (typeof item === "string" && item === items[index] ? walkHeaders(item, line, trail) : item));
    }
    return walk(value, trail, true);
  }

  /** Whether an argument and a committed text have each other in them, as a token and the header that is made of it. */
  function isPartOfTaken(value: string): boolean {
    if (taken.has(value)) return true;
    if (value.length < shortestPart) return false;
    for (const secret of taken) {
      // Past this, nobody has the time to compare, and leaving out too much is the lesser harm.
      if ((compared += secret.length + value.length) > mostCompared) return true;
      if (secret.length < shortestPart ? false : secret.includes(value) || value.includes(secret)) return true;
    }
    return false;
  }

  function walkArguments(value: JsonValue): JsonValue {
    if (typeof value === "string") return isPartOfTaken(value) ? take(value) : value;
    if (typeof value !== "object" || value === null || ours.has(value)) return value;
    return isJsonObject(value) ? mapMembers(value, (_key, item) => walkArguments(item)) : value.map(walkArguments);
  }

  return {
    walkMember: (key, value) => bounded(value, () => walkMember(key, value, [])),
    walkArguments: (value) => bounded(value, () => walkArguments(value)),
  };
}

/** Whether the member `name` inside of `trail` is at the end of the path. */
function endsIn(path: Path, name: string, trail: Path): boolean {
  return path.every((part, index) => part === (index === 0 ? name : trail[index - 1]));
}

/** The reason without what was committed; where it is too long to stand, its beginning and a commitment to the whole. */
function explain(each: Member, committed: readonly string[], random: RandomBytes): readonly Member[] {
  if (each.key !== "reason" || typeof each.value !== "string") return [each];
  const said = scrub(each.value, committed);
  if (Buffer.byteLength(said) <= 4096) return [said === each.value ? each : memberOf("reason", said)];
  return [memberOf("reason", `${said.slice(0, 1000).toWellFormed()}…`), memberOf("reason_in_full", commit(said, random))];
}

function strings(value: JsonValue): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return [...(isJsonObject(value) ? Object.keys(value) : []), ...Object.values(value).flatMap(strings)];
}

/** The names that are paths, from their ends. */
function pathsOf(names: readonly string[]): readonly Path[] {
  return names.filter((name) => name.includes(".")).map((name) => name.split(".").map(plainName).toReversed().slice(0, longestPath));
}

const longestPath = 16;

function plainName(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

/** A name as a regular expression that leaves open what `plainName` levels. */
function pattern(name: string): string {
  return name.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`).replaceAll(/[-_]/g, "[-_]");
}

function mapMembers(object: JsonObject, change: (key: string, value: JsonValue) => JsonValue): JsonObject {
  const result: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(object)) {
    // Not an assignment: `__proto__` is a key like any other here.
    Object.defineProperty(result, key, { value: change(key, value), enumerable: true });
  }
  return result;
}
