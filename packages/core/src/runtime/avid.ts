import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import { member } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";

/** The fields of an agent context that say who the agent is, whatever it does and wherever it runs. */
const identityFields = ["agent_id", "id", "public_key", "name", "created_at"] as const;

/** The AVID of a caller whose context could not be read. */
export const unknownAvid: string = `AVID-${"0".repeat(64)}`;

/**
 * The agent's verifiable id: `AVID-` and the SHA-256, in hex, of the canonical JSON (RFC 8785) of the identity fields that `agentCtx` has
 * (`agent_id`, `id`, `public_key`, `name`, `created_at`), or of all of it where it has none. The order of keys does not matter.
 */
export function avid(agentCtx: JsonObject): string {
  const identity: Record<string, JsonValue> = {};
  for (const field of identityFields) {
    const value = member(agentCtx, field);
    if (value !== undefined) identity[field] = value;
  }
  return `AVID-${digestJson(Object.keys(identity).length > 0 ? identity : agentCtx)}`;
}

/** SHA-256, in hex, of the canonical JSON (RFC 8785) of `value`: the same for every order of keys. */
export function digestJson(value: JsonValue): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("no JSON value");
  return hash("sha256", text);
}
