import { readFileSync } from "node:fs";
import { strictest } from "../policy/decision.ts";
import type { Decision } from "../policy/decision.ts";
import type { Effects } from "./effects.ts";
import { Unknown } from "./unknown.ts";

/** A condition's value, as the engine would see it. */
export type Truth = boolean | Unknown;

export interface Rule {
  readonly id: string;
  readonly decision: Decision;
  readonly when: Truth;
}

/** What a policy of these rules answers, with REQUIRE_APPROVAL where no rule is true: unknown never loosens, and open restricts only so far. */
export function verdict(rules: readonly Rule[]): Decision {
  const asked = rules.flatMap(({ decision, when }): Decision[] => {
    if (when === true) return [decision];
    if (when === false || decision === "ALLOW") return [];
    return when.kind === "invalid" ? [decision] : ["REQUIRE_APPROVAL"];
  });
  if (!rules.some(({ when }) => when === true)) asked.push("REQUIRE_APPROVAL");
  return strictest(asked) ?? "DENY";
}

/** `||` of CEL in three values; invalid dominates open. */
export function or(...truths: readonly Truth[]): Truth {
  if (truths.includes(true)) return true;
  return (
    truths.find((truth) => truth instanceof Unknown && truth.kind === "invalid") ??
    truths.find((truth) => truth instanceof Unknown) ??
    false
  );
}

export function not(truth: Truth): Truth {
  return truth instanceof Unknown ? truth : !truth;
}

export function and(...truths: readonly Truth[]): Truth {
  return not(or(...truths.map(not)));
}

/** `list.exists(item, …)` over a closed or open list. */
export function exists<T>(list: Effects<T>, holds: (item: T) => Truth): Truth {
  const rest = list.open === null ? [] : [new Unknown("open", list.open)];
  return or(...list.items.map(holds), ...rest);
}

/** `word in list`. */
export function includes(list: Effects<string>, ...words: readonly string[]): Truth {
  return exists(list, (item) => words.includes(item));
}

export interface LabelledLine {
  readonly id: string;
  readonly acceptable: readonly Decision[];
  readonly [key: string]: unknown;
}

/** The labelled actions of one file. */
export function labelled(name: string): LabelledLine[] {
  const text = readFileSync(new URL(`../../vectors/${name}.jsonl`, import.meta.url), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LabelledLine);
}

/** The context that all labelled actions are judged in. */
export const labelledContext = {
  cwd: "/repo",
  home: "/home/agent",
  safe_paths: ["/repo/", "/tmp/"],
  safe_hosts: ["api.good.com", "*.cdn.good.com"],
} as const;
