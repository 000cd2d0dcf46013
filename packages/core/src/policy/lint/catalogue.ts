/** An `error` is a hole or a rule that is dead; a `warning` most likely not what was meant; a `note` good manners. */
export type LintLevel = "error" | "warning" | "note";

interface LintCheck {
  readonly level: LintLevel;
  /** What is found, in a few words. */
  readonly summary: string;
}

/** The ids of what lint finds. They are stable: comments in policies name them. */
export type LintId =
  | "never-true"
  | "always-true"
  | "self-comparison"
  | "duplicate-condition"
  | "shadowed-rule"
  | "repeated-rule"
  | "broad-allow"
  | "default-allow"
  | "allow-text"
  | "allow-exists"
  | "unanchored-regex"
  | "wide-exception"
  | "useless-exception"
  | "text-command"
  | "text-path"
  | "text-url"
  | "text-query"
  | "safe-list-in"
  | "regex-as-text"
  | "unescaped-dot"
  | "wrong-case"
  | "bad-argument"
  | "vacuous-all"
  | "open-size"
  | "action-type-slip"
  | "unused-binding"
  | "missing-reason"
  | "missing-examples"
  | "missing-id"
  | "bad-disable"
  | "unused-disable";

/** Everything that lint finds, by its id. */
export const lintChecks: Readonly<Record<LintId, LintCheck>> = {
  "never-true": { level: "error", summary: "conditions that can never be true" },
  "always-true": { level: "warning", summary: "conditions that can never be false" },
  "self-comparison": { level: "warning", summary: "a value compared with itself" },
  "duplicate-condition": { level: "warning", summary: "the same condition twice in one block" },
  "shadowed-rule": { level: "warning", summary: "a rule that never changes a decision, because another one always says as much" },
  "repeated-rule": { level: "warning", summary: "a rule without an id that stands twice" },
  "broad-allow": { level: "error", summary: "an ALLOW that asks nothing of what is done, or is about every action type" },
  "default-allow": { level: "error", summary: "a policy that allows what no rule is about" },
  "allow-text": { level: "error", summary: "an ALLOW or an exception that rests on text found somewhere in what is asked" },
  "allow-exists": { level: "warning", summary: "an ALLOW or an exception that rests on one item of a list, whatever the others are" },
  "unanchored-regex": { level: "warning", summary: "an ALLOW or an exception that rests on a regex that need not match the whole text" },
  "wide-exception": { level: "warning", summary: "an exception that asks nothing of what is done" },
  "useless-exception": { level: "warning", summary: "an exception that can never lift its rule" },
  "text-command": { level: "warning", summary: "a command searched as text" },
  "text-path": { level: "warning", summary: "a path searched as text" },
  "text-url": { level: "warning", summary: "an address searched as text" },
  "text-query": { level: "warning", summary: "SQL searched as text" },
  "safe-list-in": { level: "warning", summary: "`safe_paths` or `safe_hosts` read with `in`" },
  "regex-as-text": { level: "warning", summary: "a regex that is searched for as it stands" },
  "unescaped-dot": { level: "warning", summary: "a host in a regex whose dots match any character" },
  "wrong-case": { level: "warning", summary: "a text in another case than the value is written in" },
  "bad-argument": { level: "error", summary: "a host or a directory that is none" },
  "vacuous-all": { level: "warning", summary: "a restriction that also holds where there is nothing" },
  "open-size": { level: "warning", summary: "a DENY that counts what may not be known in full" },
  "action-type-slip": { level: "warning", summary: "an action type that looks like a standard one and is none" },
  "unused-binding": { level: "warning", summary: "a tool bound to an action that no rule is about" },
  "missing-reason": { level: "note", summary: "a rule that does not say why" },
  "missing-examples": { level: "note", summary: "a rule that no example proves" },
  "missing-id": { level: "note", summary: "a rule without a name of its own" },
  "bad-disable": { level: "error", summary: "a comment for lint that lint does not understand, or that gives no reason" },
  "unused-disable": { level: "warning", summary: "a comment that disables what is not found" },
};

export function isLintId(text: string): text is LintId {
  return Object.hasOwn(lintChecks, text);
}
