import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judge } from "./judge.test.support.ts";

describe("verdicts", () => {
  const wrappers = [
    "sudo",
    "env",
    "nice",
    "nohup",
    "timeout 5",
    "command",
    "exec",
    "stdbuf -o0",
    "setsid",
    "xargs",
    "time",
    "busybox",
    "! ",
    "true &&",
    "false ||",
    "ls;",
    "ls |",
    "ls\n",
    "if true; then :; fi;",
    "x=1",
    "</dev/null",
  ];

  it("of a destructive command stay what they are under any wrappers", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...wrappers), { maxLength: 4 }), (around) => {
        // A keyword is one only where a command begins.
        const ordered = around.toSorted((left, right) => Number(/[;&|\n]$|! $/.test(right)) - Number(/[;&|\n]$|! $/.test(left)));
        const keyword = ordered.findIndex((item) => item === "! ");
        if (keyword > 0 || ordered.filter((item) => item === "! ").length > 1) return;
        const at = ordered.findIndex((item) => /^(?:x=1|<\/dev\/null|time)$/.test(item));
        const words =
          at < 0
            ? ordered
            : [
                ...ordered.filter((item) => /[;&|\n]$|! $/.test(item)),
                ...ordered.filter((item) => !/[;&|\n]$|! $|^(?:x=1|<\/dev\/null|time)$/.test(item)),
              ];
        expect(judge([...words, "rm -rf /"].join(" "))).toBe("DENY");
      }),
      { numRuns: 1000 },
    );
  });

  it("of a destructive command stay what they are under any quoting", () => {
    const quotings: readonly ((text: string) => string)[] = [
      (text) => text,
      (text) => `'${text}'`,
      (text) => `"${text}"`,
      (text) => `\\${text}`,
      (text) => `$'${text}'`,
      (text) => `''${text}`,
      (text) => `${text}""`,
      (text) => `$'\\x${text.charCodeAt(0).toString(16)}'`,
    ];
    const spelled = (word: string): fc.Arbitrary<string> =>
      fc
        .tuple(...Array.from(word, () => fc.constantFrom(...quotings)))
        .map((choices) => choices.map((quoting, index) => quoting(word[index] ?? "")).join(""));
    fc.assert(
      fc.property(spelled("rm"), spelled("-rf"), spelled("/etc"), (program, option, target) => {
        expect(judge(`${program} ${option} ${target}`)).toBe("DENY");
      }),
      { numRuns: 1000 },
    );
  });

  it("never become ALLOW by adding something that is not understood", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("ls", "cat a", "git status", "echo x | wc -l"),
        fc.constantFrom(
          "; foo",
          " | foo",
          " && $x",
          "; eval $x",
          " > f",
          " &",
          "; $(x)",
          " \u202E",
          "; rm x",
          " <(foo)",
          "; PATH=x",
          "; 'x",
          "\nif",
        ),
        (harmless, more) => {
          expect(judge(harmless)).toBe("ALLOW");
          expect(judge(harmless + more)).not.toBe("ALLOW");
        },
      ),
    );
  });
});
