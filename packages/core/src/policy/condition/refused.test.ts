import { expect, test } from "vitest";

import { refusal } from "../fakes.test.kit.ts";

/** What conditions do not have, or cannot mean, and a word of the message that says so. */
const refused: Readonly<Record<string, string>> = {
  "payload.amount >": "cannot be read",
  "payload.amount >> 5": "cannot be read",
  "payload.amount = 5": "cannot be read",
  "payload.amount === 5": "cannot be read",
  "(payload.amount > 5": "expected `)`",
  "payload.amount > 5)": "cannot be read",
  'payload.name == "x': "unterminated string",
  "payload.a and payload.b": "cannot be read",
  "not payload.a": "cannot be read",
  "rm -rf": "unknown name `rm`",
  production: "unknown name `production`",
  "payloadd.amount > 5": "did you mean `payload`?",
  "agent_ctx.Env == 'x'": "did you mean `agent_ctx.env`?",
  "agent_ctx.agentId == 'x'": "did you mean `agent_ctx.agent_id`?",
  "agent_ctx.env == 5": "cannot be compared",
  "agent_ctx.env > 5": "compares two numbers or two texts",
  'agent_ctx.safe_paths contains "/tmp"': "ask a list with `in`",
  '"a" in agent_ctx.env': "ask text with `contains`",
  "'env' in agent_ctx": "has(agent_ctx.…)",
  "agent_ctx.env.name == 'x'": "has no fields",
  'agent_ctx contains "x"': "searches text",
  'payload.startsWith("x")': "searches text",
  "payload == agent_ctx": "cannot be compared",
  "size(payload) > 5": "has no size",
  '"text"': "neither true nor false",
  "5": "neither true nor false",
  "foo(payload.a)": "unknown function `foo`",
  "shel(payload.a).complete": "did you mean `shell`?",
  "payload.a.starts_with('x')": "did you mean `startsWith`?",
  "shell.complete": "is a function",
  "shell().complete": "takes 1 argument",
  "shell('a', 'b').complete": "takes 1 argument",
  "shell(5).complete": "takes text",
  "shell('x').compleet": "did you mean `complete`?",
  "shell('x').removes.size() > 0": "`shell` has no member `removes`; its members are complete, depth, programs, commands",
  "shell('x').complete()": "is no method",
  "shell('x')": "no condition",
  "shell('x').commands.exists(c, c.runs)": "is a method",
  "shell('x').commands.exists(c, c.runs(5))": "takes text or a list",
  "shell('x').commands.exists(c, c == 'ls')": "cannot be compared",
  "shell('x') == shell('y')": "cannot be compared",
  "has(shell('x').complete)": "asks for a field of",
  "has(payload)": "takes one field",
  "has()": "takes one field",
  "payload.a.matches(payload.b)": "in quotes",
  'payload.a.matches("(?=x)")': "look ahead or behind",
  'payload.a.matches("(?<!x)y")': "look ahead or behind",
  'payload.a.matches("(a)\\\\1")': "refer back",
  'payload.a.matches("a++")': "possessive",
  'payload.a.matches("(")': "cannot be read: missing closing )",
  'payload.a.matches("")': "empty regex",
  "payload.tags.exists(t)": "takes a name and a condition",
  "payload.tags.exists(1, true)": "cannot be read",
  "payload.tags.exists(t, 5)": "neither true nor false",
  "payload.tags.exists(payload, true)": "is taken",
  "payload.tags.exists(t, payload.tags.exists(t, true))": "is taken",
  '[1, "a"].exists(x, true)': "values of one type",
  '{"a": 1} == payload.a': "maps written in a condition",
  'b"abc" == payload.a': "bytes are not supported",
  "payload.?a": "cannot be read",
  'timestamp("2026-01-01T00:00:00Z") < payload.a': "unknown function `timestamp`",
  'duration("1h") < payload.a': "unknown function `duration`",
  "int(payload.a) > 5": "unknown function `int`",
  "type(payload.a) == 5": "unknown function `type`",
  "dyn(payload.a)": "unknown function `dyn`",
  "cel.bind(x, payload.a, x > 5)": "unknown name `cel`",
  "Point{x: 1} == payload.a": "cannot be read",
  "99999999999999999999 > payload.a": "64 bits",
  "1 + 1.5 > payload.a": "cannot be used between",
  "-'a' == payload.a": "takes a number",
  "'a' - 'b' == payload.a": "cannot be used between",
  "true < 5": "compares two numbers",
  "payload contains 5": "takes text",
  "payload contains": "cannot be read",
  "contains payload": "cannot be read",
  'payload contains "a" contains "b"': "searches text",
  'payload.a.startsWith("")': "always true",
  'payload contains ""': "always true",
  "": "is empty",
};

test.for(Object.entries(refused))("does not load `%s`", async ([condition, word]) => {
  expect(await refusal(condition)).toContain(word);
});

test("refuses a condition that is too long or too deep, and says so", async () => {
  expect(await refusal(`payload.a == "${"x".repeat(9000)}"`)).toContain("at most 8192 characters");
  expect(await refusal(`${"(".repeat(300)}true${")".repeat(300)}`)).not.toBe("");
  expect(await refusal(`${"!".repeat(5000)}true`)).toContain("too deeply");
  expect(await refusal(`payload.a == ${"1 + ".repeat(500)}1`)).toContain("too deeply");
});

test("a long chain of alternatives is not deep", async () => {
  const chain = Array.from({ length: 300 }, (_, index) => `payload.a == ${index}`).join(" || ");
  await expect(refusal(chain)).rejects.toThrow("the policy loads");
});
