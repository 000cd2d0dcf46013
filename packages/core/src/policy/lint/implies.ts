import type { Atom, Formula } from "./formula.ts";
import { negation } from "./formula.ts";
import { excludes, intersection, isEmpty, rangeOf, within } from "./range.ts";
import type { Range } from "./range.ts";

/** Steps that proofs may still take; where none are left, what was asked counts as not proven. */
export interface Budget {
  left: number;
}

type Literal = Formula & { readonly kind: "literal" };

/**
 * Whether it is proven, for every request, that where `a` is true `b` is true, and where `a` is not false `b` is not false. Each step below keeps
 * both halves: `and` and `or` do in Kleene's logic, and a negation turns one half into the other.
 */
export function implies(a: Formula, b: Formula, budget: Budget): boolean {
  if ((budget.left -= 1) < 0) return false;
  if (b.kind === "constant" && b.value) return true;
  if (a.kind === "constant" && !a.value) return true;
  if (a.kind === "or") return a.items.every((item) => implies(item, b, budget));
  if (b.kind === "and") return b.items.every((item) => implies(a, item, budget));
  if (b.kind === "or" && b.items.some((item) => implies(a, item, budget))) return true;
  if (a.kind === "and") {
    if (a.items.some((item) => implies(item, b, budget))) return true;
    const choice = a.items.find((item) => item.kind === "or");
    if (choice?.kind !== "or") return false;
    const rest = a.items.filter((item) => item !== choice);
    return choice.items.every((item) => implies({ kind: "and", items: [...flattened(item), ...rest] }, b, budget));
  }
  return a.kind === "literal" && b.kind === "literal" && literalImplies(a, b, budget);
}

/**
 * As `implies`, and also: where `a` is invalid, `b` is invalid or true. That does not follow: beside an invalid condition an open one does not
 * show, so a condition more can make a rule apply more strictly, and the rule with fewer conditions does not stand in for it.
 */
export function impliesStrictly(a: Formula, b: Formula, budget: Budget): boolean {
  if ((budget.left -= 1) < 0) return false;
  if (same(a, b)) return true;
  if (a.kind === "constant" && !a.value) return true;
  if (b.kind === "constant" && b.value) return true;
  // Where `b` cannot be open, not false is invalid or true.
  if (!someOpen(b)) return implies(a, b, budget);
  // `or` is as strict as the strictest of its parts.
  if (a.kind === "or") return a.items.every((item) => impliesStrictly(item, b, budget));
  return b.kind === "or" && b.items.some((item) => impliesStrictly(a, item, budget));
}

/** Whether it is proven that `formula` is true for no request. */
export function neverTrue(formula: Formula, budget: Budget): boolean {
  return !possible([formula], [], budget);
}

/** Whether it is proven that `formula` is false for no request. */
export function neverFalse(formula: Formula, budget: Budget): boolean {
  return neverTrue(negation(formula), budget);
}

/** Whether all of `waiting` and `held` may be true together, as far as can be seen. */
function possible(waiting: readonly Formula[], held: readonly Literal[], budget: Budget): boolean {
  // What is held is looked through again, and each step goes one call deeper.
  if ((budget.left -= 1 + held.length) < 0) return true;
  const [next, ...rest] = waiting;
  if (next === undefined) return true;
  switch (next.kind) {
    case "constant":
      return next.value && possible(rest, held, budget);
    case "and":
      return possible([...next.items, ...rest], held, budget);
    case "or":
      return next.items.some((item) => possible([item, ...rest], held, budget));
    default:
      return !impossible(next, budget) && !conflicts(next, held) && possible(rest, [...held, next], budget);
  }
}

function impossible({ atom: { meaning }, negated }: Literal, budget: Budget): boolean {
  if (meaning.kind === "never") return !negated;
  if (meaning.kind !== "macro") return false;
  // Of nothing there is a witness, and no counterexample against what always holds.
  return meaning.name === "exists" ? !negated && neverTrue(meaning.body, budget) : negated && neverFalse(meaning.body, budget);
}

function conflicts(literal: Literal, held: readonly Literal[]): boolean {
  const { key, meaning } = literal.atom;
  if (held.some(({ atom, negated }) => atom.key === key && negated !== literal.negated)) return true;
  const all = [...held, literal];
  if (meaning.kind === "texts") return noText(all, meaning.on);
  if (meaning.kind === "bound") return noNumber(all, meaning.on);
  return false;
}

function noText(literals: readonly Literal[], on: string): boolean {
  let left: ReadonlySet<string> | null = null;
  const without = new Set<string>();
  for (const { atom, negated } of literals) {
    const { meaning } = atom;
    if (meaning.kind !== "texts" || meaning.on !== on) continue;
    if (negated) for (const text of meaning.texts) without.add(text);
    else left = left === null ? meaning.texts : shared(left, meaning.texts);
  }
  return left !== null && isPart(left, without);
}

