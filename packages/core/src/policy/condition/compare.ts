import { Effects } from "../../facts/effects.ts";
import { Unknown, invalid, open } from "../../facts/unknown.ts";
import { unreachable } from "../../unreachable.ts";
import type { Types } from "./check.ts";
import type { Expression } from "./expression.ts";
import { compareNumbers, isNumber } from "./numbers.ts";
import { asValue, compareTexts, isObject, kindOf, same, worse } from "./values.ts";
import type { Run, Value } from "./values.ts";

/**
 * A comparison. Across types it is invalid, numbers apart, which compare by value whatever their types. With the word `null` on one side it asks
 * whether a value that is there is null, and has an answer for every type; a field that is missing stays unknown.
 */
export function compareWith(expression: Expression & { readonly kind: "compare" }, left: Run, right: Run, types: Types, text: string): Run {
  const { operator } = expression;
  switch (operator) {
    case "==":
    case "!=": {
      const equal = equality(expression, left, right, text);
      if (operator === "==") return equal;
      return (scope) => {
        const value = equal(scope);
        return typeof value === "boolean" ? !value : value;
      };
    }
    case "in":
      return within(expression, left, right, types, text);
    default:
      // Between two values whose types only the request shows, order is that of numbers: as text, "1500" comes before "900".
      return ordering(expression, operator, left, right, bothDyn(expression, types), text);
  }
}

function bothDyn(expression: Expression & { readonly kind: "compare" }, types: Types): boolean {
  return types.get(expression.left)?.kind === "dyn" && types.get(expression.right)?.kind === "dyn";
}

function equality(expression: Expression & { readonly kind: "compare" }, left: Run, right: Run, text: string): Run {
  const constant = expression.right.kind === "literal" ? expression.right.value : undefined;
  // The commonest condition there is.
  if (typeof constant === "string") {
    return (scope) => {
      const value = left(scope);
      return typeof value === "string" ? value === constant : same(value, constant, text);
    };
  }
  if (constant === null || (expression.left.kind === "literal" && expression.left.value === null)) {
    const other = constant === null ? left : right;
    return (scope) => {
      const value = other(scope);
      return value instanceof Unknown ? value : value === null;
    };
  }
  return (scope) => same(left(scope), right(scope), text);
}

type Ordering = "<" | "<=" | ">" | ">=";

function ordering(
  expression: Expression & { readonly kind: "compare" },
  operator: Ordering,
  left: Run,
  right: Run,
  numbersOnly: boolean,
  text: string,
): Run {
  const compare = (a: Value, b: Value): Value => {
    if (a instanceof Unknown) return b instanceof Unknown ? worse(a, b) : a;
    if (b instanceof Unknown) return b;
    if (isNumber(a) && isNumber(b)) {
      const order = compareNumbers(a, b);
      return order instanceof Unknown ? order : holds(operator, order, 0);
    }
    if (!numbersOnly && typeof a === "string" && typeof b === "string") return holds(operator, compareTexts(a, b), 0);
    if (!numbersOnly && typeof a === "boolean" && typeof b === "boolean") return holds(operator, Number(a), Number(b));
    return invalid(`${text}: ${kindOf(a)} and ${kindOf(b)} cannot be compared`);
  };
  const limit = expression.right.kind === "literal" ? expression.right.value : undefined;
  if (typeof limit !== "number" || !Number.isSafeInteger(limit)) return (scope) => compare(left(scope), right(scope));
  // A field beside a number that the policy names: numbers that were not rounded need no more than the machine's own comparison.
  return (scope) => {
    const value = left(scope);
    const plain = typeof value === "number" && value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
    return plain ? holds(operator, value, limit) : compare(value, limit);
  };
}

function holds(operator: Ordering, a: number, b: number): boolean {
  switch (operator) {
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
    default:
      return unreachable(operator);
  }
}

function within(expression: Expression & { readonly kind: "compare" }, left: Run, right: Run, types: Types, text: string): Run {
  const constants = constantTexts(expression.right);
  if (constants !== undefined) {
    return (scope) => {
      const value = left(scope);
      if (typeof value === "string") return constants.has(value);
      return value instanceof Unknown ? value : invalid(`${text}: ${kindOf(value)} is not a string`);
    };
  }
  const keys = types.get(expression.right)?.kind === "map";
  return (scope) => {
    const [value, holder] = [left(scope), right(scope)];
    if (value instanceof Unknown) return holder instanceof Unknown ? worse(value, holder) : value;
    if (holder instanceof Unknown) return holder;
    if (!keys) return inList(value, holder, text);
    if (!isObject(holder) || typeof value !== "string") return invalid(`${text}: ${kindOf(value)} is no key of ${kindOf(holder)}`);
    return Object.hasOwn(holder, value);
  };
}

function inList(value: Value, holder: Value, text: string): boolean | Unknown {
  const list = holder instanceof Effects ? holder : Array.isArray(holder) ? { items: holder, open: null } : null;
  if (list === null) return invalid(`${text}: ${kindOf(holder)} is not a list`);
  let unknown: Unknown | undefined = list.open === null ? undefined : open(list.open);
  for (const item of list.items) {
    const answer = same(value, asValue(item), text);
    if (answer === true) return true;
    if (answer !== false) unknown = worse(unknown, answer);
  }
  return unknown ?? false;
}

/** The texts of a list that a condition spells out, or undefined where it holds anything else. */
export function constantTexts(expression: Expression): ReadonlySet<string> | undefined {
  if (expression.kind !== "list" || expression.items.length === 0) return undefined;
  const texts = new Set<string>();
  for (const item of expression.items) {
    if (item.kind !== "literal" || typeof item.value !== "string") return undefined;
    texts.add(item.value);
  }
  return texts;
}
