import { isJsonObject } from "@canopy-runtime/core";
import type { AuditRecord, JsonObject, JsonValue } from "@canopy-runtime/core";
import { paint, visible } from "./terminal.ts";
import type { Style, Terminal } from "./terminal.ts";

/** One line of a log as one line for people: number, time, what was decided or happened, to what, and by which rule. */
export function entryRow({ file, line, entry }: AuditRecord, terminal: Pick<Terminal, "interactive">): string {
  if (entry === null) return `${paint(terminal, "red", "?")} ${visible(file)}:${line} is not an entry; canopy verify says more\n`;
  const { seq, ts, type, members } = entry;
  const [word, style, ...rest] = describe(type, members);
  const cells = [
    String(seq).padStart(7),
    visible(ts).replace("T", " ").slice(0, 19).padEnd(19),
    paint(terminal, style, visible(word).padEnd(16)),
  ];
  return `${[...cells, ...rest.map((cell) => visible(cell))].join("  ").trimEnd()}\n`;
}

type Row = readonly [word: string, style: Style, ...rest: readonly string[]];

function describe(type: string, members: JsonObject): Row {
  switch (type) {
    case "decision":
      return decisionRow(members);
    case "outcome":
      return [
        `  ${string(members["status"])}`,
        "dim",
        `of ${string(members["authorization_id"]).split("-")[0]} after ${number(members["duration_ms"])} ms`,
      ];
    case "policy.loaded":
      return ["policy", "dim", `${string(members["name"])} ${string(members["policy_digest"]).slice(0, 12)}`];
    default:
      return type.startsWith("approval.") && typeof members["approval_id"] === "string"
        ? approvalRow(type, members, members["approval_id"])
        : [type, "dim", shorten(summary(members), widest)];
  }
}

function decisionRow(members: JsonObject): Row {
  const decision = string(members["decision"]);
  const would = members["would"];
  return [
    typeof would === "string" ? `${decision} (${shortest[would] ?? would})` : decision,
    styles[decision] ?? "bold",
    string(members["action_type"]).padEnd(17),
    shorten(visible(subject(members)), widest).padEnd(widest),
    ruleIds(members["rules"]),
  ];
}

function approvalRow(type: string, members: JsonObject, id: string): Row {
  const by = members["decided_by"];
  const who = typeof by === "string" ? [`by ${by}`] : [];
  switch (type) {
    case "approval.requested":
      return [
        "  asked",
        "yellow",
        string(members["action_type"]).padEnd(17),
        shorten(visible(subject(members)), widest).padEnd(widest),
        id,
      ];
    case "approval.decided":
      return members["decision"] === "approve" ? ["  approved", "green", id, ...who] : ["  denied", "red", id, ...who];
    default:
      return [`  ${type.slice("approval.".length)}`, "dim", id, ...who];
  }
}

const widest = 56;
const styles: Readonly<Record<string, Style>> = { ALLOW: "green", REQUIRE_APPROVAL: "yellow", DENY: "red" };
/** What enforcement would have answered, in observe mode, short enough for its column. */
const shortest: Readonly<Record<string, string>> = { REQUIRE_APPROVAL: "ask", DENY: "deny" };

/** What the action is about: the payload's command, path, address or query, else all of it. */
export function subject(members: JsonObject): string {
  const payload = members["payload"];
  if (!isJsonObject(payload)) return JSON.stringify(payload ?? null);
  const named = ["command", "path", "url", "query"].map((key) => shownText(payload[key])).find((text) => text !== null);
  return named ?? JSON.stringify(payload);
}

/** A text of the log, or what the log shows of one that holds a credential. */
function shownText(value: JsonValue | undefined): string | null {
  const text = isJsonObject(value) ? value["shown"] : value;
  return typeof text === "string" ? text : null;
}

function summary({ v: _v, seq: _seq, ts: _ts, type: _type, prev_hash: _prev, entry_hash: _hash, ...rest }: JsonObject): string {
  return Object.entries(rest)
    .map(([key, value]) => `${key} ${string(value)}`)
    .join(", ");
}

/** The rules that decided, or that it was the default. */
export function ruleIds(rules: JsonValue | undefined): string {
  if (!Array.isArray(rules) || rules.length === 0) return "default";
  return rules.map((rule: JsonValue) => (isJsonObject(rule) ? string(rule["id"]) : "")).join(", ");
}

function string(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

function number(value: JsonValue | undefined): string {
  return typeof value === "number" ? String(Math.round(value)) : "?";
}

export function shorten(long: string, width: number): string {
  return long.length <= width ? long : `${long.slice(0, width - 1)}…`;
}
