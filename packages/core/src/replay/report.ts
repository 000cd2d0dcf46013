import { matchesFilter } from "../audit/index.ts";
import type { EntryFilter } from "../audit/index.ts";
import { readAuditLog } from "../audit/read.ts";
import { CanopyError } from "../errors.ts";
import { isJsonObject, member } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import type { Decision } from "../policy/decision.ts";
import { readAnswer } from "./recorded-decision.ts";
import type { RecordedAnswer } from "./recorded-decision.ts";

export interface LogReportOptions {
  /** Which decisions are counted; all of them where it is left out. */
  readonly filter?: EntryFilter;
  /** How many denials and askings of each rule, agent and tool are named; 3 where it is left out. */
  readonly samples?: number;
}

/** What policy answered over a stretch of a log. In observe mode that is what it would have answered. */
export interface LogReport extends Counts {
  readonly decisions: number;
  /** Entries of type `decision` that are none. */
  readonly malformed: number;
  /** Decisions whose callers were told DENY because the record had failed; they are counted as what policy answered. */
  readonly voided: number;
  /** The time of the first decision and of the last, as the log has it; null where there is none. */
  readonly first: string | null;
  readonly last: string | null;
  /** By the rules that decided; a decision of several counts for each. The default of a policy has no name. */
  readonly rules: readonly Tally[];
  /** By AVID; `label` is what the agent's context calls it. */
  readonly agents: readonly Tally[];
  /** By tool, and by action type where the caller named none. */
  readonly tools: readonly Tally[];
  /** Lines that are no entries, and where the first of them stand. */
  readonly strangeLines: number;
  readonly firstStrange: readonly string[];
}

export interface Counts {
  readonly denied: number;
  readonly asked: number;
  readonly allowed: number;
  /** Those among the denied and the asked that were let through, because the runtime only observed. */
  readonly letThrough: number;
}

export interface Tally extends Counts {
  /** Null for what has no name, such as a policy's default. */
  readonly name: string | null;
  readonly label?: string;
  readonly first: string;
  readonly last: string;
  /** Denials and askings, the first of them. */
  readonly samples: readonly ReportSample[];
  /** Set on the one that holds all that came after there were too many. */
  readonly isRest?: true;
}

export interface ReportSample {
  readonly seq: number;
  readonly ts: string;
  readonly answer: Decision;
  readonly actionTypes: readonly string[];
  readonly about: string;
}

/** See `reportAuditLog` of the package. */
export async function reportAuditLog(path: string, { filter = {}, samples = 3 }: LogReportOptions = {}): Promise<LogReport> {
  if (!Number.isSafeInteger(samples) || samples < 0 || samples > 100) {
    throw new CanopyError("INVALID_OPTIONS", "`samples` is not a count from 0 to 100");
  }
  const all = { decisions: 0, malformed: 0, voided: 0, strangeLines: 0, denied: 0, asked: 0, allowed: 0, letThrough: 0 };
  const firstStrange: string[] = [];
  const tables = { rules: createTable(samples), agents: createTable(samples), tools: createTable(samples) };
  let first: string | null = null;
  let last: string | null = null;
  for await (const { entry, file, line } of readAuditLog(path)) {
    if (entry === null) {
      all.strangeLines += 1;
      if (firstStrange.length < 3) firstStrange.push(`${file}:${line}`);
      continue;
    }
    if (entry.type === "decision.voided") all.voided += voidedBy(entry.members);
    if (entry.type !== "decision" || !matchesFilter(entry, filter)) continue;
    all.decisions += 1;
    const answer = readAnswer(entry);
    if (typeof answer === "string") {
      all.malformed += 1;
      continue;
    }
    first ??= cut(answer.ts);
    last = cut(answer.ts);
    countIn(all, answer);
    const rules = answer.rules ?? [];
    for (const rule of rules.length === 0 ? [null] : new Set(rules.slice(0, 64).map(({ id }) => id))) tables.rules.add(rule, answer);
    tables.agents.add(answer.avid, answer, labelOf(entry.members["agent_ctx"]));
    tables.tools.add(answer.tool ?? (answer.actionTypes.length === 0 ? null : answer.actionTypes.slice(0, 4).join(" + ")), answer);
  }
  return { ...all, first, last, rules: tables.rules.list(), agents: tables.agents.list(), tools: tables.tools.list(), firstStrange };
}

interface Table {
  readonly add: (name: string | null, answer: RecordedAnswer, label?: string) => void;
  /** Those with most denials first, then askings. */
  readonly list: () => readonly Tally[];
}

/** Past this many names a log was made to have them; the rest is counted together. */
const mostNames = 2000;

function createTable(mostSamples: number): Table {
  const tallies = new Map<string, Growing>();
  return {
    add: (name, answer, label) => {
      const known = name === null ? "" : `=${cut(name)}`;
      const isRest = !tallies.has(known) && tallies.size >= mostNames;
      const key = isRest ? "rest" : known;
      let tally = tallies.get(key);
      if (tally === undefined) {
        const called = isRest
          ? { name: null, isRest }
          : { name: name === null ? null : cut(name), ...(label === undefined ? {} : { label }) };
        tally = { ...called, ...noCounts, first: cut(answer.ts), last: "", samples: [] };
        tallies.set(key, tally);
      }
      tally.last = cut(answer.ts);
      countIn(tally, answer);
      if (answer.answer === "ALLOW" || tally.samples.length >= mostSamples) return;
      const { seq, ts, actionTypes, about } = answer;
      tally.samples.push({ seq, ts: cut(ts), answer: answer.answer, actionTypes: actionTypes.slice(0, 8).map(cut), about });
    },
    list: () => [...tallies.values()].toSorted((a, b) => b.denied - a.denied || b.asked - a.asked || b.allowed - a.allowed),
  };
}

type GrowingCounts = { -readonly [Key in keyof Counts]: number };

interface Growing extends GrowingCounts {
  readonly name: string | null;
  readonly label?: string;
  readonly isRest?: true;
  readonly first: string;
  last: string;
  readonly samples: ReportSample[];
}

const noCounts: Counts = { denied: 0, asked: 0, allowed: 0, letThrough: 0 };

function countIn(counts: GrowingCounts, { answer, enforced }: RecordedAnswer): void {
  if (answer === "DENY") counts.denied += 1;
  else if (answer === "REQUIRE_APPROVAL") counts.asked += 1;
  else counts.allowed += 1;
  if (answer !== "ALLOW" && !enforced) counts.letThrough += 1;
}

function labelOf(agentCtx: JsonValue | undefined): string | undefined {
  if (!isJsonObject(agentCtx)) return undefined;
  const label = ["agent_id", "name", "id"].map((key) => member(agentCtx, key)).find((value) => typeof value === "string");
  return label === undefined ? undefined : cut(label);
}

function voidedBy({ entries }: JsonObject): number {
  return Array.isArray(entries) ? entries.length : 0;
}

const longest = 200;

/** So that no entry of a log that was made up fills the memory. */
function cut(text: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1).toWellFormed()}…`;
}
