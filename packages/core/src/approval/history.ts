import { isJsonObject, member } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { appendedEntry } from "../audit/entry.ts";
import type { AuditSink, ScanPlace } from "../audit/index.ts";
import { severities } from "../policy/format.ts";
import type { Severity } from "../policy/format.ts";
import type { RuleReference } from "../runtime/authorizer.ts";
import type { ApprovalUse, Assurance } from "./approval.ts";

/** What the log holds about approvals, as far as anything rests on it. */
export type ApprovalEvent = Requested | Decided | Ended | Used | Unreadable;

interface Event {
  readonly seq: number;
  readonly hash: string;
  /** When it was recorded, in milliseconds since the epoch. */
  readonly at: number;
}

export interface Requested extends Event {
  readonly kind: "requested";
  readonly digest: string;
  readonly avid: string;
  readonly agent: string | null;
  readonly actionTypes: readonly string[];
  readonly reason: string;
  readonly rules: readonly RuleReference[];
  readonly severity: Severity | null;
  readonly wants: Assurance;
  readonly decideBy: number;
  readonly useWithinMs: number;
}

export interface Decided extends Event {
  readonly kind: "decided";
  readonly digest: string;
  readonly decision: "approve" | "deny";
  readonly by: string;
  /** When the person decided; `at` is when it was recorded. */
  readonly decidedAt: number;
  readonly assurance: Assurance;
  readonly note: string | null;
  readonly signature: string | null;
  readonly key: string | null;
}

export interface Ended extends Event {
  readonly kind: "expired" | "cancelled";
  readonly by: string | null;
}

export interface Used extends Event {
  readonly kind: "used";
  readonly authorizationId: string;
  outcome: ApprovalUse["outcome"];
}

/** An entry about an approval that does not say what it must. */
export interface Unreadable extends Event {
  readonly kind: "unreadable";
}

/** More than that is read again when it is asked for again, rather than kept. */
const mostEvents = 50_000;

/**
 * What the log says of approvals, read from it as it grows. An approval that was used is used because the log says so: whatever the store says, and
 * whoever crashed before it could say anything.
 */
export class ApprovalHistory {
  readonly #scan: NonNullable<AuditSink["scan"]>;
  #from = Infinity;
  #place: ScanPlace | null = null;
  #events = new Map<string, ApprovalEvent[]>();
  #uses = new Map<string, Used>();
  #count = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(scan: NonNullable<AuditSink["scan"]>) {
    this.#scan = scan;
  }

  /** Reads the log from entry `seq` to its end. Under the log's lock that is all there is. Throws where the log cannot be read or is not whole. */
  async readFrom(seq: number): Promise<void> {
    const mine = this.#turn.then(async () => await this.#read(seq));
    this.#turn = mine.catch(() => undefined);
    await mine;
  }

  /** Whether what the log says from entry `seq` on was read, as far as it went then. */
  covers(seq: number): boolean {
    return seq >= this.#from;
  }

  /** What was read of this approval, in the order of the log. */
  of(id: string): readonly ApprovalEvent[] {
    return this.#events.get(id) ?? [];
  }

  async #read(seq: number): Promise<void> {
    if (seq < this.#from || this.#count > mostEvents) this.#forget(seq);
    try {
      this.#place = await this.#scan(this.#place ?? seq, (entry) => this.#note(entry.seq, entry.line));
    } catch (error) {
      // Some of it was read: it would be read twice.
      this.#forget(Infinity);
      throw error;
    }
  }

  #forget(from: number): void {
    this.#from = from;
    this.#place = null;
    this.#events = new Map();
    this.#uses = new Map();
    this.#count = 0;
  }

  #note(seq: number, line: Buffer): undefined {
    const [, type] = typePattern.exec(line.toString("latin1", 0, 160)) ?? [];
    if (type?.startsWith("approval.") === true) this.#add(seq, line, (entry, event) => approvalEvent(type, entry, event));
    else if (type === "decision" && line.includes(useMark)) this.#add(seq, line, useEvent);
    else if (type === "outcome" && this.#uses.size > 0) this.#noteOutcome(parse(line));
    else if (type === "decision.voided" && this.#count > 0) this.#noteVoided(parse(line));
    return undefined;
  }

  #add(seq: number, line: Buffer, read: (entry: JsonObject, event: Event) => readonly [id: string, event: ApprovalEvent] | null): void {
    const entry = parse(line);
    const found = read(entry, { seq, hash: text(entry, "entry_hash") ?? "", at: time(entry, "ts") });
    if (found === null) return;
    const [id, event] = found;
    this.#count += 1;
    this.#events.set(id, [...(this.#events.get(id) ?? []), event]);
    if (event.kind === "used") this.#uses.set(event.authorizationId, event);
  }

  #noteOutcome(entry: JsonObject): void {
    const used = this.#uses.get(text(entry, "authorization_id") ?? "");
    const status = text(entry, "status");
    if (used !== undefined) used.outcome = status === "success" || status === "not_run" ? status : "error";
  }

  /**
   * Their callers were told that they are not on record. Where they were told DENY nothing ran, and the approval is spent all the same; a person who was
   * told that their yes did not count has not given one. A no stands: that is the stricter side.
   */
  #noteVoided(entry: JsonObject): void {
    const entries = member(entry, "entries");
    for (const each of Array.isArray(entries) ? entries : []) {
      if (!isJsonObject(each)) continue;
      const { seq, entry_hash: hash } = each;
      if (typeof seq !== "number" || typeof hash !== "string") continue;
      const used = this.#uses.get(appendedEntry(seq, hash).id);
      if (used !== undefined) used.outcome = "not_run";
      for (const [id, events] of this.#events) {
        const left = events.filter((event) => !isYes(event) || event.seq !== seq || event.hash !== hash);
        if (left.length < events.length) this.#events.set(id, left);
      }
    }
  }
}

