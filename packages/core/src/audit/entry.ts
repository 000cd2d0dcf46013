import { hash } from "node:crypto";

import { CanopyError } from "../errors.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import type { Decision } from "../policy/decision.ts";
import { membersOf } from "./members.ts";
import type { Member, ReadEntry } from "./members.ts";

/**
 * What a host hands to the log, which adds `v`, `seq`, `ts`, `prev_hash` and `entry_hash` to each, and entries of its own: `log.*`,
 * `key.rotated`, `recovery`, `decision.voided`. Wire format, hence `snake_case`.
 */
export type EntryBody = DecisionEntry | OutcomeEntry | PolicyLoadedEntry | HostFilesEntry | OtherEntry;

export interface DecisionEntry {
  readonly type: "decision";
  readonly avid: string;
  /** Null where what the caller gave could not be read. */
  readonly agent_ctx: JsonObject | null;
  readonly action_type: string | null;
  readonly payload: JsonValue;
  readonly decision: Decision;
  readonly reason: string;
  readonly rules: readonly { readonly id: string; readonly decision: Decision; readonly file: string; readonly line: number }[];
  readonly policy_digest: string | null;
  readonly trace_id: string;
  /** Who asked, where it was not the host program itself. */
  readonly via?: string;
  readonly enforced: boolean;
  /** What enforcement would have answered; in observe mode only. */
  readonly would?: Decision;
  /** What policy said by itself, where the answer is another: a person approved, or none could be asked. */
  readonly judged?: Decision;
  /** The tool call behind the action, as the framework made it. */
  readonly tool?: JsonObject;
  /** Every action of the call, where it is more than one; `action_type` and `payload` are then the first. */
  readonly actions?: readonly JsonObject[];
  /** The request to a person, where the decision is REQUIRE_APPROVAL or rests on one. */
  readonly approval_id?: string;
  /** The approval that an ALLOW used up, once and for all. */
  readonly approval?: { readonly id: string; readonly digest: string; readonly decided_by: string; readonly assurance: string };
  /** Versions of what judged. */
  readonly engine?: string;
  readonly facts?: string;
  /** The `digest` of the `host.files` entry whose files counted as Canopy's own; where it is left out none did. */
  readonly own_files?: string;
  /** Whatever else the host wants on record. */
  readonly details?: JsonObject;
}

/** How an allowed call ended. */
export interface OutcomeEntry {
  readonly type: "outcome";
  /** The `id` of the decision. */
  readonly authorization_id: string;
  readonly trace_id: string;
  readonly status: "success" | "error" | "not_run";
  /** The name of what was thrown, never its message. */
  readonly error_class?: string;
  readonly output_hash: string | null;
  readonly duration_ms: number;
  /** Who reported it, where it was not the host program itself. */
  readonly via?: string;
  readonly details?: JsonObject;
}

/** The text of one source of the policy in force; a long text is spread over several entries, see `policyEntries`. */
export interface PolicyLoadedEntry {
  readonly type: "policy.loaded";
  readonly policy_digest: string;
  /** The source as the host named it. */
  readonly name: string;
  /** From 1 to `parts`; the texts of all parts, joined, are the source. */
  readonly part: number;
  readonly parts: number;
  readonly text: string;
}

/** The files that counted as Canopy's own when a request was judged; without them a decision about paths cannot be judged again. */
export interface HostFilesEntry {
  readonly type: "host.files";
  /** The first 32 hex digits of the SHA-256 over the JSON of `files`. */
  readonly digest: string;
  /** Absolute paths. */
  readonly files: readonly string[];
}

export interface OtherEntry extends JsonObject {
  readonly type: `approval.${string}`;
}

/** Where an entry stands, once it is durable. */
export interface AppendedEntry {
  /** From 0; the line number less one. */
  readonly seq: number;
  /** SHA-256, 64 lower-case hex digits. */
  readonly entryHash: string;
  /** Names the entry: its `seq`, a dash, and the first 32 digits of its hash. */
  readonly id: string;
}

/** The most bytes of one line, its newline not counted. A tile of a verifiable log holds no longer entry (C2SP tlog-tiles). */
export const maxLineBytes = 65_535;

/** What the log may add around a body, with room to spare. */
export const envelopeBytes = 512;

/** `prev_hash` of the first entry. */
export const noHash: string = "0".repeat(64);

export const formatVersion = 1;

const reserved: ReadonlySet<string> = new Set(["v", "seq", "ts", "type", "prev_hash", "entry_hash"]);

/** The members of a body as JSON text, `type` first: the middle of a line. */
export function bodyText(type: string, members: Iterable<Pick<Member, "key" | "text">>): string {
  let body = `"type":"${checkType(type)}"`;
  for (const { key, text } of members) body += `,${JSON.stringify(checkKey(key))}:${text}`;
  return body;
}

/** The same, of an entry that was read. */
export function bodyTextOf(read: ReadEntry): string {
  for (const key in read.entry) if (key !== "type") checkKey(key);
  const text = JSON.stringify(read.entry).slice(1, -1);
  // Where the caller put `type` elsewhere, it is brought to the front.
  return text.startsWith(`"type":"${checkType(read.type)}"`) ? text : bodyText(read.type, membersOf(read).members);
}

function checkType(type: string): string {
  if (/^[a-z][a-z0-9_.]{0,63}$/.test(type)) return type;
  throw new CanopyError("INVALID_OPTIONS", `\`${type.slice(0, 64)}\` is not a type of audit entry: use lower-case words and dots`);
}

function checkKey(key: string): string {
  if (!reserved.has(key)) return key;
  throw new CanopyError("INVALID_OPTIONS", `\`${key}\` is a member that the audit log itself writes`);
}

/** One whole line without its newline, and its hash: SHA-256 over the line's bytes before `,"entry_hash"`. */
export function formatLine(seq: number, ts: string, body: string, prevHash: string): { readonly line: string; readonly hash: string } {
  const covered = `{"v":${formatVersion},"seq":${seq},"ts":"${ts}",${body},"prev_hash":"${prevHash}"`;
  const entryHash = hash("sha256", covered);
  return { line: `${covered},"entry_hash":"${entryHash}"}`, hash: entryHash };
}

export function appendedEntry(seq: number, entryHash: string): AppendedEntry {
  return { seq, entryHash, id: `${seq}-${entryHash.slice(0, 32)}` };
}
