import { children } from "../condition/expression.ts";
import type { Expression } from "../condition/expression.ts";
import { payloadShape } from "../condition/types.ts";
import { expressionsOf } from "../conditions.ts";
import { quoted } from "../problems.ts";
import { keyOf } from "./formula.ts";
import { bounded, neverTogether } from "./implies.ts";
import type { Find, Subject } from "./subject.ts";
import { originOf, textOf, walk, words } from "./walk.ts";

/** Finds what loosens more than it says: an ALLOW, an exception, or the exempted part of a restriction. */
export function findLooseAnswers(subject: Subject, rule: Subject | undefined, find: Find): void {
  findOneOfMany(subject, find);
  findUnanchored(subject, find);
  if (subject.kind === "exception") findWideException(subject, rule, find);
  else if (subject.decision === "ALLOW") findBroadAllow(subject, find);
}

/** `exists` speaks of one item, and an answer that rests on it lets the others through. */
function findOneOfMany(subject: Subject, find: Find): void {
  const settled = new Set<string>();
  walk(subject, ({ expression, loosens }) => {
    if (loosens && expression.kind === "macro" && expression.name === "all") settled.add(keyOf(expression.on, subject.types));
    if (loosens && expression.kind === "method" && expression.name === "size") settled.add(keyOf(expression.on, subject.types));
  });
  walk(subject, ({ expression, loosens, at, lists }) => {
    const list =
      expression.kind === "macro" && expression.name === "exists"
        ? expression.on
        : expression.kind === "compare" && expression.operator === "in" && expression.right.kind !== "list"
          ? expression.right
          : null;
    if (list === null || !loosens || lists.size > 0) return;
    const origin = originOf(list, lists);
    if ((origin !== "fact" && origin !== "payload") || settled.has(keyOf(list, subject.types))) return;
    const text = words(subject.block, list);
    find(
      "allow-exists",
      at,
      `${quoted(words(subject.block, expression))} speaks of one item, and says nothing of the others`,
      `\`${text}.all(x, …)\`, which wants it of each`,
    );
  });
}

function findUnanchored(subject: Subject, find: Find): void {
  walk(subject, ({ expression, loosens, at }) => {
    if (!loosens || expression.kind !== "method" || expression.name !== "matches") return;
    if (expression.on.kind === "variable" && expression.on.name === "payload") return;
    const pattern = textOf(expression.args[0]);
    if (pattern === undefined || isAnchored(pattern)) return;
    find(
      "unanchored-regex",
      at,
      `${quoted(words(subject.block, expression))} is true as soon as a part of the text fits`,
      `begin the pattern with \`^\` and end it with \`$\``,
    );
  });
}

function isAnchored(pattern: string): boolean {
  const body = pattern.replace(/^\(\?[a-z]+\)/, "");
  if (!/^(?:\^|\\A)/.test(body) || !/(?:(?<!\\)(?:\\\\)*\$|\\z)$/.test(body)) return false;
  // An alternative outside of brackets belongs to no anchor of the others. With `m` an anchor is one of a line.
  const outside = body.replaceAll(/\\[^]|\[\^?\]?(?:\\[^]|[^\]\\])*\]/g, "_");
  let depth = 0;
  for (const character of outside) {
    if (character === "(") depth += 1;
    if (character === ")") depth -= 1;
    if (character === "|" && depth === 0) return false;
  }
  return !/^\(\?[a-z]*m/.test(pattern);
}

function findBroadAllow(subject: Subject, find: Find): void {
  const { standard } = payloadShape(subject.actionTypes);
  if (subject.actionTypes.some((pattern) => /^\*+$/.test(pattern))) {
    find("broad-allow", subject.at, "the rule allows actions of every type, also of types that come later", "name the action types");
  } else if (standard.length > 0 && !asksAboutAction(subject)) {
    const types = standard.map((type) => `\`${type}\``).join(", ");
    find(
      "broad-allow",
      subject.at,
      `the rule allows ${types} whatever is done: its conditions ask nothing of the payload`,
      "say what may be done, by facts about the payload",
    );
  }
}

function findWideException(subject: Subject, rule: Subject | undefined, find: Find): void {
  if (!asksAboutAction(subject)) {
    find(
      "wide-exception",
      subject.at,
      `the exception lifts \`${subject.id}\` for these agents whatever they do: its conditions ask nothing of the payload`,
      "say of what may be done, by facts about the payload",
    );
  }
  if (rule !== undefined && bounded(subject.budget, 100_000, (budget) => neverTogether(subject.formula, rule.formula, budget))) {
    find(
      "useless-exception",
      subject.at,
      `where the exception holds, \`${subject.id}\` never applies, so it lifts nothing`,
      "leave it out, or look at the rule again",
    );
  }
}

function asksAboutAction({ block }: Subject): boolean {
  return expressionsOf(block).some(readsPayload);
}

function readsPayload(expression: Expression): boolean {
  return (expression.kind === "variable" && expression.name === "payload") || children(expression).some(readsPayload);
}
