import { readBindings } from "./bindings.ts";
import type { ActionBinding } from "./bindings.ts";
import type { Decision } from "./decision.ts";
import type { Entry, MapNode, Node } from "./document.ts";
import { policyKeys, sectionKeys } from "./format.ts";
import { nearest } from "./nearest.ts";
import type { Position, Report } from "./problems.ts";
import { quoted } from "./problems.ts";
import { isText, listItems, readDecision, textOf, textOrTexts, unknownKey } from "./reading.ts";
import { fitActionType, readConditions, readRule, textRule } from "./read-rule.ts";
import type { Block, RuleSource } from "./read-rule.ts";

/** One policy file, as it says itself: nothing resolved yet, nothing parsed inside of conditions. */
export interface PolicyFile {
  readonly name: string | null;
  readonly default: Decision | null;
  readonly extends: readonly { readonly name: string; readonly at: Position }[];
  readonly except: readonly ExceptionSource[];
  readonly bindings: ReadonlyMap<string, readonly ActionBinding[]>;
  readonly bindingsAt: Position;
  readonly rules: readonly RuleSource[];
}

interface ExceptionSource {
  readonly rule: string;
  readonly at: Position;
  readonly condition: Block;
}

/** Reads all three forms of rules, mixed freely: a list of rules, rules under an action type, and lists of texts under an action type. */
export function readPolicy(root: Node, report: Report): PolicyFile {
  const rules: RuleSource[] = [];
  const except: ExceptionSource[] = [];
  let policy: PolicyFile = { name: null, default: null, extends: [], except, bindings: new Map(), bindingsAt: root.at, rules };
  if (root.kind !== "map") {
    report(root.at, "a policy is a map of keys such as `version`, `default` and `rules`");
    return policy;
  }
  if (root.entries.length === 0) report(root.at, "the policy is empty");
  for (const entry of root.entries) {
    const { key, value } = entry;
    switch (key) {
      case "version":
        if (value.kind !== "scalar" || value.value !== 1) report(value.at, "the version of the policy format is `1`");
        break;
      case "name":
        policy = { ...policy, name: textOf(value, "`name`", report) ?? null };
        break;
      case "default":
        policy = { ...policy, default: readDecision(value, report) ?? null };
        break;
      case "extends":
        policy = { ...policy, extends: textOrTexts(value, "`extends`", report).map(({ text, node }) => ({ name: text, at: node.at })) };
        break;
      case "except":
        except.push(...readExceptions(value, report));
        break;
      case "actions":
        policy = { ...policy, bindings: readBindings(value, report), bindingsAt: entry.at };
        break;
      case "rules":
        for (const item of listItems(value, "`rules`", report)) rules.push(...readRule(item, null, report));
        break;
      default:
        rules.push(...readSection(entry, report));
    }
  }
  return policy;
}

function readExceptions(node: Node, report: Report): readonly ExceptionSource[] {
  if (node.kind !== "map" || node.entries.length === 0) {
    report(node.at, "`except` maps the ids of inherited rules to conditions");
    return [];
  }
  return node.entries.map(({ key, at, value }) => ({ rule: key, at, condition: readConditions("all", value, "the exception", report) }));
}

/** A key that is not the policy's is an action type with its rules, and nothing else: a misspelt key must not pass for one. */
function readSection(entry: Entry, report: Report): readonly RuleSource[] {
  const { key, at, value } = entry;
  const known = Object.keys(policyKeys);
  const isSection = value.kind === "map" && value.entries.some((inner) => Object.hasOwn(sectionKeys, inner.key));
  if (value.kind !== "map" || !isSection) {
    // A section whose own keys are misspelt, or a policy key that is.
    const near = nearest(key, known);
    if (near === undefined && value.kind === "map" && value.entries.length > 0) return section(key, at, value, report);
    report(at, `unknown key ${quoted(key)}; an action type holds ${Object.keys(sectionKeys).map(quoted).join(", ")}`, near);
    return [];
  }
  return section(key, at, value, report);
}

function section(actionType: string, at: Position, node: MapNode, report: Report): readonly RuleSource[] {
  fitActionType(actionType, at, report);
  const rules: RuleSource[] = [];
  const about = { text: actionType, at };
  for (const entry of node.entries) {
    const { key, value } = entry;
    const found = Object.hasOwn(sectionKeys, key) ? sectionKeys[key] : undefined;
    if (found === undefined) unknownKey(entry, `under ${quoted(actionType)}`, Object.keys(sectionKeys), report);
    else if (found.decision === null) {
      for (const item of listItems(value, `\`${key}\``, report)) rules.push(...readRule(item, about, report));
    } else {
      for (const item of listItems(value, `\`${key}\``, report)) rules.push(...shorthand(item, key, found.decision, about, report));
    }
  }
  return rules;
}

function shorthand(
  item: Node,
  key: string,
  decision: Decision,
  about: { text: string; at: Position },
  report: Report,
): readonly RuleSource[] {
  const text = textOf(item, `an item of \`${key}\``, report);
  if (text === undefined || !isText(item)) return [];
  // Searched for as text it would never be found, and the rule would be dead.
  if (/\b(?:agent_ctx|payload|action_type)\b\s*(?:[.[=!<>]|contains\b|in\b)/.test(text)) {
    report(item.at, `${quoted(text)} looks like a condition; \`${key}\` lists texts, conditions go under \`rules\` and \`when_all\``);
    return [];
  }
  return [textRule(item, decision, about)];
}