const typePattern = /^\{"v":\d{1,9},"seq":\d{1,16},"ts":"[^"\\]{1,40}","type":"([a-z][a-z0-9_.]{0,63})"/;
const useMark = '"approval":{"id":"APR-';

function isYes(event: ApprovalEvent): boolean {
  return event.kind === "decided" && event.decision === "approve";
}

function approvalEvent(type: string, entry: JsonObject, event: Event): readonly [string, ApprovalEvent] | null {
  const id = text(entry, "approval_id");
  // Entries of hosts and of other versions may be called `approval.` too.
  if (id === null) return null;
  const unreadable: readonly [string, ApprovalEvent] = [id, { ...event, kind: "unreadable" }];
  switch (type) {
    case "approval.requested":
      return [id, requested(entry, event) ?? unreadable[1]];
    case "approval.decided":
      return [id, decided(entry, event) ?? unreadable[1]];
    case "approval.expired":
    case "approval.cancelled":
      return [id, { ...event, kind: type === "approval.expired" ? "expired" : "cancelled", by: text(entry, "decided_by") }];
    default:
      return null;
  }
}

function requested(entry: JsonObject, event: Event): Requested | null {
  const digest = text(entry, "digest");
  const avid = text(entry, "avid");
  const wants = text(entry, "wants");
  const decideBy = time(entry, "decide_by");
  const useWithinMs = member(entry, "use_within_ms");
  if (digest === null || avid === null || (wants !== "same_user" && wants !== "key")) return null;
  if (Number.isNaN(decideBy) || Number.isNaN(event.at) || typeof useWithinMs !== "number") return null;
  const severity = text(entry, "severity");
  const rules = member(entry, "rules");
  const actions = member(entry, "actions");
  const types = Array.isArray(actions) ? actions.map((each: JsonValue) => (isJsonObject(each) ? text(each, "action_type") : null)) : [];
  return {
    ...event,
    kind: "requested",
    digest,
    avid,
    agent: text(entry, "agent"),
    actionTypes: (types.length > 0 ? types : [text(entry, "action_type")]).filter((each) => each !== null),
    reason: text(entry, "reason") ?? "",
    rules: (Array.isArray(rules) ? rules : []) as unknown as readonly RuleReference[],
    severity: severities.find((each) => each === severity) ?? null,
    wants,
    decideBy,
    useWithinMs,
  };
}

function decided(entry: JsonObject, event: Event): Decided | null {
  const digest = text(entry, "digest");
  const decision = text(entry, "decision");
  const by = text(entry, "decided_by");
  const assurance = text(entry, "assurance");
  const decidedAt = time(entry, "decided_at");
  // A time that is none would never be over.
  if (digest === null || by === null || Number.isNaN(decidedAt) || Number.isNaN(event.at)) return null;
  if ((decision !== "approve" && decision !== "deny") || (assurance !== "same_user" && assurance !== "key")) return null;
  const [note, signature, key] = [text(entry, "note"), text(entry, "signature"), text(entry, "key")];
  return { ...event, kind: "decided", digest, decision, by, decidedAt, assurance, note, signature, key };
}

function useEvent(entry: JsonObject, event: Event): readonly [string, ApprovalEvent] | null {
  const approval = member(entry, "approval");
  const id = isJsonObject(approval) ? text(approval, "id") : null;
  if (id === null || text(entry, "decision") !== "ALLOW") return null;
  return [id, { ...event, kind: "used", authorizationId: appendedEntry(event.seq, event.hash).id, outcome: null }];
}

function parse(line: Buffer): JsonObject {
  const entry = JSON.parse(line.toString()) as JsonValue;
  return isJsonObject(entry) ? entry : {};
}

function text(entry: JsonObject, key: string): string | null {
  const value = member(entry, key);
  return typeof value === "string" ? value : null;
}

function time(entry: JsonObject, key: string): number {
  return Date.parse(text(entry, key) ?? "");
}
