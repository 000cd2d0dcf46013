import type { Unknown } from "../../facts/unknown.ts";
import { invalid } from "../../facts/unknown.ts";
import type { Arithmetic } from "./expression.ts";

/** A CEL `uint`: only literals are, JSON knows none. */
export class Uint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
    Object.freeze(this);
  }
}

/** A CEL `double` that is known to be one: a literal with a point or an exponent, or what arithmetic made of one. */
export class Double {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
    Object.freeze(this);
  }
}

/**
 * A number of a condition. JSON has one number type: a plain `number` (from the request, or an int literal) that is whole is a CEL `int`, any
 * other is a `double`; beside a double it is read as a double. A `bigint` is an `int` too large for a `number`.
 */
export type CelNumber = number | bigint | Uint | Double;

export type Scalar = null | boolean | string | CelNumber;

export function isNumber(value: unknown): value is CelNumber {
  return typeof value === "number" || typeof value === "bigint" || value instanceof Double || value instanceof Uint;
}

/** Less than zero, zero or more as `a` is below, equal to or above `b` by numeric value, whatever their types. */
export function compareNumbers(a: CelNumber, b: CelNumber): number | Unknown {
  const left = magnitude(a);
  const right = magnitude(b);
  if ((rounded(a) && !exact(right)) || (rounded(b) && !exact(left))) return tooLarge;
  if (Number.isNaN(left) || Number.isNaN(right)) return invalid("a number is not a number (NaN)");
  return left < right ? -1 : left > right ? 1 : 0;
}

/** CEL arithmetic: 64-bit integers that truncate towards zero, IEEE 754 doubles. What overflows, and what is not finite, is invalid. */
export function calculate(operator: Arithmetic, a: CelNumber, b: CelNumber): CelNumber | Unknown {
  if (a instanceof Uint || b instanceof Uint) {
    if (!(a instanceof Uint && b instanceof Uint)) return invalid(`\`${operator}\` between a uint and another type of number`);
    return integer(operator, a.value, b.value, (value) => (value < 0n || value > maxUint ? undefined : new Uint(value)));
  }
  if (isDouble(a) || isDouble(b)) {
    if (typeof a === "bigint" || typeof b === "bigint") return invalid(`\`${operator}\` between an int and a double`);
    return double(operator, a instanceof Double ? a.value : a, b instanceof Double ? b.value : b);
  }
  const [left, right] = [whole(a), whole(b)];
  if (left === undefined || right === undefined) return tooLarge;
  return integer(operator, left, right, int);
}

export function negated(value: CelNumber): CelNumber | Unknown {
  if (value instanceof Uint) return invalid("a uint cannot be negated");
  if (value instanceof Double) return new Double(-value.value);
  if (typeof value === "number" && !Number.isInteger(value)) return new Double(-value);
  const from = whole(value);
  return from === undefined ? tooLarge : (int(-from) ?? overflow);
}

/** The whole number as a CEL `int`, or undefined when it needs more than 64 bits. */
export function int(value: bigint): number | bigint | undefined {
  if (value < minInt || value > maxInt) return undefined;
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

const minInt = -(2n ** 63n);
const maxInt = 2n ** 63n - 1n;
const maxUint = 2n ** 64n - 1n;
const overflow: Unknown = invalid("the arithmetic overflows");
const tooLarge: Unknown = invalid("a number is beyond 2^53, where JSON readers round");

function magnitude(value: CelNumber): number | bigint {
  return value instanceof Double || value instanceof Uint ? value.value : value;
}

/** Whether a reader of JSON may have rounded this number to get here. */
function rounded(value: CelNumber): boolean {
  return typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
}

/** Rounding keeps the order with every number below 2^53, so a rounded one can still be compared with these. */
function exact(value: number | bigint): boolean {
  return Math.abs(Number(value)) <= Number.MAX_SAFE_INTEGER;
}

function isDouble(value: CelNumber): value is Double | number {
  return value instanceof Double || (typeof value === "number" && !Number.isInteger(value));
}

function whole(value: number | bigint | Double): bigint | undefined {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

function integer<T>(operator: Arithmetic, a: bigint, b: bigint, fit: (value: bigint) => T | undefined): T | Unknown {
  if ((operator === "/" || operator === "%") && b === 0n) return invalid("a division by zero");
  switch (operator) {
    case "+":
      return fit(a + b) ?? overflow;
    case "-":
      return fit(a - b) ?? overflow;
    case "*":
      return fit(a * b) ?? overflow;
    case "/":
      return fit(a / b) ?? overflow;
    case "%":
      return fit(a % b) ?? overflow;
    default:
      return overflow;
  }
}

function double(operator: Arithmetic, a: number, b: number): Double | Unknown {
  if (operator === "%") return invalid("`%` of doubles");
  const value = operator === "+" ? a + b : operator === "-" ? a - b : operator === "*" ? a * b : a / b;
  return Number.isFinite(value) ? new Double(value) : overflow;
}
