import { expect, test } from "vitest";

import type { Node } from "./document.ts";
import { fileLength, loadYaml } from "./document.ts";
import { plain } from "./examples.ts";
import { formatProblem } from "./problems.ts";

const parse = await loadYaml();

function read(text: string): { readonly node: Node | null; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const node = parse(text, (at, message) => problems.push(formatProblem({ file: "f", ...at, message })));
  return { node, problems };
}

test("reads YAML 1.2: no word but true and false is a boolean", () => {
  const { node, problems } = read("a: yes\nb: on\nc: true\nd: 010\ne: 1_000\nf: 2026-01-01\ng: ~\nh: 'true'");
  expect(problems).toEqual([]);
  expect(node === null ? null : plain(node)).toEqual({
    a: "yes",
    b: "on",
    c: true,
    d: 10,
    e: "1_000",
    f: "2026-01-01",
    g: null,
    h: "true",
  });
});

test.for([
  ["", "f:1:1: the file is empty"],
  ["# only a comment\n", "f:1:1: the file is empty"],
  ["---\n", "f:1:1: the file is empty"],
  ["a: 1\n---\nb: 2", "f:2:1: a policy file holds one document"],
  ["a: !!str 1", "tags such as"],
  ["a: !foo 1", "tags are not supported"],
  ["a: !!map {}", "tags such as"],
  ["!!str a: 1", "tags are not supported"],
  ["x: &x {b: 1}\ny: {<<: *x}", "f:2:5: merge keys (`<<`) are not supported"],
  ["a: 1\nb: 2\na: 3", "f:3:1: duplicate key `a`, first on line 1"],
  ["a: 1\n'a': 3", "f:2:1: duplicate key `a`, first on line 1"],
  ["a: {b: 1, b: 2}", "f:1:11: duplicate key `b`, first on line 1"],
  ["? [a]\n: 1", "a key is plain text"],
  ["%YAML 1.1\n---\na: yes", "YAML 1.1 is not supported"],
  ["a: [1, 2", "the YAML cannot be read"],
  ["a: 'x", "the YAML cannot be read"],
  ["a:\n\t- b", "f:2:1: the YAML cannot be read: tabs are not allowed as indentation; indent with spaces"],
  ["reason: Not in production: never", "put a text that holds `: ` in quotes"],
  ["a: b\n  c: d", "mend the indentation"],
  ["r:\n  - a: b\n   c: d", "f:3:1: the YAML cannot be read: sequence item without - indicator; mend the indentation"],
  ['when_all:\n  - "production" == agent_ctx.env', "put all of a text that begins with a quote in other quotes"],
  ["a: `x`", "put the text in quotes"],
  ["a: *nowhere", "the alias `*nowhere` names nothing"],
  ["a: &a [*a]", "levels"],
])("refuses %j", ([text, message]) => {
  expect(read(text ?? "").problems.join("\n")).toContain(message);
});

test("refuses what expands beyond its limits, in time", () => {
  const lol = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let level = 1; level < 9; level += 1)
    lol.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(", ")}]`);
  const { problems } = read(lol.join("\n"));
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain("100000 values");
});

test("refuses what is nested or large beyond its limits", () => {
  expect(read(`a: ${"[".repeat(100)}${"]".repeat(100)}`).problems.join()).toContain("64 levels");
  expect(read(`a: ${"[".repeat(50_000)}`).problems.length).toBeGreaterThan(0);
  expect(read(`a: ${"x".repeat(fileLength)}`).problems.join()).toContain(`at most ${fileLength} characters`);
});

test("an alias stands for what it names", () => {
  const { node } = read("a: &x [1, 2]\nb: *x");
  expect(node === null ? null : plain(node)).toEqual({ a: [1, 2], b: [1, 2] });
});

test("knows where a character of a text stands, whatever the quotes", () => {
  const text = "a: plain bad\nb: 'it''s bad'\nc: \"say \\\"x\\\" bad\"\nd: |\n  one\n  two bad\ne: >-\n  folded\n  bad";
  const { node } = read(text);
  if (node?.kind !== "map") throw new Error("not a map");
  const places = node.entries.map(({ value }) => {
    if (value.kind !== "scalar" || typeof value.value !== "string") throw new Error("not a text");
    const { line, column } = value.locate(value.value.indexOf("bad"));
    return text.split("\n")[line - 1]?.slice(column - 1, column + 2);
  });
  expect(places).toEqual(["bad", "bad", "bad", "bad", "bad"]);
});

test("a key called __proto__ is a key", () => {
  const { node } = read("__proto__: 1");
  expect(node?.kind === "map" ? node.entries.map(({ key }) => key) : []).toEqual(["__proto__"]);
});
