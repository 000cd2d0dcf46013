import { CanopyError } from "./errors.ts";

/** A value that JSON can carry (RFC 8259), with finite numbers and well-formed strings only. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A JSON object. Members that are `undefined` count as absent. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** The most that one request may carry; beyond it the request is refused, never cut. */
export interface JsonLimits {
  /** Levels of arrays and objects. */
  readonly depth: number;
  /** Values of any kind, keys not counted. */
  readonly values: number;
  /** UTF-16 code units of all strings and keys together. */
  readonly characters: number;
}

export const defaultJsonLimits: JsonLimits = { depth: 64, values: 100_000, characters: 8 * 1024 * 1024 };

/**
 * A deeply frozen copy of `value` that shares nothing with it: what was judged can then be neither changed nor read differently later.
 * Every property is read once, and only data that JSON carries passes; an accessor, a symbol key, a class instance, a hole, a cycle,
 * `NaN`, a BigInt, a function, `undefined` inside an array, a lone surrogate, or more than `limits` allow throws `NOT_JSON` and names the place.
 */
export function cloneJson(value: unknown, limits: JsonLimits = defaultJsonLimits): JsonValue {
  const budget = { values: limits.values, characters: limits.characters };

  // Places are made where one is told, or gone into: most values are neither.
  function text(string: string, parent: Place, key: Key): string {
    budget.characters -= string.length;
    if (budget.characters < 0) throw refusal(placeOf(parent, key), `more than ${limits.characters} characters in all`);
    if (!string.isWellFormed()) throw refusal(placeOf(parent, key), "a lone surrogate");
    return string;
  }

  function clone(from: unknown, depth: number, parent: Place, key: Key): JsonValue {
    if ((budget.values -= 1) < 0) throw refusal(placeOf(parent, key), `more than ${limits.values} values in all`);
    switch (typeof from) {
      case "string":
        return text(from, parent, key);
      case "boolean":
        return from;
      case "number":
        if (!Number.isFinite(from)) throw refusal(placeOf(parent, key), `the number ${from}`);
        return from === 0 ? 0 : from;
      case "object": {
        if (from === null) return null;
        const place = placeOf(parent, key);
        if (depth >= limits.depth) throw refusal(place, `more than ${limits.depth} levels, or a cycle`);
        return Array.isArray(from) ? array(from, depth + 1, place) : object(from, depth + 1, place);
      }
      default:
        throw refusal(placeOf(parent, key), from === undefined ? "undefined" : `a ${typeof from}`);
    }
  }

  function array(from: readonly unknown[], depth: number, place: Place): JsonValue {
    const { length } = from;
    if (length > budget.values) throw refusal(place, `more than ${limits.values} values in all`);
    const copy: JsonValue[] = [];
    for (let index = 0; index < length; index += 1) {
      copy.push(clone(dataProperty(from, index, place), depth, place, index));
    }
    return own(copy, depth);
  }

  function object(from: object, depth: number, place: Place): JsonValue {
    const prototype: unknown = Object.getPrototypeOf(from);
    if (prototype !== null && !isObjectPrototype(prototype)) throw refusal(place, "an instance of a class");
    const copy: Record<string, JsonValue> = {};
    for (const key of Reflect.ownKeys(from)) {
      if (typeof key === "symbol") throw refusal(place, "a symbol as key");
      text(key, place, key);
      const found = dataProperty(from, key, place);
      if (found === undefined) continue;
      const item = clone(found, depth, place, key);
      // An assignment is faster by far; `__proto__`, which is a key like any other here, would be lost by it.
      if (key === "__proto__") Object.defineProperty(copy, key, { value: item, enumerable: true });
      else copy[key] = item;
    }
    return own(copy, depth);
  }

  try {
    return clone(value, 0, undefined, undefined);
  } catch (error) {
    if (error instanceof CanopyError) throw error;
    throw new CanopyError("NOT_JSON", "the value cannot be read: reading it threw an error", { cause: error });
  }
}

/** Whether `cloneJson` made this very object or array: it is JSON, frozen, and nobody else's, and need not be copied again. */
export function isJsonCopy(value: JsonValue): boolean {
  return typeof value === "object" && value !== null && Mark.has(value);
}

/**
 * Vouches that the object is JSON that nobody else can change, so that it is judged as it is. For what `cloneJson` made and was then wrapped; whoever
 * calls it for anything else gives up what copying guarantees.
 */
export function markJsonCopy<T extends object>(value: T): T {
  Mark.onto(value);
  return value;
}

/** Freezes a finished copy; the outermost one is marked, while it can still be changed. */
function own<T extends object>(copy: T, depth: number): T {
  if (depth === 1) Mark.onto(copy);
  return Object.freeze(copy);
}

/** What a constructor returns becomes `this` of the class that extends it, so that the class's private fields go onto any object. */
const Onto = function (value: object): object {
  return value;
} as unknown as new (value: object) => object;

/** Marks objects as ours: a private field that no code outside of this file can see, forge or copy. A WeakSet says the same, far slower. */
class Mark extends Onto {
  readonly #ours: boolean = true;

  static onto(value: object): boolean {
    return new this(value).#ours;
  }

  static has(value: object): boolean {
    return #ours in value;
  }
}

/** Whether `value` is an object and not an array, which JSON keeps apart and `typeof` does not. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The member `key` of `object`, or undefined where the object itself has none: what it inherits is not data. */
export function member(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

type Place = { readonly parent: Place; readonly key: string | number } | undefined;

type Key = string | number | undefined;

/** The place `key` in `parent`; without a key, the outermost value. */
function placeOf(parent: Place, key: Key): Place {
  return key === undefined ? undefined : { parent, key };
}

function dataProperty(from: object, key: string | number, parent: Place): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(from, key);
  if (descriptor === undefined) throw refusal(placeOf(parent, key), "a hole");
  if (!("value" in descriptor)) throw refusal(placeOf(parent, key), "an accessor");
  return descriptor.value;
}

/** `Object.prototype` of this realm or of another (a worker's, a test runner's): the one prototype with nothing above it that has its own `hasOwnProperty`. */
function isObjectPrototype(prototype: unknown): boolean {
  if (prototype === Object.prototype) return true;
  return (
    typeof prototype === "object" &&
    prototype !== null &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, "hasOwnProperty") &&
    Object.hasOwn(prototype, "isPrototypeOf")
  );
}

function refusal(place: Place, what: string): CanopyError {
  const keys: string[] = [];
  for (let at = place; at !== undefined && keys.length < 70; at = at.parent) {
    keys.unshift(typeof at.key === "number" ? `[${at.key}]` : `.${at.key.slice(0, 40).toWellFormed()}`);
  }
  return new CanopyError(
    "NOT_JSON",
    keys.length === 0 ? `not JSON: ${what}` : `not JSON at \`${keys.join("").replace(/^\./, "")}\`: ${what}`,
  );
}
