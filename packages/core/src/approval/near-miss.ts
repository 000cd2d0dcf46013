import canonicalize from "canonicalize";

import { isJsonObject, member } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import type { StoredApproval } from "./store.ts";

/**
 * Why an approval that somebody gave does not cover this action, where the two differ in one thing only: what an agent, or its host, did differently
 * from what was approved. Null where there is none so near.
 */
export function nearMiss(text: string, avid: string, approved: readonly StoredApproval[]): string | null {
  const asked = parse(text);
  for (const row of approved) {
    const difference = differenceOf(asked, parse(row.action), avid === row.avid);
    if (difference !== null) return `the approval \`${row.id}\` does not cover it: ${difference}`;
  }
  return null;
}

function differenceOf(asked: JsonObject, given: JsonObject, isSameAgent: boolean): string | null {
  const differs = (key: string): boolean => canonicalize(member(asked, key)) !== canonicalize(member(given, key));
  const isOtherCall = differs("tool") || differs("actions");
  if (isOtherCall && shape(asked) !== shape(given)) return null;
  const differences = [
    ...(isOtherCall ? ["its arguments are not the same"] : []),
    ...(differs("agent_ctx") ? [isSameAgent ? contextDifference(asked, given) : "it was given to another agent"] : []),
    ...(differs("policy_digest") ? ["it was given under another policy"] : []),
    ...(differs("engine") ? ["it was given under another version of Canopy"] : []),
  ];
  return differences.length === 1 ? (differences[0] ?? null) : null;
}

/** What is called, whatever with. */
function shape({ tool, actions }: JsonObject): string {
  const types = Array.isArray(actions)
    ? (actions as readonly JsonValue[]).map((each) => (isJsonObject(each) ? each["action_type"] : null))
    : [];
  return JSON.stringify([isJsonObject(tool) ? tool["name"] : null, types]);
}

function contextDifference(asked: JsonObject, given: JsonObject): string {
  const [now, then] = [member(asked, "agent_ctx"), member(given, "agent_ctx")];
  if (!isJsonObject(now) || !isJsonObject(then)) return "the agent's context is not the same";
  const keys = [...new Set([...Object.keys(now), ...Object.keys(then)])].filter(
    (key) => canonicalize(member(now, key) ?? null) !== canonicalize(member(then, key) ?? null),
  );
  return `the agent's ${keys
    .slice(0, 3)
    .map((key) => `\`${key}\``)
    .join(", ")} is not the same`;
}

function parse(text: string): JsonObject {
  try {
    const value = JSON.parse(text) as JsonValue;
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
