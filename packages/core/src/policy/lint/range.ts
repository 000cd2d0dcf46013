import type { Bound, Meaning } from "./formula.ts";

/** The numbers from `low` to `high`; the ends themselves belong to it unless they are left out. */
export interface Range {
  readonly low: number;
  readonly lowOut: boolean;
  readonly high: number;
  readonly highOut: boolean;
}

/** The numbers for which a comparison holds, or does not; null where these are all but one. What counts items is never below zero. */
export function rangeOf({ operator, limit, counts }: Meaning & { readonly kind: "bound" }, negated: boolean): Range | null {
  if (operator === "==" && negated) return null;
  const range = ranges[negated ? opposite[operator] : operator](limit);
  return counts ? intersection(range, { low: 0, lowOut: false, high: Number.POSITIVE_INFINITY, highOut: true }) : range;
}

const opposite: Readonly<Record<Bound, Bound>> = { "==": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<" };

const below = { low: Number.NEGATIVE_INFINITY, lowOut: true };
const above = { high: Number.POSITIVE_INFINITY, highOut: true };

const ranges: Readonly<Record<Bound, (limit: number) => Range>> = {
  "==": (limit) => ({ low: limit, lowOut: false, high: limit, highOut: false }),
  "<": (limit) => ({ ...below, high: limit, highOut: true }),
  "<=": (limit) => ({ ...below, high: limit, highOut: false }),
  ">": (limit) => ({ low: limit, lowOut: true, ...above }),
  ">=": (limit) => ({ low: limit, lowOut: false, ...above }),
};

export function intersection(a: Range, b: Range): Range {
  const low = Math.max(a.low, b.low);
  const high = Math.min(a.high, b.high);
  return {
    low,
    lowOut: (a.low === low && a.lowOut) || (b.low === low && b.lowOut),
    high,
    highOut: (a.high === high && a.highOut) || (b.high === high && b.highOut),
  };
}

export function isEmpty({ low, lowOut, high, highOut }: Range): boolean {
  return low > high || (low === high && (lowOut || highOut));
}

/** Whether every number of `inner` is one of `outer`. */
export function within(inner: Range, outer: Range): boolean {
  if (isEmpty(inner)) return true;
  const joint = intersection(inner, outer);
  return joint.low === inner.low && joint.lowOut === inner.lowOut && joint.high === inner.high && joint.highOut === inner.highOut;
}

export function excludes(range: Range, number: number): boolean {
  return isEmpty(intersection(range, { low: number, lowOut: false, high: number, highOut: false }));
}
