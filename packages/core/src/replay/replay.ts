import { stat } from "node:fs/promises";
import { matchesFilter } from "../audit/index.ts";
import type { EntryFilter } from "../audit/index.ts";
import { localDisk } from "../audit/disk.ts";
import { readAuditLog } from "../audit/read.ts";
import { segmentPaths } from "../audit/segments.ts";
import { CanopyError } from "../errors.ts";
import type { Policy, PolicySource } from "../policy/policy.ts";
import type { RuleReference } from "../runtime/authorizer.ts";
import { judgeRequest } from "../runtime/judgement.ts";
import type { Judgement } from "../runtime/judgement.ts";
import { loadPolicyFrom } from "../runtime/policy-file.ts";
import { engineVersion } from "../version.ts";
import { createChangeGroups } from "./changes.ts";
import type { ChangeGroup } from "./changes.ts";
import { keepJudgements } from "./kept-judgements.ts";
import { readDecision } from "./recorded-decision.ts";
import type { RecordedDecision } from "./recorded-decision.ts";
import { createRecordedInputs } from "./recorded-inputs.ts";
import type { RecordedInputs } from "./recorded-inputs.ts";
import { withhold } from "./withheld.ts";

export interface ReplayOptions {
  /**
   * The policy that is tried: a file's path, `canopy:default`, or a text with a name. Where it is left out, each decision is judged again under the
   * policy that made it.
   */
  readonly policy?: string | PolicySource;
  /** Which decisions are judged; all of them where it is left out. */
  readonly filter?: EntryFilter;
  /** How many decisions of each group of differences are named; 3 where it is left out. */
  readonly samples?: number;
  /** Hears now and then how many bytes of how many were read. */
  readonly onProgress?: (bytes: number, ofBytes: number) => void;
  readonly signal?: AbortSignal;
}

/** What came of judging the decisions of a log again. Every decision that the filter wants is in `same`, in one of the groups, or set apart. */
export interface ReplayReport {
  /** Whether the recorded policies were asked again, or another one. */
  readonly kind: "reproduce" | "what_if";
  /** The policy that was tried; null for `reproduce`. */
  readonly policyDigest: string | null;
  /** Decisions that the filter wants. */
  readonly decisions: number;
  /** Those that could be judged. */
  readonly judged: number;
  /** Those that were answered as on record. */
  readonly same: number;
  /**
   * What differs. For `reproduce` each is a defect: the log was tampered with, or the same engine answers otherwise; `from` may then be `to`, where
   * only the rules or the reason differ.
   */
  readonly changes: readonly ChangeGroup[];
  /** Those among the judged that hold commitments, none of which anything asked for. */
  readonly judgedRedacted: number;
  /** Those among the judged that another version of the engine had judged: what changes about them may be its doing. None for `reproduce`. */
  readonly judgedOtherEngine: number;
  /** Those that could not be judged, by why. */
  readonly apart: Readonly<Record<Apart, number>>;
  /** Lines that are no entries, and where the first of them stand. */
  readonly strangeLines: number;
  readonly firstStrange: readonly string[];
}

/**
 * Why a decision is set apart: the answer rests on what is redacted; the request was refused unread and is not on record; no policy was in force; it
 * was judged by another version of the engine; the text of its policy, or the list of Canopy's own files, is not on record; the entry is none.
 */
export type Apart = "redacted" | "refused" | "no_policy" | "other_engine" | "policy_unknown" | "files_unknown" | "malformed";

/**
 * Judges the decisions of a log again, under the policy that made each, or under another one. Looks at the log alone: what the disk said of paths is
 * taken from it, and nothing is written. Memory does not grow with the log. Reads through all segments, as `readAuditLog`, and verifies nothing.
 * Throws `POLICY_INVALID`, `AUDIT_LOG_UNAVAILABLE`, `INVALID_OPTIONS`.
 */
