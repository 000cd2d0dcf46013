import type { Expression } from "../condition/expression.ts";
import { quoted } from "../problems.ts";
import { expressionFormula, isSize, keyOf, mayBeOpen } from "./formula.ts";
import type { Find, Subject } from "./subject.ts";
import { walk, words } from "./walk.ts";

/** Finds restrictions that count or quantify in a way that says less, or more, than it seems to. */
export function findMiscounts(subject: Subject, find: Find): void {
  if (subject.loosens) return;
  const shown = new Set<string>();
  walk(subject, ({ expression, loosens }) => {
    if (loosens) return;
    if (expression.kind === "macro" && expression.name === "exists") shown.add(keyOf(expression.on, subject.types));
    if (expression.kind === "method" && expression.name === "size") shown.add(keyOf(expression.on, subject.types));
    if (expression.kind === "call" && expression.name === "size" && expression.args[0] !== undefined)
      shown.add(keyOf(expression.args[0], subject.types));
  });
  walk(subject, ({ expression, loosens, at }) => {
    if (loosens) return;
    if (expression.kind === "macro" && expression.name === "all" && !shown.has(keyOf(expression.on, subject.types))) {
      const list = words(subject.block, expression.on);
      find(
        "vacuous-all",
        at,
        `${quoted(words(subject.block, expression))} also holds where there is nothing, so the rule applies there too`,
        `\`${list}.exists(…)\`, or ask for \`${list}.exists(x, true)\` as well`,
      );
    }
    if (subject.decision === "DENY" && expression.kind === "compare") {
      const list = countedFact(expression, subject);
      if (list === null) return;
      find(
        "open-size",
        at,
        `how many there are may not be known, and then ${quoted(words(subject.block, expression))} asks a person instead of denying`,
        `\`${words(subject.block, list)}.exists(x, true)\`, for which one that is found is enough`,
      );
    }
  });
}

/** The list of a fact that the comparison asks to have any item at all; null where it asks anything else. */
function countedFact(expression: Expression & { readonly kind: "compare" }, { types }: Subject): Expression | null {
  const formula = expressionFormula(expression, types);
  if (formula.kind !== "literal" || formula.atom.meaning.kind !== "bound") return null;
  const { operator, limit, counts } = formula.atom.meaning;
  const any = formula.negated ? operator === "==" && limit === 0 : (operator === ">" && limit === 0) || (operator === ">=" && limit === 1);
  const size = [expression.left, expression.right].find(isSize);
  if (!any || !counts || size === undefined || !mayBeOpen(size)) return null;
  return size.kind === "method" ? size.on : size.kind === "call" ? (size.args[0] ?? null) : null;
}
