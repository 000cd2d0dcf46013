import type { AuditEntry } from "../audit/index.ts";
import { cloneJson, isJsonObject, member } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { isDecision } from "../policy/decision.ts";
import type { Decision } from "../policy/decision.ts";
import type { RuleReference } from "../runtime/authorizer.ts";
import type { JudgedAction } from "../runtime/judgement.ts";
import type { Disk } from "../runtime/look-up-paths.ts";

/** A decision as the log has it: what was asked, and what policy answered. */
export interface RecordedDecision extends RecordedAnswer {
  readonly kind: "decision";
  readonly agentCtx: JsonObject;
  readonly actions: readonly JudgedAction[];
  /** Whether commitments stand in place of some values. */
  readonly isRedacted: boolean;
  /** Names the list of files that counted as Canopy's own; null where none did. */
  readonly ownFiles: string | null;
}

/** What can be read of every decision, also of one whose request is not on record. */
export interface RecordedAnswer {
  readonly seq: number;
  readonly ts: string;
  readonly avid: string | null;
  /** What policy answered; in observe mode, or where a person was asked, that may not be what the caller was told. */
  readonly answer: Decision;
  readonly enforced: boolean;
  /** Null where the line was too long to hold it. */
  readonly reason: string | null;
  /** The rules that decided; null where the line was too long to hold them. */
  readonly rules: readonly RuleReference[] | null;
  /** Of all its actions, each once. */
  readonly actionTypes: readonly string[];
  /** SHA-256 of the policy; null where none was in force. */
  readonly policyDigest: string | null;
  /** The version of the engine and its facts; null where the entry does not say. */
  readonly engine: string | null;
  readonly tool: string | null;
  /** What the first action is about, in a few words. */
  readonly about: string;
}

/** Why a decision cannot be judged again: its request was refused and is not on record, all of it is redacted, or the entry is not well formed. */
export interface UnreadableDecision {
  readonly kind: "refused" | "redacted" | "malformed";
  readonly why: string;
}

/** Reads an entry of type `decision`. Total, whatever the entry holds. */
export function readDecision(entry: AuditEntry): RecordedDecision | UnreadableDecision {
  const { members } = entry;
  const answer = readAnswer(entry);
  if (typeof answer === "string") return { kind: "malformed", why: answer };
  // What did not fit on the line was committed together.
  if (isCommitment(members["committed"])) return { kind: "redacted", why: "all but its answer is committed" };
  const whole = wholeMembers.find((name) => isCommitment(members[name]));
  if (whole !== undefined) return { kind: "redacted", why: `\`${whole}\` is committed as a whole` };
  if (members["action_type"] === null) return { kind: "refused", why: "the request was refused unread" };
  try {
    const agentCtx = cloneJson(members["agent_ctx"] ?? null);
    if (!isJsonObject(agentCtx)) return { kind: "malformed", why: "`agent_ctx` is not an object" };
    const actions = readActions(members);
    if (typeof actions === "string") return { kind: "malformed", why: actions };
    if (actions.some(({ payload }) => isCommitment(payload))) return { kind: "redacted", why: "a payload is committed as a whole" };
    if (actions.some(({ disk }) => disk === redactedDisk)) return { kind: "redacted", why: "what the disk said is committed" };
    const isRedacted = holdsCommitment(agentCtx) || actions.some(({ payload }) => holdsCommitment(payload));
    const ownFiles = members["own_files"] ?? null;
    if (ownFiles !== null && typeof ownFiles !== "string") return { kind: "malformed", why: "`own_files` is not a string" };
    return { kind: "decision", ...answer, agentCtx, actions, isRedacted, ownFiles };
  } catch {
    // Deeper or larger than any request that was ever judged.
    return { kind: "malformed", why: "its request is more than a request can be" };
  }
}

/** What can be read of a decision whatever became of its request; why it is none otherwise. */
export function readAnswer({ seq, ts, members }: AuditEntry): RecordedAnswer | string {
  const { decision, would, judged = isJsonObject(members["approval"]) ? "REQUIRE_APPROVAL" : undefined } = members;
  if (!isDecision(decision)) return "`decision` is not one of the three";
  if (would !== undefined && !isDecision(would)) return "`would` is not a decision";
  if (judged !== undefined && !isDecision(judged)) return "`judged` is not a decision";
  const rules = readRules(members["rules"]);
  if (rules === "malformed") return "`rules` is not a list of rules";
  return {
    seq,
    ts,
    avid: text(members["avid"]),
    answer: would ?? judged ?? decision,
    enforced: members["enforced"] !== false,
    reason: text(members["reason"]),
    rules,
    actionTypes: actionTypesOf(members),
    policyDigest: text(members["policy_digest"]),
    engine: text(members["engine"]),
    tool: isJsonObject(members["tool"]) ? text(member(members["tool"], "name")) : null,
    about: about(members["payload"]),
  };
}

