import type { JsonObject } from "@canopy-runtime/core";

/** What a caller may do. `authorize` is an agent's, and stands alone: whoever asks for permission neither gives it nor reads what others asked for. */
export const scopes = ["authorize", "approve", "audit", "admin"] as const;

export type Scope = (typeof scopes)[number];

/** Who is asking, as far as this gateway's own configuration knows. */
export interface Principal {
  /** `key:ID`, `jwt:SUBJECT` or `loopback`; recorded as `via`. */
  readonly id: string;
  /** What the operator calls it: the name under which it decides approvals. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
  /** The agent context of every request that it makes. */
  readonly agentCtx: JsonObject;
  /** Fields of a request's agent context that are taken over where `agentCtx` has none of that name. */
  readonly passes: ReadonlySet<string>;
}

/** What the operator says of one caller, however it proves who it is. */
export interface Grant {
  /** `agent` speaks for itself alone; `host` is a program that is trusted to say which of its agents asks. */
  readonly kind: "agent" | "host";
  readonly scopes: readonly Scope[];
  readonly agent_ctx: JsonObject;
  readonly allow: readonly string[];
}

/** Why the grant would give a caller more than it may have, as a clause; undefined where it does not. */
export function grantProblem({ kind, scopes: granted, agent_ctx: agentCtx, allow }: Grant): string | undefined {
  if (granted.length === 0) return "it has no scope";
  if (granted.includes("authorize") && granted.length > 1) {
    return "`authorize` stands alone: whoever asks for permission neither approves, nor reads the audit log, nor changes policy";
  }
  if (kind === "agent") {
    const kept = allow.find(isKeptFromAgents);
    if (kept !== undefined) return `an agent cannot be allowed to say its own \`${kept}\`: put it into the agent context`;
  }
  const both = allow.find((field) => Object.hasOwn(agentCtx, field));
  if (both !== undefined) return `\`${both}\` is in the agent context, and would never pass`;
  return undefined;
}

/**
 * Who the agent is and what it may do because of that. Spelt in any case and with any separators: a policy could read any of them, and nobody means
 * to let an agent say them.
 */
export function isKeptFromAgents(field: string): boolean {
  const plain = field
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "");
  return keptFromAgents.has(plain) || plain.startsWith("safe") || plain === "";
}

const keptFromAgents: ReadonlySet<string> = new Set([
  "agentid",
  "id",
  "publickey",
  "name",
  "createdat",
  "env",
  "environment",
  "role",
  "roles",
  "cwd",
  "home",
]);