function noNumber(literals: readonly Literal[], on: string): boolean {
  let range: Range | null = null;
  const without: number[] = [];
  for (const { atom, negated } of literals) {
    const { meaning } = atom;
    if (meaning.kind !== "bound" || meaning.on !== on) continue;
    if (meaning.operator === "==" && negated) without.push(meaning.limit);
    const own = rangeOf(meaning, negated);
    if (own !== null) range = range === null ? own : intersection(range, own);
  }
  return range !== null && (isEmpty(range) || (range.low === range.high && without.includes(range.low)));
}

function literalImplies(a: Literal, b: Literal, budget: Budget): boolean {
  if (a.atom.key === b.atom.key) return a.negated === b.negated;
  const [from, to] = [a.atom.meaning, b.atom.meaning];
  if (from.kind === "texts" && to.kind === "texts" && from.on === to.on) {
    if (!a.negated) return b.negated ? shared(from.texts, to.texts).size === 0 : isPart(from.texts, to.texts);
    return b.negated && isPart(to.texts, from.texts);
  }
  if (from.kind === "bound" && to.kind === "bound" && from.on === to.on) {
    const [inner, outer] = [rangeOf(from, a.negated), rangeOf(to, b.negated)];
    if (inner === null) return false;
    return outer === null ? excludes(inner, to.limit) : within(inner, outer);
  }
  // With bodies that take no steps of their own both go through the list alike, also where it is too long.
  if (
    from.kind === "macro" &&
    to.kind === "macro" &&
    from.name === to.name &&
    from.on === to.on &&
    a.negated === b.negated &&
    from.cheap &&
    to.cheap
  ) {
    return a.negated ? implies(to.body, from.body, budget) : implies(from.body, to.body, budget);
  }
  return false;
}

function shared(a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...a].filter((text) => b.has(text)));
}

function isPart(part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean {
  return [...part].every((text) => whole.has(text));
}

function flattened(formula: Formula): readonly Formula[] {
  return formula.kind === "and" ? formula.items : [formula];
}

function same(a: Formula, b: Formula): boolean {
  return signature(a) === signature(b);
}

const signatures = new WeakMap<Formula, string>();

/** One text for one value: the order of what is joined, and how it is nested, do not change it. */
function signature(formula: Formula): string {
  if (formula.kind === "constant") return String(formula.value);
  if (formula.kind === "literal") return `${formula.negated ? "!" : ""}${formula.atom.key}`;
  const known = signatures.get(formula);
  if (known !== undefined) return known;
  const parts = new Set(parted(formula, formula.kind).map(signature));
  const text = `{${formula.kind} ${[...parts].toSorted().join(" ")}}`;
  signatures.set(formula, text);
  return text;
}

function parted(formula: Formula, kind: "and" | "or"): readonly Formula[] {
  return formula.kind === kind ? formula.items.flatMap((item) => parted(item, kind)) : [formula];
}

function someOpen(formula: Formula): boolean {
  if (formula.kind === "constant") return false;
  return formula.kind === "literal" ? formula.atom.mayBeOpen : formula.items.some(someOpen);
}

/** Where an exception holds, its own single conditions are true, so what they speak of has a value, and the rule's conditions about that are known too. */
export function neverTogether(certain: Formula, doubtful: Formula, budget: Budget): boolean {
  const known = flattened(certain).filter((item) => item.kind === "literal");
  const settled = (atom: Atom): boolean =>
    known.some(
      ({ atom: { key, meaning } }) =>
        key === atom.key ||
        ("on" in meaning &&
          "on" in atom.meaning &&
          meaning.kind === atom.meaning.kind &&
          meaning.kind !== "macro" &&
          meaning.on === atom.meaning.on),
    );
  const reduced = (formula: Formula): Formula => {
    if (formula.kind === "literal") return settled(formula.atom) ? formula : { kind: "constant", value: true };
    return formula.kind === "constant" ? formula : { ...formula, items: formula.items.map(reduced) };
  };
  return neverTrue({ kind: "and", items: [...known, reduced(doubtful)] }, budget);
}

/** Proves with at most `most` steps of `total`. */
export function bounded(total: Budget, most: number, prove: (budget: Budget) => boolean): boolean {
  const budget: Budget = { left: Math.min(most, total.left) };
  const before = budget.left;
  const proven = budget.left > 0 && prove(budget);
  total.left -= before - Math.max(budget.left, 0);
  return proven;
}
