import type { Decision } from "./decision.ts";
import { isGlob, matchesGlob } from "./glob.ts";
import type { Scope } from "./condition/values.ts";
import type { Run } from "./condition/values.ts";
import type { Rule } from "./rule.ts";

/** The rules that can matter to one action type, by what they decide. */
type Tiers = Readonly<Record<Decision, RuleTree>>;

/** Rules, arranged so that those whose conditions must be false need not be looked at. */
export type RuleTree =
  | { readonly kind: "leaf"; readonly rules: readonly Rule[] }
  | {
      readonly kind: "switch";
      readonly read: Run;
      /** The rules that want a certain text here; each may stand under several. */
      readonly cases: ReadonlyMap<string, RuleTree>;
      /** All of these, for when what is there is no text: then none of them is surely false. */
      readonly every: readonly Rule[];
      readonly rest: RuleTree;
    };

/** Finds the rules about an action type. */
export interface RuleIndex {
  readonly about: (actionType: string) => Tiers;
}

const remembered = 256;

export function indexRules(rules: readonly Rule[]): RuleIndex {
  const byName = new Map<string, Rule[]>();
  for (const rule of rules) {
    for (const name of new Set(rule.actionTypes)) {
      const group = byName.get(name);
      if (group === undefined) byName.set(name, [rule]);
      else group.push(rule);
    }
  }
  const globs = rules.filter((rule) => rule.actionTypes.some(isGlob));
  const tiersOf = (actionType: string): Tiers => {
    const matching = globs.filter((rule) => rule.actionTypes.some((pattern) => isGlob(pattern) && matchesGlob(pattern, actionType)));
    // A rule may be about an action both by name and by glob.
    const about = [...new Set([...(byName.get(actionType) ?? []), ...matching])];
    const tier = (decision: Decision): RuleTree => arrange(about.filter((rule) => rule.reference.decision === decision));
    return { ALLOW: tier("ALLOW"), REQUIRE_APPROVAL: tier("REQUIRE_APPROVAL"), DENY: tier("DENY") };
  };
  const known = new Map([...byName.keys()].filter((name) => !isGlob(name)).map((name) => [name, tiersOf(name)] as const));
  const none: Tiers = { ALLOW: nothing, REQUIRE_APPROVAL: nothing, DENY: nothing };
  // Names that the policy does not say come from requests, so no more than a few of them are kept.
  const others = new Map<string, Tiers>();
  return {
    about(actionType) {
      const found = known.get(actionType) ?? others.get(actionType);
      if (found !== undefined) return found;
      if (globs.length === 0) return none;
      const tiers = tiersOf(actionType);
      if (others.size < remembered) others.set(actionType, tiers);
      return tiers;
    },
  };
}

const nothing: RuleTree = { kind: "leaf", rules: [] };

/** Calls `each` with every rule whose conditions are not surely false. */
export function visit(tree: RuleTree, scope: Scope, each: (rule: Rule, scope: Scope) => void): void {
  let at = tree;
  while (at.kind === "switch") {
    const value = at.read(scope);
    if (typeof value === "string") {
      const found = at.cases.get(value);
      if (found !== undefined) visit(found, scope, each);
    } else {
      for (const rule of at.every) each(rule, scope);
    }
    at = at.rest;
  }
  for (const rule of at.rules) each(rule, scope);
}

const worthwhile = 4;

function arrange(rules: readonly Rule[], used: ReadonlySet<string> = new Set()): RuleTree {
  const path = used.size < 4 ? bestPath(rules, used) : undefined;
  if (path === undefined) return { kind: "leaf", rules };
  const deeper = new Set([...used, path]);
  const every: Rule[] = [];
  const rest: Rule[] = [];
  const groups = new Map<string, Rule[]>();
  let read: Run | undefined;
  for (const rule of rules) {
    const guard = rule.guards.find((candidate) => candidate.path === path);
    if (guard === undefined) {
      rest.push(rule);
      continue;
    }
    read ??= guard.read;
    every.push(rule);
    for (const value of guard.values) {
      const group = groups.get(value);
      if (group === undefined) groups.set(value, [rule]);
      else group.push(rule);
    }
  }
  if (read === undefined) return { kind: "leaf", rules };
  const cases = new Map([...groups].map(([value, group]) => [value, arrange(group, deeper)] as const));
  return { kind: "switch", read, cases, every, rest: arrange(rest, used) };
}

/** The path that leaves the fewest rules to look at, where it spares enough to be worth reading. */
function bestPath(rules: readonly Rule[], used: ReadonlySet<string>): string | undefined {
  const uses = new Map<string, { rules: number; values: Map<string, number> }>();
  for (const rule of rules) {
    const seen = new Set<string>();
    for (const { path, values } of rule.guards) {
      if (used.has(path) || seen.has(path)) continue;
      seen.add(path);
      const use = uses.get(path) ?? { rules: 0, values: new Map<string, number>() };
      use.rules += 1;
      for (const value of values) use.values.set(value, (use.values.get(value) ?? 0) + 1);
      uses.set(path, use);
    }
  }
  let best: string | undefined;
  let spared = worthwhile - 1;
  for (const [path, use] of uses) {
    let left = 0;
    for (const count of use.values.values()) left += count / use.values.size;
    if (use.rules - left > spared) {
      spared = use.rules - left;
      best = path;
    }
  }
  return best;
}