/** Whether the value stands in the log for one that is not to be read there. Only the log writes such objects: others are committed themselves. */
export function isCommitment(value: JsonValue | undefined): boolean {
  return isJsonObject(value) && Object.hasOwn(value, "$committed");
}

export function holdsCommitment(value: JsonValue): boolean {
  if (typeof value !== "object" || value === null) return false;
  return isCommitment(value) || Object.values(value).some((inner: JsonValue) => holdsCommitment(inner));
}

const wholeMembers = ["agent_ctx", "action_type", "payload", "actions", "details"];

function readActions(members: JsonObject): readonly JudgedAction[] | string {
  const { actions, details } = members;
  if (actions === undefined) {
    const extra = details === undefined ? {} : details;
    if (!isJsonObject(extra)) return "`details` is not an object";
    const action = readAction(members, extra);
    return typeof action === "string" ? action : [action];
  }
  if (!Array.isArray(actions) || actions.length === 0 || actions.length > 32) return "`actions` is not a list of actions";
  const read: JudgedAction[] = [];
  for (const each of actions as readonly JsonValue[]) {
    const action = isJsonObject(each) ? readAction(each, each) : "an action is not an object";
    if (typeof action === "string") return action;
    read.push(action);
  }
  return read;
}

function readAction(named: JsonObject, { open = [], disk }: JsonObject): JudgedAction | string {
  const { action_type: actionType, payload } = named;
  if (typeof actionType !== "string") return "`action_type` is not a string";
  if (payload === undefined) return "`payload` is missing";
  const clauses = readOpen(open);
  if (clauses === null) return "`open` is not a list of clauses";
  const lookedUp = disk === undefined ? null : readDisk(disk);
  if (lookedUp === undefined) return "`disk` is not what a disk says";
  return { actionType, payload: cloneJson(payload), open: clauses, disk: lookedUp };
}

/** What is said of a clause that is too long to stand in the log: that there is one is all that the answer rests on. */
const longClause = "[left out]";

function readOpen(value: JsonValue): readonly string[] | null {
  const clauses: readonly JsonValue[] = Array.isArray(value) ? value : [null];
  const read = clauses.map((clause) => (isCommitment(clause) ? longClause : clause));
  return read.every((clause) => typeof clause === "string") ? read : null;
}

/** Stands for answers of the disk that are committed. */
const redactedDisk: Disk = Object.freeze({});

function readDisk(value: JsonValue): Disk | undefined {
  if (isCommitment(value)) return redactedDisk;
  if (!isJsonObject(value)) return undefined;
  const disk: Record<string, { real: string; links: number }> = {};
  for (const [path, fact] of Object.entries(value)) {
    if (!isJsonObject(fact)) return undefined;
    const { real, links } = fact;
    if (isCommitment(fact) || isCommitment(real)) return redactedDisk;
    if (typeof real !== "string" || typeof links !== "number") return undefined;
    // Not an assignment: `__proto__` is a key like any other here.
    Object.defineProperty(disk, path, { value: { real, links }, enumerable: true });
  }
  return Object.freeze(disk);
}

function readRules(value: JsonValue | undefined): readonly RuleReference[] | null | "malformed" {
  if (value === undefined || isCommitment(value)) return null;
  if (!Array.isArray(value)) return "malformed";
  const rules: RuleReference[] = [];
  for (const rule of value as readonly JsonValue[]) {
    if (!isJsonObject(rule)) return "malformed";
    const { id, decision, file, line } = rule;
    if (typeof id !== "string" || !isDecision(decision) || typeof file !== "string" || typeof line !== "number") {
      return "malformed";
    }
    rules.push({ id, decision, file, line });
  }
  return rules;
}

function actionTypesOf({ action_type: first, actions }: JsonObject): readonly string[] {
  const types = Array.isArray(actions) ? actions.map((each: JsonValue) => (isJsonObject(each) ? each["action_type"] : undefined)) : [first];
  return [...new Set(types.slice(0, 32).filter((type) => typeof type === "string"))];
}

const longestAbout = 120;

/** What an action is about, cut to a few words: the payload's command, path, address or query, else all of it. */
function about(payload: JsonValue | undefined): string {
  if (payload === undefined || payload === null) return "";
  const named = isJsonObject(payload) ? ["command", "path", "url", "query"].map((key) => member(payload, key)) : [];
  const words = named.find((value) => typeof value === "string") ?? JSON.stringify(payload);
  return words.length <= longestAbout ? words : `${words.slice(0, longestAbout - 1).toWellFormed()}…`;
}

function text(value: JsonValue | undefined): string | null {
  return typeof value === "string" ? value : null;
}
