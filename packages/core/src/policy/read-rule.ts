import type { Decision } from "./decision.ts";
import type { Entry, MapNode, Node, TextNode } from "./document.ts";
import { actionTypeLength } from "./request.ts";
import { blockKeys, decisionKeys, exampleKeys, requestKeys, ruleKeys, severities } from "./format.ts";
import type { Severity } from "./format.ts";
import { nearest } from "./nearest.ts";
import type { Position, Report } from "./problems.ts";
import { quoted } from "./problems.ts";
import { keysOf, listItems, readDecision, textOf, textOrTexts, unknownKey } from "./reading.ts";

/** Conditions as a rule has them: groups of which all, any or none hold, down to single ones. */
export type Block =
  | { readonly kind: "all" | "any" | "not"; readonly parts: readonly Block[] }
  | { readonly kind: "condition"; readonly text: string; readonly locate: (offset: number) => Position }
  /** A search of the whole payload that is not written as a condition: a regex key, or an item of `deny_if`. */
  | { readonly kind: "search"; readonly method: "contains" | "matches"; readonly text: string; readonly at: Position };

export interface Located {
  readonly text: string;
  readonly at: Position;
}

export interface RuleSource {
  readonly id: Located | null;
  readonly at: Position;
  readonly actionTypes: readonly Located[];
  readonly decision: Decision;
  readonly condition: Block;
  readonly reason: Located | null;
  readonly severity: Severity | null;
  readonly examples: readonly ExampleSource[];
}

export interface ExampleSource {
  readonly at: Position;
  readonly matches: boolean;
  readonly actionType: string | null;
  readonly agentCtx: Node | null;
  readonly payload: Node;
}

/** One rule; `about` is the action type that it stands under, null where it has to name its own. Empty when it cannot be understood. */
export function readRule(node: Node, about: Located | null, report: Report): readonly RuleSource[] {
  if (node.kind !== "map") {
    report(node.at, "a rule is a map of keys such as `decision` and `when_all`");
    return [];
  }
  for (const entry of node.entries) if (!Object.hasOwn(ruleKeys, entry.key)) unknownKey(entry, "in a rule", Object.keys(ruleKeys), report);
  const keys = keysOf(node);
  const actionTypes = readActionTypes(node, about, report);
  const source = readDecisionSource(node, report);
  const blocks = readBlocks(node, report);
  const severity = keys["severity"] === undefined ? null : readSeverity(keys["severity"], report);
  const examples = keys["examples"] === undefined ? [] : readExamples(keys["examples"], report);
  const id = located(keys["id"], "`id`", report);
  if (id !== null && !/^[A-Za-z0-9][A-Za-z0-9._/:-]{0,127}$/.test(id.text)) {
    report(id.at, `the id ${quoted(id.text)} is not made of letters, digits, \`.\`, \`_\`, \`-\`, \`/\` and \`:\``);
  }
  const reason = located(keys["reason"], "`reason`", report);
  if (source === undefined) return [];
  const condition: Block = { kind: "all", parts: source.regex === null ? blocks : [...blocks, source.regex] };
  return [{ id, at: node.at, actionTypes, decision: source.decision, condition, reason, severity, examples }];
}

/** The rule that an item of `deny_if` and its like stands for. */
export function textRule(item: TextNode & { readonly value: string }, decision: Decision, about: Located): RuleSource {
  const condition: Block = { kind: "search", method: "contains", text: item.value, at: item.at };
  return { id: null, at: item.at, actionTypes: [about], decision, condition, reason: null, severity: null, examples: [] };
}

/** A list of conditions and nested blocks. */
export function readConditions(kind: "all" | "any" | "not", node: Node, what: string, report: Report): Block {
  const parts = listItems(node, what, report).flatMap((item): readonly Block[] => {
    if (item.kind === "map") {
      for (const entry of item.entries) {
        if (!Object.hasOwn(blockKeys, entry.key)) unknownKey(entry, "in a block of conditions", Object.keys(blockKeys), report);
      }
      if (item.entries.length === 0) report(item.at, "the block of conditions is empty");
      return [{ kind: "all", parts: readBlocks(item, report) }];
    }
    const text = textOf(item, "a condition", report);
    return text === undefined || item.kind !== "scalar" ? [] : [{ kind: "condition", text, locate: item.locate }];
  });
  return { kind, parts };
}

function readBlocks(node: MapNode, report: Report): readonly Block[] {
  return node.entries.flatMap(({ key, value }) => {
    if (!Object.hasOwn(blockKeys, key)) return [];
    const kind = key === "when_all" ? "all" : key === "when_any" ? "any" : "not";
    return [readConditions(kind, value, `\`${key}\``, report)];
  });
}

