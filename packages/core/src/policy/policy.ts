import type { RuleReference } from "../runtime/authorizer.ts";
import type { ActionBinding } from "./bindings.ts";
import type { Decision } from "./decision.ts";
import type { PolicyProblem } from "./problems.ts";
import type { RuleIndex } from "./rule-index.ts";
import type { Rule } from "./rule.ts";

/** The name of the policy that comes with Canopy. */
export const defaultPolicyName = "canopy:default";

/** The text of a policy, and its name as the host names it: messages and rule references say it. */
export interface PolicySource {
  readonly name: string;
  readonly text: string;
}

/** A policy in force: immutable, and safe to share. `loadPolicy` makes it. */
export interface Policy {
  /** What the root policy calls itself, or null. */
  readonly name: string | null;
  /** SHA-256 in hex over what the policy means: layout, comments and order do not change it, any change of meaning does. */
  readonly digest: string;
  /** The answer where no rule's conditions are true. */
  readonly default: Decision;
  /** What loads, but hardly says what was meant. */
  readonly warnings: readonly PolicyProblem[];
  /** The text of every file, by name: what a log keeps so that a decision can be replayed. */
  readonly sources: ReadonlyMap<string, string>;
  /** Tool name → how its arguments become actions. */
  readonly bindings: ReadonlyMap<string, readonly ActionBinding[]>;
  readonly rules: readonly Rule[];
  /** The ids of rules that the root policy lifts somewhere. */
  readonly exceptions: readonly RuleReference[];
  readonly index: RuleIndex;
}
