import fc from "fast-check";
import { expect, test } from "vitest";

import { refusal } from "../fakes.test.kit.ts";
import { canonical } from "./expression.ts";
import { markInfixContains } from "./infix.ts";
import { loadParser } from "./parse.ts";

const parse = await loadParser();

function meaning(condition: string): string {
  const parsed = parse(condition);
  return "expression" in parsed ? canonical(parsed.expression) : `refused: ${parsed.problem}`;
}

test.for([
  ['payload contains "rm"', 'payload.contains("rm")'],
  ['payload.a contains "x" && payload.b contains "y"', 'payload.a.contains("x") && payload.b.contains("y")'],
  ['!(payload contains "x")', '!payload.contains("x")'],
  ['payload contains "a" + "b"', 'payload.contains("a" + "b")'],
  ['(payload.a) contains ("x")', 'payload.a.contains("x")'],
  ['payload contains "a contains b"', 'payload.contains("a contains b")'],
  ["payload contains 'it is \"quoted\" contains'", "payload.contains('it is \"quoted\" contains')"],
  ['payload contains "a\\" contains \\"b"', 'payload.contains("a\\" contains \\"b")'],
  ['payload contains r"\\d contains"', 'payload.contains(r"\\d contains")'],
  ['payload contains """a "contains" b"""', 'payload.contains("""a "contains" b""")'],
  ['payload contains "x" == true', 'payload.contains("x") == true'],
  ['payload.list.exists(x, x contains "y")', 'payload.list.exists(x, x.contains("y"))'],
  ['payload.list[0] contains "y"', 'payload.list[0].contains("y")'],
  ['payload.contains contains "x"', 'payload["contains"].contains("x")'],
  ['has(payload.contains) && payload.contains("x")', 'has(payload.contains) && payload.contains("x")'],
  ['payload.a // contains\n contains "x" // contains', 'payload.a.contains("x")'],
  ['payload\tcontains\n"x"', 'payload.contains("x")'],
  ['"x" in payload.contains', '"x" in payload["contains"]'],
  ['payload contains "x" ? payload.a contains "y" : true', 'payload.contains("x") ? payload.a.contains("y") : true'],
  ['payload.a in ["x"] || payload contains "y"', 'payload.a in ["x"] || payload.contains("y")'],
])("%s means %s", ([infix = "", method = ""]) => {
  expect(meaning(infix)).toBe(meaning(method));
  expect(meaning(infix)).not.toContain("refused");
});

test.for(["payload contains", "contains", 'payload contains contains "x"', 'x in contains "y"', 'contains contains contains "x"'])(
  "%s does not load",
  async (condition) => {
    expect(await refusal(condition)).not.toBe("");
  },
);

test("keeps every offset, and never touches what stands in quotes", () => {
  const word = fc.constantFrom(
    "contains",
    '"contains"',
    "'a contains b'",
    "payload",
    ".",
    "(",
    ")",
    " ",
    "in",
    '"\\""',
    "// contains\n",
    "r'\\'",
    "x",
    "]",
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      const condition = words.join(" ");
      const { cel, marks } = markInfixContains(condition);
      expect(cel.length).toBe(condition.length);
      for (let at = 0; at < cel.length; at += 1) {
        const inside = [...marks].some((mark) => at >= mark && at < mark + "contains".length);
        expect(inside || cel[at] === condition[at]).toBe(true);
      }
      // Whatever is written over is the word itself.
      for (const mark of marks) expect(condition.slice(mark, mark + "contains".length)).toBe("contains");
      parse(condition);
    }),
    { numRuns: 2000 },
  );
});

test("a text is the same text whether or not it is searched for with the infix form", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const literal = JSON.stringify(text.toWellFormed().replaceAll(/[\u2028\u2029\b\f]/g, " "));
      expect(meaning(`payload contains ${literal}`)).toBe(meaning(`payload.contains(${literal})`));
    }),
    { numRuns: 1000 },
  );
});
