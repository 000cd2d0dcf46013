import { CanopyError } from "./errors.ts";
import { defaultJsonLimits } from "./json.ts";
import type { JsonLimits, JsonObject, JsonValue } from "./json.ts";

/**
 * The value that `text` spells in JSON (RFC 8259), deeply frozen, under the rules of I-JSON (RFC 7493): what two readers could take for
 * different values is refused. That is a key that stands twice in one object, an integer beyond ±(2^53 − 1), a number too large for a
 * double, and a lone surrogate. Throws `NOT_JSON` with line and column, from 1.
 */
export function parseJson(text: string, limits: JsonLimits = defaultJsonLimits): JsonValue {
  if (text.length > limits.characters) throw new CanopyError("NOT_JSON", `more than ${limits.characters} characters of JSON`);
  let at = 0;
  let values = limits.values;

  function fail(what: string, where: number = at): CanopyError {
    const before = text.slice(0, where).split("\n");
    return new CanopyError("NOT_JSON", `not JSON at ${before.length}:${(before.at(-1) ?? "").length + 1}: ${what}`);
  }

  function unexpected(): CanopyError {
    return at >= text.length
      ? fail("the text ends too early")
      : fail(`unexpected \`${JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0)).slice(1, -1)}\``);
  }

  function space(): void {
    while (text[at] === " " || text[at] === "\n" || text[at] === "\r" || text[at] === "\t") at += 1;
  }

  function take(token: string): boolean {
    if (!text.startsWith(token, at)) return false;
    at += token.length;
    return true;
  }

  function value(depth: number): JsonValue {
    values -= 1;
    if (values < 0) throw fail(`more than ${limits.values} values`);
    space();
    if (text[at] === '"') return string();
    if (text[at] === "{") return object(depth);
    if (text[at] === "[") return array(depth);
    if (take("true")) return true;
    if (take("false")) return false;
    if (take("null")) return null;
    return number();
  }

  function number(): number {
    numberSyntax.lastIndex = at;
    const [spelt] = numberSyntax.exec(text) ?? [];
    if (spelt === undefined) throw unexpected();
    const read = Number(spelt);
    if (!Number.isFinite(read)) throw fail("a number that no double can hold");
    if (Number.isInteger(read) && !Number.isSafeInteger(read)) throw fail("an integer beyond 2^53 - 1, which readers round differently");
    at += spelt.length;
    return read === 0 ? 0 : read;
  }

  function string(): string {
    const start = at;
    at += 1;
    while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
    at += 1;
    let read: string;
    try {
      read = JSON.parse(text.slice(start, at)) as string;
    } catch {
      throw fail("a string that does not end, or holds what JSON does not allow", start);
    }
    if (!read.isWellFormed()) throw fail("a lone surrogate", start);
    return read;
  }

  function array(depth: number): JsonValue {
    if (depth >= limits.depth) throw fail(`more than ${limits.depth} levels`);
    const items: JsonValue[] = [];
    at += 1;
    space();
    if (take("]")) return Object.freeze(items);
    do items.push(value(depth + 1));
    while ((space(), take(",")));
    if (!take("]")) throw unexpected();
    return Object.freeze(items);
  }

  function object(depth: number): JsonObject {
    if (depth >= limits.depth) throw fail(`more than ${limits.depth} levels`);
    const members: Record<string, JsonValue> = {};
    at += 1;
    space();
    if (take("}")) return Object.freeze(members);
    do {
      space();
      if (text[at] !== '"') throw unexpected();
      const where = at;
      const key = string();
      if (Object.hasOwn(members, key))
        throw fail(`the key ${JSON.stringify(key.slice(0, 40).toWellFormed())} stands twice in one object`, where);
      space();
      if (!take(":")) throw unexpected();
      // Not an assignment: `__proto__` is a key like any other here.
      Object.defineProperty(members, key, { value: value(depth + 1), enumerable: true });
    } while ((space(), take(",")));
    if (!take("}")) throw unexpected();
    return Object.freeze(members);
  }

  const read = value(0);
  space();
  if (at < text.length) throw unexpected();
  return read;
}

const numberSyntax = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
