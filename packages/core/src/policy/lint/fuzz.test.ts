import fc from "fast-check";
import { expect, it } from "vitest";

import { lintPolicy } from "../lint-policy.ts";
import { loadPolicy } from "../load.ts";
import { lintChecks } from "./catalogue.ts";

const texts = fc.constantFrom(
  '"a"',
  '"Production"',
  '"rm -rf"',
  '"/etc"',
  '"*.example.com"',
  '""',
  '"\\u202e"',
  '"^a$"',
  '"SELECT"',
  "'it''s'",
  'r"\\d"',
);
const numbers = fc.constantFrom("0", "1", "-1", "1.5", "2u", "9007199254740993", "1e300");
const paths = fc.constantFrom(
  "agent_ctx.env",
  "agent_ctx.safe_paths",
  "agent_ctx.safe_hosts",
  "payload",
  "payload.x",
  'payload["x"]',
  "payload.x[0]",
  "payload.command",
  "payload.url",
  "payload.path",
  "payload.query",
  "action_type",
  "shell(payload.command).deletes",
  "shell(payload.command).programs",
  "url(payload.url).host",
  "path(payload.path).absolute",
  "sql(payload.query).verbs",
  "size(payload.x)",
  "payload.x.size()",
);

/** Conditions of every construct, most of which load about an action type of one's own and some about the standard ones. */
const condition = fc.letrec<{ any: string; value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    paths,
    texts,
    numbers,
    fc.constantFrom("true", "false", "null", "[]", '["a", "b"]', "[1, 2]", "v"),
    fc.tuple(tie("value"), tie("value")).map(([a, b]) => `(${a} + ${b})`),
  ),
  any: fc.oneof(
    { maxDepth: 4 },
    fc
      .tuple(tie("value"), fc.constantFrom("==", "!=", "<", "<=", ">", ">=", "in", "contains"), tie("value"))
      .map(([a, o, b]) => `${a} ${o} ${b}`),
    fc
      .tuple(paths, fc.constantFrom("contains", "startsWith", "endsWith", "matches", "within", "host_in"), fc.oneof(texts, paths))
      .map(([on, name, a]) => `${on}.${name}(${a})`),
    fc
      .tuple(texts, fc.constantFrom("within", "host_in", "strictly_within"))
      .map(([a, name]) => `${name === "host_in" ? "url(payload.url)" : "path(payload.path)"}.${name}([${a}])`),
    fc.tuple(paths, fc.constantFrom("exists", "all", "exists_one"), tie("any")).map(([on, name, body]) => `${on}.${name}(v, ${body})`),
    fc.tuple(tie("any"), tie("any"), tie("any")).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    fc.tuple(tie("any"), fc.constantFrom("&&", "||"), tie("any")).map(([a, o, b]) => `(${a}) ${o} (${b})`),
    tie("any").map((a) => `!(${a})`),
    paths.map((path) => `has(${path})`),
    fc.constantFrom("true", "false", "payload.x", "payload.x == payload.x"),
  ),
})).any;

const types = ["own", "own", "execute_shell", "call_external_api", "read_file", "execute_query"] as const;

/** Of so many conditions made at random, those that load, each with its action type. */
async function loading(count: number): Promise<readonly (readonly [type: string, condition: string])[]> {
  const tried = fc.sample(fc.tuple(fc.constantFrom(...types), condition), count);
  const loads = await Promise.all(
    tried.map(
      async ([type, text]) =>
        await loadPolicy({
          name: "p",
          text: JSON.stringify({ version: 1, rules: [{ action_type: type, deny: true, when_all: [text] }] }),
        }).then(
          () => true,
          () => false,
        ),
    ),
  );
  return tried.filter((_each, index) => loads[index]);
}

it("of whatever loads lint says something sensible, or nothing, and never fails", { timeout: 300_000 }, async () => {
  const pool = await loading(1500);
  expect(pool.length).toBeGreaterThan(100);
  const part = fc.constantFrom(...pool);
  const rule = fc
    .tuple(part, part, part, fc.constantFrom("ALLOW", "REQUIRE_APPROVAL", "DENY"))
    .map(([[type, a], [, b], [, c], decision]) => {
      // Of another type they need not load.
      const fits = (text: string): boolean => pool.some(([of, other]) => of === type && other === text);
      return {
        action_type: type,
        decision,
        when_all: [a],
        ...(fits(b) ? { when_any: [b, { when_not: [a] }] } : {}),
        ...(fits(c) ? { when_not: [c] } : {}),
      };
    });
  await fc.assert(
    fc.asyncProperty(fc.array(rule, { minLength: 1, maxLength: 4 }), async (rules) => {
      const text = JSON.stringify({ version: 1, rules: rules.map((each, index) => ({ id: `r${index}`, ...each })) }, null, 1);
      const lines = text.split("\n");
      const { findings } = await lintPolicy({ name: "p", text });
      for (const { id, level, line, column, message, better } of findings) {
        expect(lintChecks[id].level).toBe(level);
        expect([line, column, (lines[line - 1]?.length ?? 0) + 1 >= column]).toEqual([line, column, true]);
        expect(`${message} ${better ?? ""}`).not.toMatch(/undefined|\[object|``|\u202E/);
      }
    }),
    { numRuns: 300 },
  );
});
