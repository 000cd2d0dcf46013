import type { RuleReference } from "../runtime/authorizer.ts";
import type { Run } from "./condition/values.ts";
import type { Severity } from "./format.ts";

/** A rule that is ready to be evaluated. */
export interface Rule {
  readonly reference: RuleReference;
  /** The rule's id and place in the words of a reason. */
  readonly label: string;
  /** What a reason says of the rule when its conditions are true; null where that quotes the request. */
  readonly sentence: string | null;
  /** The action types it is about: names and globs. */
  readonly actionTypes: readonly string[];
  readonly severity: Severity | null;
  /** What it says of itself; empty where it says nothing. */
  readonly reason: Template;
  /** True, false or an Unknown. */
  readonly condition: Run;
  /** The same conditions one by one, to be explained. */
  readonly parts: Part;
  /** What must hold for the conditions to be anything but false, where that can be looked up. */
  readonly guards: readonly Guard[];
  /** Where the root policy lifts the rule. */
  readonly exceptions: readonly Run[];
  /** The rule's meaning as one text. */
  readonly canonical: string;
}

/** Conditions in the shape that the policy gives them. */
export type Part =
  | { readonly kind: "all" | "any" | "not"; readonly parts: readonly Part[] }
  | { readonly kind: "condition"; readonly text: string; readonly run: Run; readonly reads: () => readonly Reading[] };

/** A value that a condition reads, by its words in the policy. */
export interface Reading {
  readonly text: string;
  readonly run: Run;
}

/** The condition can only be anything but false while `read` is one of `values`, or is no text. */
export interface Guard {
  readonly path: string;
  readonly read: Run;
  readonly values: ReadonlySet<string>;
}

/** A reason with the places where values are quoted. */
export type Template = readonly (string | Reading)[];
