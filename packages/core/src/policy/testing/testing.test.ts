import { describe, expect, it } from "vitest";

import { readPolicyTests, testPolicy } from "../test-policy.ts";
import type { PolicyError } from "../problems.ts";
import type { CoverageSubject } from "./coverage.ts";
import type { PolicyTestReport } from "./run-tests.ts";

const policy = `
version: 1
rules:
  - id: no-trees
    action_type: execute_shell
    decision: DENY
    when_all: ['agent_ctx.env == "production"', "shell(payload.command).deletes.exists(d, d.recursive)"]
    reason: Trees stay
    examples:
      match: [{ payload: { command: rm -rf x }, agent_ctx: { env: production } }]
  - id: own-or-known
    action_type: send
    decision: ALLOW
    when_any: ['payload.to == "me"', 'payload.to == "you"']
    when_not: ["payload.secret == true"]
`;

async function problemsOf(text: string): Promise<readonly string[]> {
  return await readPolicyTests({ name: "p.test.yaml", text }).then(
    () => [],
    (error: unknown) => (error as PolicyError).message.split("\n"),
  );
}

async function run(text: string, root = policy): Promise<PolicyTestReport> {
  return await testPolicy({ name: "p.yaml", text: root }, [await readPolicyTests({ name: "p.test.yaml", text })]);
}

async function runProblems(text: string, root = policy): Promise<readonly string[]> {
  return await run(text, root).then(
    () => [],
    (error: unknown) => (error as PolicyError).message.split("\n"),
  );
}

function failed({ results }: PolicyTestReport): readonly string[] {
  return results.flatMap(({ name, failures }) => failures.map(({ what, expected, got }) => `${name} | ${what} | ${expected} | ${got}`));
}

function about(type: string, rule: string): string {
  return `tests:\n  - { name: a, request: { action_type: ${type}, payload: {} }, expect: { decision: DENY, rules: ${rule} } }\n`;
}

function open(subjects: readonly CoverageSubject[]): readonly string[] {
  return subjects.flatMap(({ id, points }) =>
    points.filter(({ covered }) => !covered).map(({ kind, text }) => [id, kind, text].filter((each) => each !== null).join(" ")),
  );
}

function table(rows: string): string {
  return `
tests:
  - name: a
    request: { action_type: execute_shell, payload: { command: rm -rf /tmp/x } }
    columns: [agent_ctx.env, expect]
    rows: [${rows}]
  - { name: b, request: { action_type: x, payload: {} }, expect: DENY }
`;
}

function asked(command: string, env: string): string {
  return `
tests:
  - { name: a, request: { action_type: execute_shell, agent_ctx: { env: ${env} }, payload: { command: ${command} } }, expect: { decision: REQUIRE_APPROVAL, rules: [] } }
`;
}

