/** What an agent may do: proceed, not without a person, or not at all. */
export type Decision = "ALLOW" | "REQUIRE_APPROVAL" | "DENY";

/** The decisions from the loosest to the strictest. */
export const decisions: readonly Decision[] = ["ALLOW", "REQUIRE_APPROVAL", "DENY"];

/** The strictest of `asked`, or undefined when nobody asked for anything. */
export function strictest(asked: Iterable<Decision>): Decision | undefined {
  let rank = -1;
  for (const decision of asked) rank = Math.max(rank, decisions.indexOf(decision));
  return decisions[rank];
}

/** Whether a value from outside is one of the three. */
export function isDecision(value: unknown): value is Decision {
  return decisions.includes(value as Decision);
}
