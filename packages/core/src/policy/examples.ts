import { Unknown } from "../facts/unknown.ts";
import { CanopyError } from "../errors.ts";
import { cloneJson } from "../json.ts";
import type { JsonObject } from "../json.ts";
import type { Scope } from "./condition/values.ts";
import type { Node } from "./document.ts";
import { prepare } from "./evaluate.ts";
import { isGlob, matchesGlob } from "./glob.ts";
import { quoted } from "./problems.ts";
import type { ExampleSource } from "./read-rule.ts";
import type { Rule } from "./rule.ts";

/** One example of a rule, and what came of it. */
export interface ExampleResult {
  readonly rule: Rule;
  readonly example: ExampleSource;
  /** The example as a request; null where it is none. */
  readonly scope: Scope | null;
  /** What the rule's conditions are, in words. */
  readonly value: string;
  /** What is wrong, as a clause; null where the example is right. */
  readonly failure: string | null;
}

/**
 * Runs a rule's examples. A `match` must make the conditions true: unknown would make a restrictive rule apply as well, and hide that it can never
 * do so for the reason it was written. To a `not_match` the rule must not apply: false, or for ALLOW anything but true.
 */
export function runExamples(rule: Rule, examples: readonly ExampleSource[]): readonly ExampleResult[] {
  return examples.map((example) => {
    const scope = requestOf(rule, example);
    if (typeof scope === "string") return { rule, example, scope: null, value: "not known", failure: scope };
    const value = rule.condition(scope);
    const why = value instanceof Unknown ? `unknown: ${value.why}` : value === true ? "true" : "false";
    const applies = rule.reference.decision === "ALLOW" ? value === true : value !== false;
    const failure = example.matches
      ? value === true
        ? null
        : `the example does not match rule \`${rule.reference.id}\`; its conditions are ${why}`
      : applies
        ? `rule \`${rule.reference.id}\` applies to the example; its conditions are ${why}`
        : null;
    return { rule, example, scope, value: why, failure };
  });
}

function requestOf(rule: Rule, example: ExampleSource): Scope | string {
  const [only] = rule.actionTypes;
  const own = rule.actionTypes.length === 1 && only !== undefined && !isGlob(only) ? only : null;
  const actionType = example.actionType ?? own;
  if (actionType === null) return "the example needs an `action_type`, because the rule is about several";
  if (!rule.actionTypes.some((pattern) => matchesGlob(pattern, actionType))) return `the rule is not about ${quoted(actionType)}`;
  try {
    const agentCtx = example.agentCtx === null ? {} : (cloneJson(plain(example.agentCtx)) as JsonObject);
    const scope = prepare({ actionType, agentCtx, payload: cloneJson(plain(example.payload)) }, undefined);
    return typeof scope === "string" ? `the example is no request: ${scope}` : scope;
  } catch (error) {
    return `the example is ${error instanceof CanopyError ? error.message : "no request"}`;
  }
}

/** A document's value as plain data. */
export function plain(node: Node): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  const object: Record<string, unknown> = {};
  for (const { key, value } of node.entries) Object.defineProperty(object, key, { value: plain(value), enumerable: true });
  return object;
}
