import type { ValueType } from "../../facts/schema.ts";
import type { Expression, Span } from "./expression.ts";
import type { Type } from "./types.ts";
import { comparable, dyn, isNumeric, joined, typeName } from "./types.ts";
import type { ReportAt } from "./vocabulary.ts";

/** Reports a comparison whose sides can never be compared: it could only ever be unknown. */
export function fitComparison(expression: Expression & { readonly kind: "compare" }, left: Type, right: Type, report: ReportAt): void {
  const { operator } = expression;
  if (operator === "in") fitIn(expression, left, right, report);
  else if (operator === "==" || operator === "!=") {
    if (!comparable(left, right)) report(expression, `${typeName(left)} and ${typeName(right)} cannot be compared`);
  } else if (!(ordered(left) && ordered(right) && comparable(left, right))) {
    report(expression, `\`${operator}\` compares two numbers or two texts, not ${typeName(left)} and ${typeName(right)}`);
  }
}

function fitIn(at: Span, left: Type, right: Type, report: ReportAt): void {
  if (right.kind === "list") {
    if (!comparable(left, right.of)) report(at, `${typeName(left)} cannot be in a list of ${typeName(right.of)}`);
  } else if (right.kind === "map") {
    if (left.kind !== "string" && left.kind !== "dyn") report(at, `the keys of an object are text, not ${typeName(left)}`);
  } else if (right.kind === "string") {
    report(at, "`in` asks a list; ask text with `contains`");
  } else if (right.kind === "payload" || right.kind === "agent_ctx") {
    report(at, `ask for a field with \`has(${right.kind}.…)\``);
  } else if (right.kind !== "dyn") {
    report(at, `\`in\` asks a list, this is ${typeName(right)}`);
  }
}

/** The type of what an arithmetic operator makes of two types; `dyn` where only the request shows. */
export function arithmeticType(
  expression: Expression & { readonly kind: "arithmetic" },
  left: ValueType,
  right: ValueType,
  report: ReportAt,
): ValueType {
  const { operator } = expression;
  const adds = operator === "+";
  if (left.kind === "dyn" && right.kind === "dyn") return dyn;
  const known = left.kind === "dyn" ? right : left;
  const fits = isNumeric(known) || (adds && (known.kind === "string" || known.kind === "list"));
  const alike = left.kind === "dyn" || right.kind === "dyn" || left.kind === right.kind;
  if (!fits || !alike) {
    report(expression, `\`${operator}\` cannot be used between ${typeName(left)} and ${typeName(right)}`);
    return dyn;
  }
  // A dyn beside an int may turn out to be a fraction.
  if (isNumeric(known) && left.kind !== right.kind) return dyn;
  return known.kind === "list" ? joined(left, right) : known;
}

/** Reports what `size()` cannot count. */
export function fitSize(at: Span, type: Type, report: ReportAt): void {
  if (type.kind === "list" || type.kind === "string" || type.kind === "map" || type.kind === "dyn") return;
  report(at, `${typeName(type)} has no size`);
}

function ordered(type: Type): boolean {
  return type.kind === "dyn" || type.kind === "string" || type.kind === "bool" || isNumeric(type);
}
