import type { ConditionExplanation, RuleExplanation } from "@canopy-runtime/core";
import { paint, visible } from "./terminal.ts";
import type { Style, Terminal } from "./terminal.ts";

/** What came of a rule, and below of each of its conditions, on what values; every line begins with `indent` blanks. */
export function ruleLines({ rule, outcome, conditions }: RuleExplanation, indent: number, terminal: Pick<Terminal, "interactive">): string {
  const [word, style] = outcomes[outcome];
  const heading = `${" ".repeat(indent)}${paint(terminal, style, word.padEnd(11))} ${rule.decision.padEnd(16)} ${visible(rule.id)}  ${paint(terminal, "dim", `${visible(rule.file)}:${rule.line}`)}\n`;
  return heading + conditionLines(conditions, indent + 2, terminal);
}

const outcomes: Readonly<Record<RuleExplanation["outcome"], readonly [string, Style]>> = {
  applies: ["applies", "bold"],
  may_apply: ["may apply", "yellow"],
  lifted: ["lifted", "cyan"],
  kept_out: ["kept out", "dim"],
};

function conditionLines(part: ConditionExplanation, indent: number, terminal: Pick<Terminal, "interactive">): string {
  const margin = " ".repeat(indent);
  if (part.kind !== "condition") {
    const inner = part.parts.map((each) => conditionLines(each, indent + (part.kind === "all" ? 0 : 2), terminal)).join("");
    return part.kind === "all" ? inner : `${margin}${part.kind === "any" ? "any of" : "none of"}\n${inner}`;
  }
  const why = part.why === undefined ? "" : `: ${part.why}`;
  const line = `${margin}${paint(terminal, answers[part.answer], part.answer.padEnd(7))} ${visible(part.text)}${visible(why)}\n`;
  const values = Object.entries(part.values).map(
    ([name, value]) => `${margin}        ${paint(terminal, "dim", `${visible(name)} is ${visible(value)}`)}\n`,
  );
  return line + values.join("");
}

const answers: Readonly<Record<"true" | "false" | "invalid" | "open", Style>> = {
  true: "green",
  false: "dim",
  invalid: "red",
  open: "yellow",
};
