import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultJsonLimits } from "./json.ts";
import { parseJson } from "./json-text.ts";

describe("parseJson", () => {
  it("reads what JSON.parse reads, in any layout", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 1, "\t"), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const doubtful = /\\ud[89a-f]/i.test(text) || /\d{16}|e\+?\d/i.test(text);
        fc.pre(!doubtful);
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 2000 },
    );
  });

  it("refuses whatever JSON.parse refuses", () => {
    const unit = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      '"',
      ",",
      ":",
      "0",
      "1",
      ".",
      "e",
      "E",
      "+",
      "-",
      "t",
      "true",
      "n",
      "null",
      " ",
      "\\",
      "\\u00e9",
      "\n",
    );
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        fc.pre(throws(() => JSON.parse(text)));
        expect(() => parseJson(text)).toThrow(/not JSON at/);
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['{"command": "ls", "command": "rm -rf /"}', '1:19: the key "command" stands twice'],
    ['{"a": 1, "\\u0061": 2}', "stands twice"],
    ["[9007199254740993]", "1:2: an integer beyond 2^53 - 1"],
    ["1e400", "a number that no double can hold"],
    ['"\\ud800"', "a lone surrogate"],
    ['{"a": 1,\n "b": tru}', "2:7: unexpected `t`"],
    ['{"a": 1', "1:8: the text ends too early"],
    ["", "1:1: the text ends too early"],
    ["1 2", "1:3: unexpected `2`"],
    ["\ufeff{}", "1:1: unexpected"],
    ['"a\nb"', "a string that does not end"],
    ["[1,]", "unexpected `]`"],
    ["01", "unexpected `1`"],
  ])("refuses %j, saying where and why", (text, message) => {
    expect(() => parseJson(text)).toThrow(message);
  });

  it("keeps `__proto__` a plain key", () => {
    const read = parseJson('{"__proto__": {"env": "dev"}}');
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    expect(Object.keys(read as object)).toEqual(["__proto__"]);
  });

  it("refuses depth, count and length past the limits without overflowing the stack", () => {
    expect(() => parseJson("[".repeat(100_000))).toThrow("more than 64 levels");
    expect(() => parseJson(`[${"1,".repeat(200_000)}1]`)).toThrow("more than 100000 values");
    expect(() => parseJson('"aaaa"', { ...defaultJsonLimits, characters: 5 })).toThrow("more than 5 characters");
  });

  it("takes time in proportion to a long string, also one that never ends", () => {
    expect(parseJson(JSON.stringify("x".repeat(4_000_000)))).toHaveLength(4_000_000);
    expect(parseJson(JSON.stringify("\n".repeat(4_000_000)))).toHaveLength(4_000_000);
    expect(() => parseJson(`"${"x".repeat(4_000_000)}`)).toThrow("a string that does not end");
  });
});

function throws(work: () => unknown): boolean {
  try {
    work();
    return false;
  } catch {
    return true;
  }
}
