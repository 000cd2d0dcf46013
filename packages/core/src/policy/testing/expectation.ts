import type { Decision } from "../decision.ts";
import type { Node } from "../document.ts";
import type { Position, Report } from "../problems.ts";
import { keysOf, readDecision, textOrTexts, unknownKey } from "../reading.ts";
import { expectationKeys } from "./format.ts";
import type { Draft } from "./request.ts";

export interface Expectation {
  readonly decision: Decision;
  /** Rules that must decide, with their places in the file; null where any may. None where the default must. */
  readonly rules: readonly { readonly id: string; readonly at: Position }[] | null;
  /** What the reason must contain. */
  readonly reason: readonly string[];
}

/** Part of an expectation; what a table leaves open its rows say. */
export type ExpectationDraft = { readonly [key in keyof Expectation]?: Expectation[key] };

/** One request with its expectation, before it is known whether anything is missing. */
export interface CaseDraft {
  readonly name: string;
  readonly at: Position;
  readonly request: Draft;
  readonly expected: ExpectationDraft;
}

export function readExpectation(node: Node, report: Report): ExpectationDraft {
  if (node.kind !== "map") {
    const decision = readDecision(node, report);
    // What is wrong with it was said; that it is also missing need not be.
    return { decision: decision ?? "DENY" };
  }
  for (const entry of node.entries) {
    if (!Object.hasOwn(expectationKeys, entry.key)) unknownKey(entry, "in `expect`", Object.keys(expectationKeys), report);
  }
  if (node.entries.length === 0) report(node.at, "`expect` is empty");
  const { decision, rules, reason } = keysOf(node);
  const decided = decision === undefined ? undefined : (readDecision(decision, report) ?? "DENY");
  return {
    ...(decided === undefined ? {} : { decision: decided }),
    ...(rules === undefined ? {} : { rules: readRules(rules, report) }),
    ...(reason === undefined ? {} : { reason: readReason(reason, report) }),
  };
}

export function readRules(node: Node, report: Report): readonly { readonly id: string; readonly at: Position }[] {
  if (node.kind === "list" && node.items.length === 0) return [];
  return textOrTexts(node, "`rules`", report).map(({ text, node: { at } }) => ({ id: text, at }));
}

export function readReason(node: Node, report: Report): readonly string[] {
  return textOrTexts(node, "`reason`", report).map(({ text }) => text);
}
