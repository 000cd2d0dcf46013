import { expect, test } from "vitest";

import { policyOf } from "./fakes.test.kit.ts";
import { loadPolicy } from "./load.ts";

const base = `
version: 1
name: a
default: DENY
rules:
  - id: r
    action_type: [a, b]
    decision: DENY
    when_all: ['payload.a == 1', 'payload.b contains "x"']
    reason: why
    severity: high
actions:
  bash: { action_type: execute_shell, payload: { command: args.cmd }, ignore: [args.a, args.b] }
`;

const digest = async (text: string): Promise<string> => (await policyOf(text)).digest;

test("is SHA-256 in hex", async () => {
  expect(await digest(base)).toMatch(/^[0-9a-f]{64}$/);
});

test.for([
  ["a comment", base.replace("version: 1", "# hello\nversion: 1")],
  ["the name", base.replace("name: a", "name: b")],
  ["the version left out", base.replace("version: 1", "")],
  ["the order of action types", base.replace("[a, b]", "[b, a]")],
  ["quotes and blanks in a condition", base.replace(`'payload.a == 1'`, `"payload . a==1"`)],
  ["contains as a method", base.replace(`payload.b contains "x"`, `payload.b.contains("x")`)],
  ["the order of conditions", base.replace(`'payload.a == 1', 'payload.b contains "x"'`, `'payload.b contains "x"', 'payload.a == 1'`)],
  ["the sugar of a decision", base.replace("decision: DENY", "deny: true")],
  ["the order of what is ignored", base.replace("[args.a, args.b]", "[args.b, args.a]")],
  [
    "examples",
    base.replace("severity: high", "severity: high\n    examples: { not_match: [{ action_type: a, payload: { a: 2, b: x } }] }"),
  ],
])("does not change with %s", async ([, text]) => {
  expect(await digest(text ?? "")).toBe(await digest(base));
});

test.for([
  ["the default", base.replace("default: DENY", "default: ALLOW")],
  ["the default left out", base.replace("default: DENY", "")],
  ["a decision", base.replace("decision: DENY", "decision: ALLOW")],
  ["a condition", base.replace("payload.a == 1", "payload.a == 2")],
  ["the type of a number", base.replace("payload.a == 1", "payload.a == 1.0")],
  ["all instead of any", base.replace("when_all", "when_any")],
  ["an action type", base.replace("[a, b]", "[a]")],
  ["an id", base.replace("id: r", "id: s")],
  ["a reason", base.replace("reason: why", "reason: because")],
  ["a severity", base.replace("severity: high", "severity: low")],
  ["a binding", base.replace("args.cmd", "args.command")],
  ["what a binding ignores", base.replace(", args.b]", "]")],
])("changes with %s", async ([, text]) => {
  expect(await digest(text ?? "")).not.toBe(await digest(base));
});

const digestOf = async (condition: string): Promise<string> =>
  await digest(JSON.stringify({ rules: [{ action_type: "x", deny: true, when_all: [condition] }] }));

test("a name made to look like two conditions is one name", async () => {
  expect(await digestOf('has(payload["a) (has payload b"])')).not.toBe(await digestOf("has(payload.a) && has(payload.b)"));
  expect(await digestOf('payload.list.exists(x, has(x["a b"]))')).not.toBe(await digestOf('payload.list.exists(x, has(x["a  b"]))'));
});

test("changes with an exception", async () => {
  const read = async (name: string): Promise<{ name: string; text: string }> => await Promise.resolve({ name, text: base });
  const load = async (more: string): Promise<string> =>
    (await loadPolicy({ name: "root", text: `extends: base\n${more}` }, { read })).digest;
  const digests = [
    await load(""),
    await load("except: { r: ['payload.c == 1'] }"),
    await load("except: { r: ['payload.c == 2'] }"),
    await load("default: REQUIRE_APPROVAL"),
  ];
  expect(new Set(digests).size).toBe(digests.length);
  expect(digests[0]).toBe(await digest(base));
});
