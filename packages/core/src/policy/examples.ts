import { Unknown } from "../facts/unknown.ts";
import { CanopyError } from "../errors.ts";
import { cloneJson } from "../json.ts";
import type { JsonObject } from "../json.ts";
import type { Node } from "./document.ts";
import { prepare } from "./evaluate.ts";
import { isGlob, matchesGlob } from "./glob.ts";
import type { Report } from "./problems.ts";
import { quoted } from "./problems.ts";
import type { ExampleSource } from "./read-rule.ts";
import type { Rule } from "./rule.ts";

/**
 * Runs a rule's examples. A `match` must make the conditions true: unknown would make a restrictive rule apply as well, and hide that it can never
 * do so for the reason it was written. To a `not_match` the rule must not apply: false, or for ALLOW anything but true.
 */
export function runExamples(rule: Rule, examples: readonly ExampleSource[], report: Report): void {
  for (const example of examples) {
    const scope = requestOf(rule, example, report);
    if (scope === undefined) continue;
    const value = rule.condition(scope);
    const why = value instanceof Unknown ? `unknown: ${value.why}` : value === true ? "true" : "false";
    if (example.matches && value !== true)
      report(example.at, `the example does not match rule \`${rule.reference.id}\`; its conditions are ${why}`);
    const applies = rule.reference.decision === "ALLOW" ? value === true : value !== false;
    if (!example.matches && applies) report(example.at, `rule \`${rule.reference.id}\` applies to the example; its conditions are ${why}`);
  }
}

function requestOf(rule: Rule, example: ExampleSource, report: Report): Exclude<ReturnType<typeof prepare>, string> | undefined {
  const [only] = rule.actionTypes;
  const own = rule.actionTypes.length === 1 && only !== undefined && !isGlob(only) ? only : null;
  const actionType = example.actionType ?? own;
  if (actionType === null) {
    report(example.at, "the example needs an `action_type`, because the rule is about several");
    return undefined;
  }
  if (!rule.actionTypes.some((pattern) => matchesGlob(pattern, actionType))) {
    report(example.at, `the rule is not about ${quoted(actionType)}`);
    return undefined;
  }
  try {
    const agentCtx = example.agentCtx === null ? {} : (cloneJson(plain(example.agentCtx)) as JsonObject);
    const scope = prepare({ actionType, agentCtx, payload: cloneJson(plain(example.payload)) }, undefined);
    if (typeof scope !== "string") return scope;
    report(example.at, `the example is no request: ${scope}`);
  } catch (error) {
    report(example.at, `the example is ${error instanceof CanopyError ? error.message : "no request"}`);
  }
  return undefined;
}

/** A document's value as plain data. */
export function plain(node: Node): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  const object: Record<string, unknown> = {};
  for (const { key, value } of node.entries) Object.defineProperty(object, key, { value: plain(value), enumerable: true });
  return object;
}