export async function replayAuditLog(path: string, options: ReplayOptions = {}): Promise<ReplayReport> {
  const { filter = {}, samples = 3, onProgress, signal } = options;
  if (!Number.isSafeInteger(samples) || samples < 0 || samples > 1000) {
    throw new CanopyError("INVALID_OPTIONS", "`samples` is not a count from 0 to 1000");
  }
  const tried = options.policy === undefined ? null : await loadPolicyFrom(options.policy);
  const total = onProgress === undefined ? 0 : await bytesOf(path);
  const inputs = createRecordedInputs();
  const judge = keepJudgements();
  const groups = createChangeGroups(samples);
  const apart: Record<Apart, number> = {
    redacted: 0,
    refused: 0,
    no_policy: 0,
    other_engine: 0,
    policy_unknown: 0,
    files_unknown: 0,
    malformed: 0,
  };
  const count = { decisions: 0, judged: 0, same: 0, judgedRedacted: 0, judgedOtherEngine: 0, strangeLines: 0, bytes: 0, records: 0 };
  const firstStrange: string[] = [];
  for await (const { entry, file, line, text } of readAuditLog(path)) {
    if (signal?.aborted === true) break;
    count.bytes += text.length + 1;
    count.records += 1;
    if (onProgress !== undefined && count.records % progressEvery === 0) onProgress(Math.min(count.bytes, total), total);
    if (entry === null) {
      count.strangeLines += 1;
      if (firstStrange.length < 3) firstStrange.push(`${file}:${line}`);
      continue;
    }
    inputs.add(entry);
    if (entry.type !== "decision" || !matchesFilter(entry, filter)) continue;
    count.decisions += 1;
    const recorded = readDecision(entry);
    if (recorded.kind !== "decision") {
      apart[recorded.kind] += 1;
      continue;
    }
    const judged = await judgeAgain(recorded, tried, inputs, judge);
    if (typeof judged === "string") {
      apart[judged] += 1;
      continue;
    }
    count.judged += 1;
    if (recorded.isRedacted) count.judgedRedacted += 1;
    if (recorded.engine !== engineVersion) count.judgedOtherEngine += 1;
    if (tried === null ? isReproduced(recorded, judged) : recorded.answer === judged.decision) count.same += 1;
    else groups.add(recorded, judged);
  }
  const { decisions, judged, same, judgedRedacted, judgedOtherEngine, strangeLines } = count;
  return {
    kind: tried === null ? "reproduce" : "what_if",
    policyDigest: tried?.digest ?? null,
    decisions,
    judged,
    same,
    changes: groups.list(),
    judgedRedacted,
    judgedOtherEngine,
    apart,
    strangeLines,
    firstStrange,
  };
}

const progressEvery = 1000;

/** What the policy that was tried, or where there is none the recorded one, says of a recorded request. */
async function judgeAgain(
  recorded: RecordedDecision,
  tried: Policy | null,
  inputs: RecordedInputs,
  judge: Judge,
): Promise<Judgement | Apart> {
  const { policyDigest, engine } = recorded;
  // What was answered then was no policy's answer: there is nothing to compare with.
  if (policyDigest === null) return "no_policy";
  if (tried === null && engine !== engineVersion) return "other_engine";
  const policy = tried ?? (await inputs.policy(policyDigest));
  if (policy === null) return "policy_unknown";
  const ownFiles = inputs.ownFiles(recorded.ownFiles);
  if (ownFiles === undefined) return "files_unknown";
  return judgeRecorded(policy, recorded, ownFiles, judge) ?? "redacted";
}

type Judge = typeof judgeRequest;

/** What the policy says of a recorded request; null where that rests on what is redacted. */
function judgeRecorded(policy: Policy, recorded: RecordedDecision, ownFiles: readonly string[], judge: Judge): Judgement | null {
  const { agentCtx, actions, isRedacted } = recorded;
  if (!isRedacted) return judge(policy, { agentCtx, actions, ownFiles });
  let isAskedFor = false;
  const notice = (): void => {
    isAskedFor = true;
  };
  const judgement = judgeRequest(policy, {
    agentCtx: withhold(agentCtx, notice) as typeof agentCtx,
    actions: actions.map((action) => ({ ...action, payload: withhold(action.payload, notice) })),
    ownFiles,
  });
  return isAskedFor ? null : judgement;
}

/** Whether the same was answered, by the same rules, and with the same reason as far as the log has them. */
function isReproduced({ answer, rules, reason }: RecordedDecision, judged: Judgement): boolean {
  if (answer !== judged.decision) return false;
  if (rules === null) return true;
  if (!isSameList(rules.map(nameOf).toSorted(), judged.rules.map(nameOf).toSorted())) return false;
  // A policy that was only laid out anew has the same digest, and its rules stand on other lines, which the reason names.
  const isSameLayout = isSameList(rules.map(placeOf), judged.rules.map(placeOf));
  // What a person's part adds to a reason stands in the place of its full stop. A reason that is too long is cut in the log, and what it quotes of secrets is left out.
  const isWhole = reason !== null && !reason.includes("[left out]") && !reason.endsWith("…");
  // What came of asking a person is said around it.
  return !isSameLayout || !isWhole || reason.includes(judged.reason.replace(/\.$/, ""));
}

function nameOf({ id, decision }: RuleReference): string {
  return `${decision} ${id}`;
}

function placeOf({ id, file, line }: RuleReference): string {
  return `${id} ${file}:${line}`;
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index]);
}

async function bytesOf(path: string): Promise<number> {
  const sizes = segmentPaths(localDisk, path).map(async (file) => {
    try {
      return (await stat(file)).size;
    } catch {
      // Renamed since, or missing: reading says so.
      return 0;
    }
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
