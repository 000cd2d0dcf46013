import { decisions } from "../decision.ts";
import { severities } from "../format.ts";
import { matchesGlob } from "../glob.ts";
import { bounded, implies, impliesStrictly } from "./implies.ts";
import type { Budget } from "./implies.ts";
import type { Find, Subject } from "./subject.ts";

/** Steps for all pairs of one policy together. */
const stepsInAll = 4_000_000;
const stepsOfOne = 5_000;

/**
 * Finds rules without which no decision of this policy would be another, nor ask for another assurance: whenever one applies, a certain other rule applies
 * as well, at least as strictly. Only what is proven is told.
 */
export function findShadowed(subjects: readonly Subject[], find: (subject: Subject) => Find): void {
  const rules = subjects.filter(({ kind }) => kind === "rule");
  const total: Budget = { left: stepsInAll };
  for (const [place, rule] of rules.entries()) {
    if (!rule.own) continue;
    const shade = rules.find((other, index) => {
      if (other === rule || total.left <= 0) return false;
      total.left -= 1;
      return standsInFor(other, rule, total) && !(index > place && other.own && standsInFor(rule, other, total));
    });
    if (shade === undefined) continue;
    const strict = shade.decision === rule.decision ? `says ${rule.decision} too` : `says ${shade.decision}`;
    find(rule)(
      "shadowed-rule",
      rule.at,
      `the rule never changes a decision: whenever it applies, rule \`${shade.id}\` (${shade.file}:${shade.at.line}) applies and ${strict}`,
      `leave it out, or say in \`${shade.id}\` where that rule is not meant to apply`,
    );
  }
}

/** Whether `rule` can be left out beside `other`. Of two that stand in for each other the one that comes later is told. */
function standsInFor(other: Subject, rule: Subject, total: Budget): boolean {
  const stricter = decisions.indexOf(other.decision) - decisions.indexOf(rule.decision);
  if (stricter < 0 || other.lifted) return false;
  if (!rule.actionTypes.every((pattern) => other.actionTypes.some((wider) => covers(wider, pattern)))) return false;
  // The highest severity among the rules that decide says whose approval counts.
  if (rule.decision !== "ALLOW" && severity(rule) > severity(other)) return false;
  // Where a DENY is invalid it is a DENY, and where it is open it asks; for whatever only asks the two are one.
  const proves = rule.decision === "DENY" ? impliesStrictly : implies;
  return bounded(total, stepsOfOne, (budget) => proves(rule.formula, other.formula, budget));
}

/** Whether `wider` matches every action type that `pattern` matches: its `*` may stand for the other's `*` as for any character, and nothing else does. */
function covers(wider: string, pattern: string): boolean {
  return matchesGlob(wider, pattern);
}

function severity({ severity: own }: Subject): number {
  return own === null ? -1 : severities.indexOf(own);
}
