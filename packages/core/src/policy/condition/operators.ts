import { Unknown, invalid, open } from "../../facts/unknown.ts";
import type { Arithmetic } from "./expression.ts";
import { calculate, isNumber, negated } from "./numbers.ts";
import { searchedCharacters } from "./payload-texts.ts";
import { isObject, kindOf, listOf, worse } from "./values.ts";
import type { Run } from "./values.ts";

/** `run`, with whatever is neither true nor false made invalid. `text` is the words of the condition. */
export function asTruth(run: Run, text: string): Run {
  return (scope) => {
    const value = run(scope);
    if (typeof value === "boolean" || value instanceof Unknown) return value;
    return invalid(`${text} is ${kindOf(value)}, not true or false`);
  };
}

/** Kleene's `and` (`decisive` false) and `or` (`decisive` true): the decisive value wins over whatever is unknown. */
export function junction(items: readonly Run[], decisive: boolean): Run {
  return (scope) => {
    let unknown: Unknown | undefined;
    for (const item of items) {
      const value = item(scope);
      if (value === decisive) return decisive;
      if (value instanceof Unknown) unknown = worse(unknown, value);
    }
    return unknown ?? !decisive;
  };
}

export function not(of: Run): Run {
  return (scope) => {
    const value = of(scope);
    return value instanceof Unknown ? value : value === false;
  };
}

/** Where the test is unknown both ways are looked at: they may agree, and one that is invalid must show. */
export function choose(test: Run, whenTrue: Run, otherwise: Run): Run {
  return (scope) => {
    const answer = test(scope);
    if (!(answer instanceof Unknown)) return answer === true ? whenTrue(scope) : otherwise(scope);
    const [a, b] = [whenTrue(scope), otherwise(scope)];
    if (typeof a === "boolean" && a === b) return a;
    const unknown = a instanceof Unknown ? worse(answer, a) : answer;
    return b instanceof Unknown ? worse(unknown, b) : unknown;
  };
}

export function negate(of: Run, text: string): Run {
  return (scope) => {
    const value = of(scope);
    if (value instanceof Unknown) return value;
    return isNumber(value) ? negated(value) : invalid(`${text} is ${kindOf(value)}, not a number`);
  };
}

/** Numbers, and with `+` also texts and lists; between anything else it is invalid. */
export function arithmetic(operator: Arithmetic, left: Run, right: Run, text: string): Run {
  return (scope) => {
    const [a, b] = [left(scope), right(scope)];
    if (a instanceof Unknown) return b instanceof Unknown ? worse(a, b) : a;
    if (b instanceof Unknown) return b;
    if (isNumber(a) && isNumber(b)) return calculate(operator, a, b);
    if (operator === "+" && typeof a === "string" && typeof b === "string") {
      return a.length + b.length <= searchedCharacters ? a + b : invalid(`${text} is longer than ${searchedCharacters} characters`);
    }
    if (operator === "+" && Array.isArray(a) && Array.isArray(b)) {
      return a.length + b.length <= searchedCharacters ? [...a, ...b] : invalid(`${text} has more than ${searchedCharacters} items`);
    }
    return invalid(`${text}: \`${operator}\` between ${kindOf(a)} and ${kindOf(b)}`);
  };
}

/**
 * Items of a list, keys of an object, code points of a text. Of a value whose type only the request shows it counts items and nothing else:
 * otherwise a caller could send a short text for a long list.
 */
export function size(of: Run, type: string | undefined, text: string): Run {
  return (scope) => {
    const value = of(scope);
    if (value instanceof Unknown) return value;
    if (type === "string" && typeof value === "string") return codePoints(value);
    if (type === "map" && isObject(value)) return Object.keys(value).length;
    if (type === "string" || type === "map") return invalid(`${text} is ${kindOf(value)}`);
    if (typeof value === "string") return invalid(`${text} is a string, not a list; the length of text is \`size(… + "")\``);
    const list = listOf(value, text);
    if (list instanceof Unknown) return list;
    return list.open === null ? list.items.length : open(list.open);
  };
}

function codePoints(text: string): number {
  let pairs = 0;
  for (let at = 1; at < text.length; at += 1) {
    const [high, low] = [text.charCodeAt(at - 1), text.charCodeAt(at)];
    if (high >= 0xd800 && high <= 0xdbff && low >= 0xdc00 && low <= 0xdfff) pairs += 1;
  }
  return text.length - pairs;
}