function readActionTypes(node: MapNode, about: Located | null, report: Report): readonly Located[] {
  const entry = node.entries.find(({ key }) => key === "action_type");
  if (about !== null) {
    if (entry !== undefined) report(entry.at, `the rule stands under ${quoted(about.text)}, so it has no \`action_type\` of its own`);
    return [about];
  }
  if (entry === undefined) {
    report(node.at, "the rule has no `action_type`; `*` is any");
    return [];
  }
  return textOrTexts(entry.value, "`action_type`", report).flatMap(({ text, node: { at } }) =>
    fitActionType(text, at, report) ? [{ text, at }] : [],
  );
}

/** Whether a name or glob can match anything: what looks like another kind of glob would stand for itself, and the rule be dead. */
export function fitActionType(text: string, at: Position, report: Report): boolean {
  if (text.length > actionTypeLength) report(at, `an action type has at most ${actionTypeLength} characters`);
  else if (/[?[\]{}]/.test(text)) report(at, `${quoted(text)}: \`*\` is the only wildcard of an action type; several stand in a list`);
  else if (text.trim() !== text) report(at, `${quoted(text)} begins or ends with a blank`);
  else return true;
  return false;
}

interface DecisionSource {
  readonly decision: Decision;
  readonly regex: Block | null;
}

function readDecisionSource(node: MapNode, report: Report): DecisionSource | undefined {
  const sources = node.entries.filter(({ key }) => Object.hasOwn(decisionKeys, key));
  const [first, second] = sources;
  if (first === undefined) {
    report(node.at, `the rule decides nothing; it needs one of ${Object.keys(decisionKeys).map(quoted).join(", ")}`);
    return undefined;
  }
  if (second !== undefined) {
    report(second.at, `the rule has two decisions, ${quoted(first.key)} and ${quoted(second.key)}`);
    return undefined;
  }
  return decisionOf(first, report);
}

function decisionOf({ key, value }: Entry, report: Report): DecisionSource | undefined {
  const source = decisionKeys[key];
  if (source === undefined || source.decision === null) {
    const decision = readDecision(value, report);
    return decision === undefined ? undefined : { decision, regex: null };
  }
  if (source.regex) {
    const pattern = textOf(value, `\`${key}\``, report);
    if (pattern === undefined) return undefined;
    return { decision: source.decision, regex: { kind: "search", method: "matches", text: pattern, at: value.at } };
  }
  if (value.kind === "scalar" && value.value === true) return { decision: source.decision, regex: null };
  report(value.at, `\`${key}\` is \`true\` or left out`);
  return undefined;
}

function readSeverity(node: Node, report: Report): Severity | null {
  const found = severities.find((severity) => node.kind === "scalar" && node.value === severity);
  if (found !== undefined) return found;
  const word = node.kind === "scalar" ? String(node.value) : "";
  const near = nearest(word, severities);
  const choice = near === undefined ? `; a severity is ${severities.map(quoted).join(", ")}` : "";
  report(node.at, `unknown severity ${quoted(word)}${choice}`, near);
  return null;
}

function located(node: Node | undefined, what: string, report: Report): Located | null {
  if (node === undefined) return null;
  const text = textOf(node, what, report);
  return text === undefined ? null : { text, at: node.at };
}

function readExamples(node: Node, report: Report): readonly ExampleSource[] {
  if (node.kind !== "map" || node.entries.length === 0) {
    report(node.at, "`examples` holds `match` and `not_match`");
    return [];
  }
  return node.entries.flatMap((entry) => {
    if (!Object.hasOwn(exampleKeys, entry.key)) {
      unknownKey(entry, "in `examples`", Object.keys(exampleKeys), report);
      return [];
    }
    return listItems(entry.value, `\`${entry.key}\``, report).flatMap((item) => readExample(item, entry.key === "match", report));
  });
}

function readExample(node: Node, matches: boolean, report: Report): readonly ExampleSource[] {
  if (node.kind !== "map") {
    report(node.at, "an example is a request: `payload`, and `agent_ctx` or `action_type` where they matter");
    return [];
  }
  for (const entry of node.entries) {
    if (!Object.hasOwn(requestKeys, entry.key)) unknownKey(entry, "in an example", Object.keys(requestKeys), report);
  }
  const { action_type: type, agent_ctx: agentCtx, payload } = keysOf(node);
  const actionType = type === undefined ? null : (textOf(type, "`action_type`", report) ?? null);
  if (agentCtx !== undefined && agentCtx.kind !== "map") report(agentCtx.at, "`agent_ctx` is a map");
  if (payload === undefined) {
    report(node.at, "the example has no `payload`");
    return [];
  }
  return [{ at: node.at, matches, actionType, agentCtx: agentCtx ?? null, payload }];
}
