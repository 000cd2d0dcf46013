import type { RuleReference } from "../../runtime/authorizer.ts";
import type { Assembly } from "../assemble.ts";
import { junction, not } from "../condition/operators.ts";
import type { Run, Scope } from "../condition/values.ts";
import { apply } from "../evaluate.ts";
import { matchesGlob } from "../glob.ts";
import type { Position } from "../problems.ts";
import type { Part, Rule } from "../rule.ts";

/** What of the root policy's own rules and exceptions the tests have seen. */
export interface PolicyCoverage {
  readonly covered: number;
  readonly total: number;
  readonly subjects: readonly CoverageSubject[];
}

/** A rule of the root policy, or an exception that it makes to an inherited one. */
export interface CoverageSubject extends Position {
  readonly kind: "rule" | "exception";
  /** The id of the rule; for an exception that of the rule it lifts. */
  readonly id: string;
  readonly file: string;
  readonly points: readonly CoveragePoint[];
}

/**
 * One thing that tests can show. `true` and `false`: the conditions of a rule came out so. `alternative`: a condition of a `when_any` or `when_not`
 * was true. `lifts` and `leaves`: an exception lifted the rule, and left it in force where it would otherwise apply.
 */
export interface CoveragePoint {
  readonly kind: "true" | "false" | "alternative" | "lifts" | "leaves";
  /** The words of an alternative; null for the others. */
  readonly text: string | null;
  readonly covered: boolean;
}

/** Watches rules while they are tested. */
export interface CoverageRecorder {
  /** A request about which the whole policy was asked. */
  readonly request: (scope: Scope) => void;
  /** A request about which only one rule was asked: an example of it. */
  readonly example: (rule: RuleReference, scope: Scope) => void;
  readonly report: () => PolicyCoverage;
}

interface Watched {
  readonly kind: "rule" | "exception";
  readonly rule: Rule;
  readonly place: Position;
  readonly points: readonly Point[];
}

interface Point {
  readonly kind: CoveragePoint["kind"];
  readonly text: string | null;
  readonly holds: (scope: Scope) => boolean;
  covered: boolean;
}

export function recordCoverage({ policy, drafts, exceptions, files }: Assembly): CoverageRecorder {
  const root = files[0]?.source.name ?? "";
  const rules = policy.rules.flatMap((rule, index): readonly Watched[] => {
    const draft = drafts[index];
    return draft?.root === true ? [{ kind: "rule", rule, place: draft.source.at, points: pointsOf(rule) }] : [];
  });
  const lifted = exceptions.flatMap(({ rule: id, at, run }): readonly Watched[] => {
    const rule = policy.rules.find(({ reference }) => reference.id === id);
    if (rule === undefined) return [];
    const points = [
      point("lifts", null, (scope) => run(scope) === true && rule.condition(scope) !== false),
      point("leaves", null, (scope) => run(scope) !== true && apply({ ...rule, exceptions: [] }, scope) !== null),
    ];
    return [{ kind: "exception", rule, place: at, points }];
  });
  const watched = [...rules, ...lifted];
  return {
    request(scope) {
      for (const each of watched) see(each, scope);
    },
    example(reference, scope) {
      for (const each of rules) if (each.rule.reference === reference) see(each, scope);
    },
    report() {
      const all = watched.flatMap(({ points }) => points);
      return {
        covered: all.filter(({ covered }) => covered).length,
        total: all.length,
        subjects: watched.map(({ kind, rule, place, points }) => ({
          kind,
          id: rule.reference.id,
          file: root,
          line: place.line,
          column: place.column,
          points: points.map(({ kind: what, text, covered }) => ({ kind: what, text, covered })),
        })),
      };
    },
  };
}

function see(each: Watched, scope: Scope): void {
  if (!each.rule.actionTypes.some((pattern) => matchesGlob(pattern, scope.actionType))) return;
  for (const one of each.points) one.covered ||= one.holds(scope);
}

function point(kind: CoveragePoint["kind"], text: string | null, holds: (scope: Scope) => boolean): Point {
  return { kind, text, holds, covered: false };
}

function pointsOf(rule: Rule): readonly Point[] {
  const unconditional = rule.parts.kind !== "condition" && rule.parts.parts.length === 0;
  return [
    point("true", null, (scope) => rule.condition(scope) === true),
    // A rule without conditions has no way not to apply.
    ...(unconditional ? [] : [point("false", null, (scope) => rule.condition(scope) === false)]),
    ...alternativesOf(rule.parts).map((part) => {
      const run = runOf(part);
      return point("alternative", wordsOf(part), (scope) => run(scope) === true);
    }),
  ];
}

/** The conditions of each `when_any` and `when_not`, at every depth: any of them alone decides, so each must be seen to. */
function alternativesOf(part: Part): readonly Part[] {
  if (part.kind === "condition") return [];
  const deeper = part.parts.flatMap(alternativesOf);
  return part.kind === "all" ? deeper : [...part.parts, ...deeper];
}

function runOf(part: Part): Run {
  if (part.kind === "condition") return part.run;
  const runs = part.parts.map(runOf);
  if (part.kind === "all") return junction(runs, false);
  return part.kind === "any" ? junction(runs, true) : not(junction(runs, true));
}

function wordsOf(part: Part): string {
  if (part.kind === "condition") return part.text;
  const words = part.parts.map(wordsOf).join(part.kind === "all" ? " and " : " or ");
  return part.kind === "not" ? `none of ${words}` : words;
}
