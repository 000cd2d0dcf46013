import type { JsonObject, JsonValue } from "../../json.ts";
import { lintPolicy } from "../lint-policy.ts";
import type { LintId } from "./catalogue.ts";
import type { LintFinding } from "./lint.ts";

/** A mistake, the policy that it stands in, and a policy that says it better. */
export type Mistake = readonly [id: LintId, what: string, wrong: JsonObject, right: JsonObject];

export type Rule = JsonObject;

/** A rule that minds its manners: with a name, a reason and an example. */
export function rule(
  decision: string,
  type: string,
  conditions: JsonObject,
  match: JsonValue,
  agent: JsonObject = {},
  more: JsonObject = {},
): Rule {
  return {
    id: `${decision.toLowerCase()}-${type.replace("*", "any")}`,
    action_type: type,
    decision,
    ...conditions,
    reason: "So that it is said",
    examples: { match: [{ payload: match, agent_ctx: agent, ...(type === "*" ? { action_type: "own" } : {}) }] },
    ...more,
  };
}

/** Without examples: for a rule that no request makes true. */
export function dead(decision: string, type: string, conditions: JsonObject, more: JsonObject = {}): Rule {
  const { examples: _none, ...rest } = rule(decision, type, conditions, {}, {}, more);
  return rest;
}

export function policy(...rules: readonly Rule[]): JsonObject {
  return { version: 1, rules };
}

export async function lint(source: JsonObject | string): Promise<readonly LintFinding[]> {
  const text = typeof source === "string" ? source : JSON.stringify(source, null, 1);
  return (await lintPolicy({ name: "p.yaml", text })).findings;
}

export const rmTree: string = "shell(payload.command).deletes.exists(d, d.recursive)";
export const https: string = 'url(payload.url).scheme == "https"';
export const ownHost: string = 'url(payload.url).host_in(["api.example.com"])';
export const call: JsonObject = { url: "https://api.example.com/" };
export const excepted = (conditions: readonly string[], id: string = "api-unlisted"): JsonObject => ({
  version: 1,
  extends: "canopy:default",
  except: { [id]: conditions },
});
