import { createHash } from "node:crypto";

import canonicalize from "canonicalize";

import { member } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { engineVersion } from "../version.ts";

/** What a person is asked about: all that decides what would run. */
export interface ApprovableAction {
  readonly tool: { readonly name: string; readonly args: JsonValue; readonly toctou: "unprotected" | null } | null;
  readonly actions: readonly {
    readonly actionType: string;
    readonly payload: JsonValue;
    readonly open: readonly string[];
    /** Where the disk says that a path leads, for those that lead elsewhere than they say, are one of several names of a file, or of which it would not tell. */
    readonly leadsTo: Readonly<Record<string, string>>;
  }[];
  readonly agentCtx: JsonObject;
  readonly policyDigest: string | null;
}

/**
 * The action as canonical JSON (RFC 8785): the bytes that are stored, shown and hashed. Fields of the agent context in `volatile` are left out: the
 * host says that they change from one attempt to the next and mean nothing.
 */
export function actionText({ tool, actions, agentCtx, policyDigest }: ApprovableAction, volatile: ReadonlySet<string>): string {
  const text = canonicalize({
    v: 1,
    tool: tool === null ? null : { name: tool.name, args: tool.args, ...(tool.toctou === null ? {} : { toctou: tool.toctou }) },
    actions: actions.map(({ actionType, payload, open, leadsTo }) => ({
      action_type: actionType,
      payload,
      ...(open.length === 0 ? {} : { open }),
      ...(Object.keys(leadsTo).length === 0 ? {} : { leads_to: leadsTo }),
    })),
    agent_ctx: without(agentCtx, volatile),
    policy_digest: policyDigest,
    engine: engineVersion,
  });
  if (text === undefined) throw new TypeError("no JSON value");
  return text;
}

/** Names the exact action: SHA-256, in hex, over `canopy/approval/v1`, a line feed, and the action's text. */
export function actionDigest(text: string): string {
  return createHash("sha256").update("canopy/approval/v1\n").update(text, "utf8").digest("hex");
}

function without(object: JsonObject, names: ReadonlySet<string>): JsonObject {
  if (names.size === 0) return object;
  const rest: Record<string, JsonValue> = {};
  for (const key of Object.keys(object)) {
    // Not an assignment: `__proto__` is a key like any other here.
    if (!names.has(key)) Object.defineProperty(rest, key, { value: member(object, key) ?? null, enumerable: true });
  }
  return rest;
}
