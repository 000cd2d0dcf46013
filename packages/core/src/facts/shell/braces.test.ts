import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expandBraces } from "./braces.ts";

describe("expandBraces", () => {
  it.each([
    ["a", ["a"]],
    ["{a}", ["{a}"]],
    ["{a,b}", ["a", "b"]],
    ["x{a,b}y", ["xay", "xby"]],
    ["{a,b}{c,d}", ["ac", "ad", "bc", "bd"]],
    ["{a,{b,c}}", ["a", "b", "c"]],
    ["{/,}etc", ["/etc", "etc"]],
    ["{1..3}", ["1", "2", "3"]],
    ["{3..1}", ["3", "2", "1"]],
    ["{1..5..2}", ["1", "3", "5"]],
    ["{a..c}", ["a", "b", "c"]],
    ["'{a,b}'", ["'{a,b}'"]],
    ['{a,"b,c"}', ["a", '"b,c"']],
    ["\\{a,b}", ["\\{a,b}"]],
    ["$x{a,b}", ["$xa", "$xb"]],
    ["{a,b", ["{a,b"]],
  ])("makes of %s what bash makes of it", (text, words) => {
    expect(expandBraces(text)).toEqual(words);
  });

  it.each(["{1..99}", "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "{$(x),b}", "{`x`,b}", "{01..03}", "{a,b}".repeat(400)])(
    "does not guess at %s",
    (text) => {
      expect(expandBraces(text)).toBeUndefined();
    },
  );

  it("never throws and never makes more than 32 words", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("{", "}", ",", ".", "a", "1", "'", '"', "\\", "$"), maxLength: 30 }), (text) => {
        expect((expandBraces(text) ?? []).length).toBeLessThanOrEqual(32);
      }),
    );
  });
});