describe("a file of policy tests", () => {
  it("runs the examples of the policy's own rules and each test, and says of what passed nothing", async () => {
    const report = await run(`
tests:
  - name: trees stay in production
    request: { action_type: execute_shell, agent_ctx: { env: production }, payload: { command: rm -rf x } }
    expect: { decision: DENY, rules: no-trees, reason: Trees }
`);
    expect(report.results.map(({ kind, name, failures }) => [kind, name, failures.length])).toEqual([
      ["example", "no-trees: match 1", 0],
      ["test", "trees stay in production", 0],
    ]);
  });

  it("says what was expected, what came, which rules decided and what each rule made of it", async () => {
    const report = await run(`
tests:
  - name: a
    request: { action_type: execute_shell, agent_ctx: { env: dev }, payload: { command: "rm -rf $X" } }
    expect: { decision: DENY, rules: [no-trees], reason: [Trees, stay] }
`);
    expect(failed(report)).toEqual([
      "a | decision | DENY | REQUIRE_APPROVAL",
      "a | rules | no-trees | no rule",
      expect.stringContaining("a | reason | Trees | "),
      expect.stringContaining("a | reason | stay | "),
    ]);
    const explanation = report.results.at(-1)?.explanation;
    expect(explanation).toMatchObject({ byDefault: true });
    expect(explanation?.considered).toMatchObject([{ rule: { id: "no-trees" }, outcome: "kept_out" }]);
  });

  it("wants no rule at all where the list of rules is empty", async () => {
    expect(failed(await run(asked("ls", "dev")))).toEqual([]);
    expect(failed(await run(asked("rm -rf x", "production")))).toEqual([
      "a | decision | REQUIRE_APPROVAL | DENY",
      "a | rules | no rule | no-trees",
    ]);
  });

  it("fails for an example of the policy that does not hold, and goes on", async () => {
    const report = await run(
      "tests:\n  - { name: a, request: { action_type: x, payload: {} }, expect: ALLOW }\n",
      policy.replace("rm -rf x }", "rm x }"),
    );
    expect(failed(report)).toEqual([
      "no-trees: match 1 | example | conditions that are true | conditions that are false",
      "a | decision | ALLOW | REQUIRE_APPROVAL",
    ]);
  });

  it("lays fixtures under requests, several and nested, the later and the nearer winning", async () => {
    const tests = await readPolicyTests({
      name: "p.test.yaml",
      text: `
policy: sub/../q.yaml
fixtures:
  agent: { agent_ctx: { env: dev, team: { a: 1, b: 1 } } }
  shell: { extends: agent, action_type: execute_shell, payload: { command: ls, cwd: / } }
  other: { agent_ctx: { team: { b: 2 } }, payload: { command: pwd } }
tests:
  - name: a
    request: { extends: [shell, other], agent_ctx: { env: test }, payload: { cwd: /x } }
    expect: ALLOW
`,
    });
    expect(tests.policy).toBe("q.yaml");
    expect(tests.cases[0]?.request).toEqual({
      actionType: "execute_shell",
      agentCtx: { env: "test", team: { a: 1, b: 2 } },
      payload: { command: "pwd", cwd: "/x" },
    });
  });

  it("makes a test of each row of a table, by position or by name, each with its place", async () => {
    const { cases } = await readPolicyTests({
      name: "p.test.yaml",
      text: `
tests:
  - name: sending
    request: { action_type: send, payload: { to: me, deep: { x: 1 } } }
    expect: { decision: ALLOW, rules: own-or-known }
    columns: [payload.to, payload.deep.y, expect]
    rows:
      - [you, 2, ALLOW]
      - { name: with a secret, payload.secret: true, expect: REQUIRE_APPROVAL, rules: [], reason: no rule }
`,
    });
    expect(cases).toMatchObject([
      {
        name: "sending: you, 2",
        at: { line: 8 },
        request: { payload: { to: "you", deep: { x: 1, y: 2 } } },
        expected: { decision: "ALLOW", rules: [{ id: "own-or-known" }], reason: [] },
      },
      {
        name: "sending: with a secret",
        at: { line: 9 },
        request: { payload: { to: "me", deep: { x: 1 }, secret: true } },
        expected: { decision: "REQUIRE_APPROVAL", rules: [], reason: ["no rule"] },
      },
    ]);
  });

  it("takes what the disk says from the test, and never asks a disk", async () => {
    const report = await run(
      `
tests:
  - name: disk
    request: { action_type: read_file, payload: { path: /srv/a } }
    rows:
      - { expect: ALLOW }
      - { name: resolved, expect: ALLOW }
  - name: a link that leads out
    request: { action_type: read_file, payload: { path: /srv/a }, disk: { /srv/a: { real: /etc/passwd } } }
    expect: REQUIRE_APPROVAL
  - name: another name
    request: { action_type: modify_file, payload: { path: /srv/a }, disk: { /srv/a: { real: /srv/a, links: 2 } } }
    expect: { decision: DENY, rules: linked }
  - name: own files
    request: { action_type: modify_file, payload: { path: /srv/own }, own_files: [/srv/own] }
    expect: { decision: DENY, rules: own }
`,
      `
rules:
  - { id: within, action_type: read_file, allow: true, when_all: ['path(payload.path).within("/srv")'] }
  - { id: linked, action_type: modify_file, deny: true, when_all: [path(payload.path).linked] }
  - { id: own, action_type: modify_file, deny: true, when_all: [path(payload.path).canopy] }
`,
    );
    expect(failed(report)).toEqual([]);
  });
});

