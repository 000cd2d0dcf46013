// What looks back at decisions, imported when it is first asked for: a program that only authorizes starts without it.
import type { PolicySource } from "../policy/policy.ts";
import type { EntryExplanation } from "./explain-entry.ts";
import type { ReplayOptions, ReplayReport } from "./replay.ts";
import type { LogReport, LogReportOptions } from "./report.ts";

export type { ChangeGroup, Sample } from "./changes.ts";
export type { EntryExplanation } from "./explain-entry.ts";
export type { RecordedAnswer } from "./recorded-decision.ts";
export type { Apart, ReplayOptions, ReplayReport } from "./replay.ts";
export type { LogReport, LogReportOptions, ReportSample, Tally } from "./report.ts";

/**
 * Judges the decisions of a log again, under the policy that made each, or under another one. Looks at the log alone: what the disk said of paths is
 * taken from it, and nothing is written. Memory does not grow with the log. Reads through all segments, as `readAuditLog`, and verifies nothing.
 * Rejects with `POLICY_INVALID`, `AUDIT_LOG_UNAVAILABLE`, `INVALID_OPTIONS`.
 */
export async function replayAuditLog(path: string, options: ReplayOptions = {}): Promise<ReplayReport> {
  return await (await import("./replay.ts")).replayAuditLog(path, options);
}

/**
 * Sums up what a log's decisions answered, or in observe mode would have answered: in all, by rule, by agent and by tool. Memory does not grow with
 * the log. Verifies nothing. Rejects with `AUDIT_LOG_UNAVAILABLE`, `INVALID_OPTIONS`.
 */
export async function reportAuditLog(path: string, options: LogReportOptions = {}): Promise<LogReport> {
  return await (await import("./report.ts")).reportAuditLog(path, options);
}

/**
 * Explains a recorded decision under the policy that made it, or under another one, by what is on record alone. `entry` is its number, or its id,
 * whose hash is then compared. Rejects with `INVALID_OPTIONS` where there is no such decision, or what its answer rests on is not on record.
 */
export async function explainEntry(path: string, entry: number | string, policy?: string | PolicySource): Promise<EntryExplanation> {
  return await (await import("./explain-entry.ts")).explainEntry(path, entry, policy);
}
