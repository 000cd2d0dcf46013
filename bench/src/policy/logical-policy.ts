/** One ALLOW and one DENY rule about an action; `limit` and `role` differ from action to action. */
export interface ActionRules {
  readonly action: string;
  readonly role: string;
  readonly limit: number;
}

export interface Request {
  readonly action: string;
  readonly role: string;
  readonly env: string;
  readonly amount: number;
  readonly path: string;
}

export type Answer = "ALLOW" | "DENY";

/** `count` rules: two for each of `count / 2` actions. */
export function logicalPolicy(count: number): readonly ActionRules[] {
  return Array.from({ length: count / 2 }, (_, index) => ({
    action: `action_${index}`,
    role: `role_${index % 7}`,
    limit: 100 + (index % 50) * 10,
  }));
}

/**
 * What every engine must answer. ALLOW: the action's role, any of three environments, no more than the limit, below /workspace/.
 * DENY, which wins: more than half the limit in production, or a path that holds `secret`. Otherwise DENY.
 */
export function truth(rules: readonly ActionRules[], request: Request): Answer {
  const rule = rules.find(({ action }) => action === request.action);
  if (rule === undefined) return "DENY";
  const denied = (request.env === "production" && request.amount > rule.limit / 2) || request.path.includes("secret");
  const allowed =
    request.role === rule.role &&
    environments.includes(request.env) &&
    request.amount <= rule.limit &&
    request.path.startsWith("/workspace/");
  return allowed && !denied ? "ALLOW" : "DENY";
}

export const environments: readonly string[] = ["dev", "staging", "production"];

/** The same requests in every run: half of them would be allowed. */
export function requests(rules: readonly ActionRules[], count: number): readonly Request[] {
  return Array.from({ length: count }, (_, index) => {
    const rule = rules[(index * 7919) % rules.length];
    if (rule === undefined) throw new Error("a policy without rules");
    const kind = index % 8;
    return {
      action: kind === 7 ? "unheard_of" : rule.action,
      role: kind === 4 ? "nobody" : rule.role,
      env: environments[index % 3] ?? "dev",
      amount: kind === 5 ? rule.limit + 1 : Math.floor(rule.limit / 2) - (index % 10),
      path: kind === 6 ? "/workspace/secret.txt" : `/workspace/file-${index % 100}.txt`,
    };
  });
}