describe("a file of policy tests that cannot be understood is refused, with the place and the nearest word", () => {
  it.each([
    ["", "1:1: the file is empty"],
    ["[]", "is a map with `version` and `tests`"],
    ["version: 2\ntests: []", "1:10: the version of the format is `1`"],
    ["version: 1", "the file has no `tests`"],
    ["tests: []", "`tests` is empty"],
    ["test: []\ntests: []", "1:1: unknown key `test` in a file of tests, did you mean `tests`?"],
    ["tests: [x]", "1:9: a test is a map with"],
    [
      "tests: [{ nam: a, request: { action_type: a, payload: {} }, expect: DENY }]",
      "1:11: unknown key `nam` in a test, did you mean `name`?",
    ],
    ["tests: [{ name: a, expect: DENY }]", "the test has no `request`"],
    ["tests: [{ name: a, request: { payload: {} }, expect: DENY }]", "the request has no `action_type`"],
    ["tests: [{ name: a, request: { action_type: a }, expect: DENY }]", "the request has no `payload`"],
    ["tests: [{ name: a, request: { action_type: a, payload: {} } }]", "the test has no `expect`"],
    ["tests: [{ name: a, request: { action_type: a, payload: {} }, expect: DENI }]", "unknown decision `DENI`, did you mean `DENY`?"],
    ["tests: [{ name: a, request: { action_type: a, payload: {} }, expect: { rules: x } }]", "the test expects no decision"],
    ["tests: [{ name: a, request: { action_type: a, payload: {} }, expect: { decison: DENY } }]", "did you mean `decision`?"],
    ["tests: [{ name: a, request: { action_type: a, payload: .inf }, expect: DENY }]", "not JSON: the number Infinity"],
    ["tests: [{ name: a, request: { action_type: a, payload: {}, agent_ctx: x }, expect: DENY }]", "`agent_ctx` is a map"],
    [
      "tests: [{ name: a, request: { action_type: a, payload: {}, agent_ctx: { safePaths: [] } }, expect: DENY }]",
      "`agent_ctx.safe_paths`?",
    ],
    ["tests: [{ name: a, request: { action_type: a, payload: {}, extend: x }, expect: DENY }]", "did you mean `extends`?"],
    ["tests: [{ name: a, request: { extends: x, action_type: a, payload: {} }, expect: DENY }]", "there is no fixture `x`"],
    [
      "fixtures: { one: {}, two: { extends: oen } }\ntests: [{ name: a, request: { action_type: a, payload: {} }, expect: DENY }]",
      "did you mean `one`?",
    ],
    [
      "fixtures: { a: { extends: b }, b: { extends: a } }\ntests: [{ name: a, request: { action_type: a, payload: {} }, expect: DENY }]",
      "the fixture `a` extends itself",
    ],
    ["fixtures: []\ntests: []", "`fixtures` maps names"],
    ["tests: [{ name: a, request: { action_type: a, payload: {}, disk: { /a: { rael: /b } } }, expect: DENY }]", "did you mean `real`?"],
    [
      "tests: [{ name: a, request: { action_type: a, payload: {}, disk: { /a: { real: /b, links: -1 } } }, expect: DENY }]",
      "`links` is a whole number",
    ],
    ["tests: [{ name: a, request: { action_type: a, payload: {} }, expect: DENY, columns: [expect] }]", "`columns` stands beside `rows`"],
    ["tests: [{ name: a, request: { action_type: a, payload: {} }, columns: [expct], rows: [[DENY]] }]", "unknown column `expct`"],
    ["tests: [{ name: a, request: { action_type: a, payload: {} }, columns: [expect, expect], rows: [[DENY, DENY]] }]", "stands twice"],
    [
      "tests: [{ name: a, request: { action_type: a, payload: {} }, columns: [expect], rows: [[DENY, 1]] }]",
      "the row has 2 values for 1 columns",
    ],
    ["tests: [{ name: a, request: { action_type: a, payload: {} }, rows: [[DENY]] }]", "needs `columns`"],
    ["tests: [{ name: a, request: { action_type: a, payload: {} }, rows: [{}] }]", "the row is empty"],
    ["tests: [{ name: a, request: { action_type: a, payload: {} }, rows: [] }]", "`rows` is empty"],
    [
      "tests: [{ name: a, request: { action_type: a, payload: { c: x } }, rows: [{ payload.c.d: 1, expect: DENY }] }]",
      "is a field of something that is no map",
    ],
    [
      "tests: [{ name: a, request: { action_type: a, payload: {} }, rows: [{ agent_ctx.Env: x, expect: DENY }] }]",
      "did you mean `agent_ctx.env`?",
    ],
    [
      "tests:\n- { name: a, request: { action_type: a, payload: {} }, expect: DENY }\n- { name: a, request: { action_type: a, payload: {} }, expect: DENY }",
      "3:3: duplicate test `a`, first on line 2",
    ],
    ["tests: [{ name: a, name: b }]", "duplicate key `name`"],
  ])("%s", async (text, message) => {
    expect((await problemsOf(text)).join("\n")).toContain(message);
  });

  it("fixtures that extend one another without end in sight", async () => {
    const chain = Array.from({ length: 20_000 }, (_, n) => `  f${n}: { extends: f${n + 1} }`).join("\n");
    const text = `fixtures:\n${chain}\n  f20000: { action_type: a }\ntests: [{ name: a, request: { extends: f0, payload: {} }, expect: DENY }]`;
    expect((await problemsOf(text))[0]).toContain("fixtures extend one another over more than 64 levels");
  });

  it("knows the policy's rules and action types", async () => {
    expect(await runProblems(about("execute_shell", "no-tres"))).toEqual([
      expect.stringContaining("p.test.yaml:2:103: the policy has no rule `no-tres`, did you mean `no-trees`?"),
    ]);
    expect(await runProblems(about("execute_shel", "no-trees"))).toEqual([expect.stringContaining("did you mean `execute_shell`?")]);
    expect(await runProblems(about("an_action_of_nobody", "no-trees"))).toEqual([]);
  });

  it("does not take a misspelt field for a missing one, unless the test says that it is about that", async () => {
    const text =
      "tests:\n  - { name: a, request: { action_type: execute_shell, payload: { Comand: ls } }, expect: { decision: REQUIRE_APPROVAL } }\n";
    expect(await runProblems(text)).toEqual([expect.stringContaining("`Comand` is no field of `execute_shell`")]);
    expect(await runProblems(text.replace("REQUIRE_APPROVAL", 'DENY, reason: "`payload.command` is missing"'))).toEqual([]);
  });

  it("keeps `__proto__` an ordinary key, in fixtures and in columns", async () => {
    const { cases } = await readPolicyTests({
      name: "p.test.yaml",
      text: "tests:\n  - { name: a, request: { action_type: a, payload: { __proto__: { polluted: 1 } } }, rows: [{ payload.__proto__.x: 2, expect: DENY }] }\n",
    });
    expect(JSON.stringify(cases[0]?.request.payload)).toBe('{"__proto__":{"polluted":1,"x":2}}');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe("coverage", () => {
  it("says of each rule whether it came out true and false, and which alternatives were never true", async () => {
    const { coverage } = await run(`
tests:
  - { name: a, request: { action_type: send, payload: { to: me, secret: false } }, expect: ALLOW }
`);
    expect(open(coverage.subjects)).toEqual([
      "no-trees false",
      "own-or-known false",
      'own-or-known alternative payload.to == "you"',
      "own-or-known alternative payload.secret == true",
    ]);
    expect([coverage.covered, coverage.total]).toEqual([3, 7]);
  });

  it("takes an example as proof for its own rule alone, and unknown neither for true nor for false", async () => {
    const root = `
rules:
  - { id: a, action_type: x, deny: true, when_all: ["payload.n > 1"], examples: { match: [{ payload: { n: 2 } }] } }
  - { id: b, action_type: x, deny: true, when_all: ["payload.n > 0"] }
`;
    const { coverage } = await run("tests:\n  - { name: a, request: { action_type: x, payload: {} }, expect: DENY }\n", root);
    expect(open(coverage.subjects)).toEqual(["a false", "b true", "b false"]);
  });

  it("wants an exception to lift its rule once, and to leave it in force once", async () => {
    const root = `
extends: canopy:default
except:
  shell-delete-tree: ['agent_ctx.env == "dev"']
rules:
  - { id: any, action_type: x, deny: true }
`;
    expect(open((await run(table("[dev, REQUIRE_APPROVAL]"), root)).coverage.subjects)).toEqual(["shell-delete-tree leaves"]);
    expect(open((await run(table("[production, DENY]"), root)).coverage.subjects)).toEqual(["shell-delete-tree lifts"]);
    const both = (await run(table("[dev, REQUIRE_APPROVAL], [production, DENY]"), root)).coverage;
    expect(open(both.subjects)).toEqual([]);
    // A rule without conditions is never false, and is not asked to be.
    expect(both.total).toBe(3);
  });
});

it("the examples of the bundled policy hold, and cover all of it that needs no disk", async () => {
  const report = await testPolicy("canopy:default", []);
  expect(report.policy).toBe("canopy:default");
  expect(failed(report)).toEqual([]);
  expect(report.results.length).toBeGreaterThan(100);
  // Only a disk knows of other names, and examples have none.
  expect(open(report.coverage.subjects)).toEqual(["file-change-runs-later alternative path(payload.path).linked"]);
});
