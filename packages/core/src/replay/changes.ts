import type { Decision } from "../policy/decision.ts";
import type { RuleReference } from "../runtime/authorizer.ts";
import type { RecordedAnswer } from "./recorded-decision.ts";

/** Decisions that differ in the same way from what is on record. */
export interface ChangeGroup {
  /** What policy answered then, and what it answers now. */
  readonly from: Decision;
  readonly to: Decision;
  readonly actionTypes: readonly string[];
  /** The rules that decided then, and that decide now; none where the default did. */
  readonly recordedRules: readonly string[];
  readonly rules: readonly string[];
  readonly count: number;
  /** The first of them, at most as many as were asked for. */
  readonly samples: readonly Sample[];
  /** Set on the one group that holds all that came after there were too many groups. */
  readonly isRest?: true;
}

/** One decision, as far as it takes to find and recognise it. */
export interface Sample {
  readonly seq: number;
  readonly ts: string;
  readonly avid: string | null;
  /** What the first action is about, in a few words; `actionTypes` says what is done with it. */
  readonly about: string;
  /** Why policy answers now what it answers. */
  readonly reason: string;
}

/** An answer as it is compared. */
export interface Answer {
  readonly decision: Decision;
  readonly reason: string;
  readonly rules: readonly RuleReference[];
}

export interface ChangeGroups {
  readonly add: (recorded: RecordedAnswer, now: Answer) => void;
  /** Those with most decisions first. */
  readonly list: () => readonly ChangeGroup[];
}

/** A policy has few rules and a log few kinds of actions; past this many groups a log was made to have them. */
const mostGroups = 1000;

/** Gathers differences into groups; memory is bounded by the groups and their samples, whatever the log holds. */
export function createChangeGroups(mostSamples: number): ChangeGroups {
  const groups = new Map<string, Growing>();
  return {
    add: (recorded, now) => {
      const recordedRules = idsOf(recorded.rules);
      const rules = idsOf(now.rules);
      const actionTypes = recorded.actionTypes.slice(0, mostIds).map(cut);
      const key = JSON.stringify([recorded.answer, now.decision, actionTypes, recordedRules, rules]);
      let group = groups.get(key);
      if (group === undefined) {
        const isRest = groups.size >= mostGroups;
        // One group of the rest for each way in which an answer can change.
        const place = isRest ? `${recorded.answer} ${now.decision}` : key;
        const empty = isRest ? { actionTypes: [], recordedRules: [], rules: [], isRest } : { actionTypes, recordedRules, rules };
        group = groups.get(place) ?? { from: recorded.answer, to: now.decision, ...empty, count: 0, samples: [] };
        groups.set(place, group);
      }
      group.count += 1;
      if (group.samples.length >= mostSamples) return;
      const { seq, ts, avid, about } = recorded;
      group.samples.push({ seq, ts: cut(ts), avid: avid === null ? null : cut(avid), about, reason: cut(now.reason) });
    },
    list: () => [...groups.values()].toSorted((a, b) => b.count - a.count),
  };
}

interface Growing extends Omit<ChangeGroup, "count" | "samples" | "isRest"> {
  readonly isRest?: true;
  count: number;
  readonly samples: Sample[];
}

/** So that no entry of a log that was made up fills the memory. */
const mostIds = 16;
const longestText = 400;

function idsOf(rules: readonly RuleReference[] | null): readonly string[] {
  return [...new Set((rules ?? []).slice(0, mostIds).map(({ id }) => cut(id)))];
}

function cut(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText - 1).toWellFormed()}…`;
}
