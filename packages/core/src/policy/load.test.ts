import { describe, expect, test } from "vitest";

import { decide, fakes, policyOf, problemsOf } from "./fakes.test.kit.ts";
import { loadPolicy } from "./load.ts";
import { PolicyError } from "./problems.ts";

describe("the three forms", () => {
  const text = `
version: 1
rules:
  - action_type: execute_shell
    when_all:
      - 'agent_ctx.env == "production"'
      - 'payload contains "rm"'
    deny_regex: 'rm\\s+-rf'
  - action_type: call_external_api
    require_approval: true
execute_shell:
  rules:
    - decision: ALLOW
      when_all:
        - 'payload.command == "ls"'
  deny_if: ["mkfs"]
  require_approval_if: ["curl"]
execute_query:
  allow_if: ["select 1"]
"db_*":
  rules:
    - deny: true
`;

  test("mix in one file", async () => {
    const policy = await policyOf(text);
    const prod = { env: "production" };
    expect(decide(policy, "execute_shell", { command: "rm  -rf /" }, prod)).toBe("DENY");
    expect(decide(policy, "execute_shell", { command: "rm  -rf /" }, { env: "dev" })).toBe("REQUIRE_APPROVAL");
    expect(decide(policy, "execute_shell", { command: "rm x" }, prod)).toBe("REQUIRE_APPROVAL");
    expect(decide(policy, "call_external_api", { url: "https://a.example" })).toBe("REQUIRE_APPROVAL");
    expect(decide(policy, "execute_shell", { command: "ls" })).toBe("ALLOW");
    expect(decide(policy, "execute_shell", { command: "mkfs /dev/sda" })).toBe("DENY");
    expect(decide(policy, "execute_query", { query: "select 1" })).toBe("ALLOW");
    expect(decide(policy, "db_write", {})).toBe("DENY");
    expect(decide(policy, "other", {})).toBe("REQUIRE_APPROVAL");
  });

  test("of conditions hold together", async () => {
    const policy = await policyOf(`
custom:
  rules:
    - allow: true
      when_all: ['payload.a == 1', { when_any: ['payload.b == 1', 'payload.b == 2'], when_not: ['payload.c == 1'] }]
      when_any: ['payload.d == 1', 'payload.e == 1']
      when_not: ['payload.f == 1', 'payload.g == 1']`);
    const yes = { a: 1, b: 2, c: 0, d: 0, e: 1, f: 0, g: 0 };
    expect(decide(policy, "custom", yes)).toBe("ALLOW");
    for (const wrong of [{ a: 2 }, { b: 3 }, { c: 1 }, { e: 0 }, { f: 1 }, { g: 1 }]) {
      expect(decide(policy, "custom", { ...yes, ...wrong })).toBe("REQUIRE_APPROVAL");
    }
  });

  test("action types may be listed", async () => {
    const policy = await policyOf("rules: [{ action_type: [a, b_*], allow: true }]");
    expect(["a", "b_", "b_x", "b", "c"].map((type) => decide(policy, type, {}))).toEqual([
      "ALLOW",
      "ALLOW",
      "ALLOW",
      "REQUIRE_APPROVAL",
      "REQUIRE_APPROVAL",
    ]);
  });
});

describe("what does not load", () => {
  test.for([
    ["", "policy.yaml:1:1: the file is empty"],
    ["[]", "a policy is a map"],
    ["{}", "the policy is empty"],
    ["version: 2", "policy.yaml:1:10: the version of the policy format is `1`"],
    ["version: '1'", "the version of the policy format is `1`"],
    ["default: ALOW", "policy.yaml:1:10: unknown decision `ALOW`, did you mean `ALLOW`?"],
    ["default: allow", "unknown decision `allow`, did you mean `ALLOW`?"],
    ["default: [DENY]", "a decision is"],
    ["default: BLOCK", "unknown decision `BLOCK`; a decision is `ALLOW`, `REQUIRE_APPROVAL` or `DENY`"],
    [
      "defualt: DENY",
      "unknown key `defualt`; an action type holds `rules`, `deny_if`, `require_approval_if`, `allow_if`, did you mean `default`?",
    ],
    ["mode: observe", "unknown key `mode`"],
    ["execute_shell: {}", "unknown key `execute_shell`"],
    ["execute_shell: { denyif: [x] }", "unknown key `denyif` under `execute_shell`, did you mean `deny_if`?"],
    ["rules: [{ action_type: '{read,write}_file', deny: true }]", "`*` is the only wildcard"],
    ["rules: [{ action_type: 'db_?', deny: true }]", "`*` is the only wildcard"],
    ["rules: [{ action_type: 'execute_shell ', deny: true }]", "begins or ends with a blank"],
    ["'execute_shell ': { deny_if: [x] }", "begins or ends with a blank"],
    ['rules: [{ action_type: x, deny: true, reason: "\\ud800" }]', "half of a surrogate pair"],
    ["execute_shell: { deny_if: [] }", "`deny_if` is empty"],
    ["execute_shell: { deny_if: rm }", "`deny_if` is a list"],
    ["execute_shell: { deny_if: [''] }", "is empty"],
    ["execute_shell: { deny_if: [5] }", "put `5` in quotes"],
    ["execute_shell: { deny_if: ['payload contains \"rm\"'] }", "looks like a condition"],
    ["rules: []", "`rules` is empty"],
    ["rules: {}", "`rules` is a list"],
    ["rules: [x]", "a rule is a map"],
    ["rules: [{ deny: true }]", "the rule has no `action_type`"],
    ["rules: [{ action_type: [], deny: true }]", "`action_type` is empty"],
    ["rules: [{ action_type: x }]", "the rule decides nothing"],
    ["rules: [{ action_type: x, deny: true, allow: true }]", "the rule has two decisions, `deny` and `allow`"],
    ["rules: [{ action_type: x, deny: true, deny_regex: x }]", "the rule has two decisions"],
    ["rules: [{ action_type: x, decision: DENY, deny: true }]", "the rule has two decisions"],
    ["rules: [{ action_type: x, deny: false }]", "`deny` is `true` or left out"],
    ["rules: [{ action_type: x, deny: 'true' }]", "`deny` is `true` or left out"],
    ["rules: [{ action_type: x, deny: yes }]", "`deny` is `true` or left out"],
    ["rules: [{ action_type: x, decision: ALOW }]", "unknown decision `ALOW`, did you mean `ALLOW`?"],
    ["rules: [{ action_type: x, denyregex: x }]", "unknown key `denyregex` in a rule, did you mean `deny_regex`?"],
    ["rules: [{ action_type: x, deny: true, when: ['true'] }]", "unknown key `when` in a rule; the keys there are `id`, `action_type`, "],
    ["rules: [{ action_type: x, deny: true, when_al: ['true'] }]", "did you mean `when_all`?"],
    ["rules: [{ action_type: x, deny: true, when_all: [] }]", "`when_all` is empty"],
    ["rules: [{ action_type: x, deny: true, when_all: 'true' }]", "`when_all` is a list, with a `-` before each item"],
    ["rules: [{ action_type: x, deny: true, when_all: [true] }]", "put `true` in quotes"],
    ["rules: [{ action_type: x, deny: true, when_all: [{}] }]", "the block of conditions is empty"],
    ["rules: [{ action_type: x, deny: true, when_all: [{ all: ['true'] }] }]", "unknown key `all` in a block of conditions"],
    ["rules: [{ action_type: x, deny_regex: '(' }]", "policy.yaml:1:39: the regex cannot be read"],
    ["rules: [{ action_type: x, deny_regex: '(?=a)' }]", "look ahead or behind"],
    ["rules: [{ action_type: x, deny: true, id: a b }]", "the id `a b` is not made of"],
    [
      "rules: [{ action_type: x, deny: true, id: a }, { action_type: y, deny: true, id: a }]",
      "duplicate rule id `a`, first at policy.yaml:1",
    ],
    [
      "rules: [{ action_type: x, deny: true, severity: urgent }]",
      "unknown severity `urgent`; a severity is `low`, `medium`, `high`, `critical`",
    ],
    ["rules: [{ action_type: x, deny: true, severity: hihg }]", "unknown severity `hihg`, did you mean `high`?"],
    ["rules: [{ action_type: x, deny: true, reason: '' }]", "`reason` is empty"],
    ["rules: [{ action_type: x, deny: true, reason: 'no {shell}' }]", "`shell` is a function"],
    ["rules: [{ action_type: execute_shell, deny: true, reason: '{payload.cmd}' }]", "is no field of `execute_shell`"],
    ["execute_shell: { rules: [{ action_type: execute_shell, deny: true }] }", "stands under `execute_shell`"],
    ["except: {}", "`except` maps"],
    ["except: { a: ['true'] }", "no inherited rule has the id `a`"],
    ["extends: []", "`extends` is empty"],
    ["extends: other.yaml", "no `read` was given"],
    ["extends: 'canopy:defalt'", "there is no bundled policy `canopy:defalt`, did you mean `canopy:default`?"],
    ["name: 5", "put `5` in quotes"],
    ["rules: [{ action_type: x, deny: true }]\nrules: [{ action_type: y, deny: true }]", "duplicate key `rules`"],
    ["actions: []", "`actions` maps"],
    ["actions: { bash: { action_type: execute_shell } }", "a binding has a `payload`"],
    ["actions: { bash: { action_type: execute_shell, payload: { comand: args.cmd } } }", "did you mean `command`?"],
    ["actions: { bash: { action_type: execute_shell, payload: { command: cmd } } }", "`cmd` is no argument"],
    ["actions: { bash: { action_type: execute_shell, payload: { cwd: args.cwd } } }", "needs `command`"],
    ["actions: { bash: { type: execute_shell, payload: { command: args.cmd } } }", "unknown key `type` in a binding"],
    ["actions: { bash: [] }", "the bindings of `bash` are empty"],
  ])("%s", async ([text, message]) => {
    expect((await problemsOf(text ?? "")).join("\n")).toContain(message);
  });

  test.for([
    ["execute_shell", "payload.cmd == 'x'", "`payload.cmd` is no field of `execute_shell`"],
    ["execute_shell", "payload.comand == 'x'", "did you mean `payload.command`?"],
    ["execute_shell", "payload['cmd'] == 'x'", "is no field of `execute_shell`"],
    ["execute_shell", "[payload].exists(p, p.cmd == 'x')", "say which field"],
    ["execute_shell", "(payload.command == 'x' ? payload : payload).cmd == 'x'", "say which field"],
    ["execute_shell", "payload.args.map(a, payload)[0].cmd == 'x'", "say which field"],
    ["execute_shell", "payload[agent_ctx.role] == 'x'", "say which field"],
    [
      "execute_shell",
      "has(payload.comand) && payload.command == 'x'",
      "`payload.comand` is no field of `execute_shell`, did you mean `payload.command`?",
    ],
    ["execute_shell", "payload.command > 5", "compares two numbers"],
    ["execute_shell", "payload.command.x == 5", "has no fields"],
    ["*", "payload.command == 'x'", "is no field of `read_file`"],
    ["*_file", "payload.content == 'x'", "is no field of `read_file`, `delete_file`"],
  ])("over %s: %s", async ([about, condition, message]) => {
    const text = JSON.stringify({ rules: [{ action_type: about, deny: true, when_all: [condition] }] });
    expect((await problemsOf(text)).join("\n")).toContain(message);
  });

  test.for([
    ["execute_shell", "has(payload.cmd) && payload.cmd == 'x'"],
    ["*", "has(payload.command) && payload.command == 'x'"],
    ["*_file", "payload.path == 'x'"],
    ["modify_file", "payload.content == 'x'"],
    ["execute_shell", "payload.args.timeout > 5"],
    ["execute_shell", "payload.env.HOME == 'x'"],
    ["my_*", "payload.anything.goes == 5"],
  ])("but over %s does: %s", async ([about, condition]) => {
    const text = JSON.stringify({ rules: [{ action_type: about, deny: true, when_all: [condition] }] });
    await expect(policyOf(text)).resolves.toBeDefined();
  });

  test("says all that is wrong at once, in the order of the file", async () => {
    const problems = await problemsOf(`
default: NO
rules:
  - action_type: x
    decision: ALOW
  - action_type: x
    deny: true
    when_all: ['payload.a >', 'agent_ctx.env == production']
`);
    expect(problems.map((problem) => problem.split(":").slice(0, 3).join(":"))).toEqual([
      "policy.yaml:2:10",
      "policy.yaml:5:15",
      "policy.yaml:8:28",
      "policy.yaml:8:49",
    ]);
  });

  test("an error carries its problems as data, and says them a line each", async () => {
    const error = await loadPolicy({ name: "p", text: "default: ALOW\nmode: x" }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PolicyError);
    if (!(error instanceof PolicyError)) return;
    expect(error.code).toBe("POLICY_INVALID");
    expect(error.problems[0]).toEqual({ file: "p", line: 1, column: 10, message: "unknown decision `ALOW`", suggestion: "ALLOW" });
    expect(error.message.split("\n")).toHaveLength(2);
  });

  test("what a message quotes is bounded and visible", async () => {
    const [problem = ""] = await problemsOf(`default: "\\u202eWOLLA${"x".repeat(500)}"`);
    expect(problem).toContain("\\u{202e}");
    expect(problem.length).toBeLessThan(200);
  });
});

describe("extends", () => {
  const files: Readonly<Record<string, string>> = {
    "policies/team.yaml": "extends: [shared/base.yaml]\nrules: [{ id: team/x, action_type: x, deny: true, when_all: ['payload.a > 5'] }]",
    "policies/shared/base.yaml": "default: DENY\nrules: [{ id: base/y, action_type: y, allow: true }]",
    "policies/loose.yaml": "default: ALLOW",
    "policies/loop.yaml": "extends: ./loop2.yaml",
    "policies/loop2.yaml": "extends: shared/../loop.yaml",
    "policies/bad.yaml": "rules: [{ action_type: x, decision: NO }]",
    "policies/binds.yaml": "actions: { bash: { action_type: execute_shell, payload: { command: args.line } } }",
    "policies/lifts.yaml": "extends: shared/base.yaml\nexcept: { base/y: ['payload.a == 1'] }",
  };
  const asked: string[] = [];
  const read = async (name: string): Promise<{ name: string; text: string }> => {
    asked.push(name);
    const text = files[name];
    if (text === undefined) throw new Error("no such file");
    return await Promise.resolve({ name, text });
  };
  const load = async (text: string): ReturnType<typeof loadPolicy> =>
    await loadPolicy({ name: "policies/root.yaml", text }, { read, facts: fakes });
  const failure = async (text: string): Promise<string> =>
    await load(text).then(
      () => "it loads",
      (error: unknown) => (error instanceof Error ? error.message : ""),
    );

  test("joins the rules of all files into one pool, names relative to the file that says them", async () => {
    const policy = await load("extends: team.yaml\nrules: [{ id: own, action_type: z, allow: true }]");
    expect(policy.rules.map(({ reference }) => [reference.id, reference.file])).toEqual([
      ["own", "policies/root.yaml"],
      ["team/x", "policies/team.yaml"],
      ["base/y", "policies/shared/base.yaml"],
    ]);
    expect([...policy.sources.keys()]).toEqual(["policies/root.yaml", "policies/team.yaml", "policies/shared/base.yaml"]);
  });

  test("reads a file once, however often it is named", async () => {
    asked.length = 0;
    await load("extends: [team.yaml, shared/base.yaml, ./team.yaml]");
    expect(asked).toEqual(["policies/team.yaml", "policies/shared/base.yaml"]);
  });

  test("takes the root's default, else the strictest inherited, else REQUIRE_APPROVAL", async () => {
    expect((await load("extends: [team.yaml, loose.yaml]")).default).toBe("DENY");
    expect((await load("extends: [loose.yaml, team.yaml]")).default).toBe("DENY");
    expect((await load("extends: [team.yaml]\ndefault: ALLOW")).default).toBe("ALLOW");
    expect((await load("extends: loose.yaml")).default).toBe("ALLOW");
    expect((await load("rules: [{ action_type: x, deny: true }]")).default).toBe("REQUIRE_APPROVAL");
  });

  test("knows canopy:default by itself", async () => {
    const policy = await loadPolicy({ name: "p", text: "extends: canopy:default" });
    expect(policy.sources.has("canopy:default")).toBe(true);
    expect(policy.rules.length).toBeGreaterThan(0);
  });

  test("reads no more files than a person could have meant, and knows a file that the host gives another name", async () => {
    const endless = loadPolicy(
      { name: "root", text: "extends: x" },
      { read: async (name) => await Promise.resolve({ name, text: `extends: ${name}x\ndefault: DENY` }) },
    );
    await expect(endless).rejects.toThrow("a policy has at most 64 files");
    const itself = loadPolicy(
      { name: "root", text: "extends: other" },
      { read: async () => await Promise.resolve({ name: "root", text: "default: DENY" }) },
    );
    await expect(itself).rejects.toThrow("`other` extends itself");
  });

  test("refuses cycles, missing files, and files with problems of their own", async () => {
    expect(await failure("extends: loop.yaml")).toContain("policies/loop2.yaml:1:10: `shared/../loop.yaml` extends itself");
    expect(await failure("extends: root.yaml")).toContain("policies/root.yaml:1:10: `root.yaml` extends itself");
    expect(await failure("extends: nowhere.yaml")).toContain(
      "policies/root.yaml:1:10: `policies/nowhere.yaml` cannot be read: no such file",
    );
    expect(await failure("extends: bad.yaml")).toContain("policies/bad.yaml:1:37: unknown decision `NO`");
    const bound = "actions: { bash: { action_type: execute_shell, payload: { command: args.cmd } } }";
    expect(await failure(`extends: binds.yaml\n${bound}`)).toContain("the tool `bash` is bound in another file as well");
    expect(await failure("extends: lifts.yaml")).toContain("policies/lifts.yaml:2:11: `except` belongs in the policy that the host names");
    expect(await failure("extends: team.yaml\nrules: [{ id: team/x, action_type: x, allow: true }]")).toContain(
      "duplicate rule id `team/x`",
    );
  });

  test("lifts an inherited rule only where an exception is true", async () => {
    const policy = await load(`
extends: team.yaml
default: ALLOW
except:
  team/x:
    - 'agent_ctx.role == "admin"'
    - 'payload.reviewed'`);
    expect(policy.exceptions.map(({ id }) => id)).toEqual(["team/x"]);
    const admin = { role: "admin" };
    expect(decide(policy, "x", { a: 9, reviewed: true }, admin)).toBe("ALLOW");
    expect(decide(policy, "x", { a: 9, reviewed: false }, admin)).toBe("DENY");
    expect(decide(policy, "x", { a: 9, reviewed: "true" }, admin)).toBe("DENY");
    expect(decide(policy, "x", { a: 9 }, admin)).toBe("DENY");
    expect(decide(policy, "x", { a: 9, reviewed: true })).toBe("DENY");
    expect(decide(policy, "x", { a: "9", reviewed: true }, admin)).toBe("ALLOW");
  });

  test("refuses an exception to a rule of the root, and to one that is not there", async () => {
    expect(await failure("extends: team.yaml\nrules: [{ id: own, action_type: x, deny: true }]\nexcept: { own: ['true'] }")).toContain(
      "use `when_not`",
    );
    expect(await failure("extends: team.yaml\nexcept: { team/y: ['true'] }")).toContain(
      "policies/root.yaml:2:11: no inherited rule has the id `team/y`, did you mean `team/x`?",
    );
    expect(await failure("extends: team.yaml\nexcept: { team/x: ['payload.a >'] }")).toContain("cannot be read");
    expect(await failure("extends: team.yaml\nexcept: { team/x: [] }")).toContain("is empty");
  });
});

const bigRefund = (examples: string): string => `
rules:
  - id: big
    action_type: refund
    deny: true
    when_all: ['payload.amount > 100']
    examples: ${examples}`;

describe("examples", () => {
  test("prove a rule when it is loaded", async () => {
    await expect(
      policyOf(bigRefund("{ match: [{ payload: { amount: 500 } }], not_match: [{ payload: { amount: 5 } }] }")),
    ).resolves.toBeDefined();
  });

  test.for([
    ["{ match: [{ payload: { amount: 5 } }] }", "does not match rule `big`; its conditions are false"],
    ["{ match: [{ payload: { amont: 500 } }] }", "its conditions are unknown: `payload.amount` is missing"],
    ["{ not_match: [{ payload: { amount: 500 } }] }", "rule `big` applies to the example; its conditions are true"],
    ["{ not_match: [{ payload: {} }] }", "rule `big` applies to the example; its conditions are unknown"],
    ["{ match: [] }", "`match` is empty"],
    ["{}", "`examples` holds"],
    ["{ matches: [{ payload: {} }] }", "did you mean `match`?"],
    ["{ match: [{ payload: { amount: .inf } }] }", "not JSON"],
    ["{ match: [{ action_type: other, payload: { amount: 500 } }] }", "the rule is not about `other`"],
    ["{ match: [{ agent_ctx: [], payload: { amount: 500 } }] }", "`agent_ctx` is a map"],
    ["{ match: [{}] }", "the example has no `payload`"],
    ["{ match: [x] }", "an example is a request"],
  ])("%s is refused", async ([examples, message]) => {
    expect((await problemsOf(bigRefund(examples ?? ""))).join("\n")).toContain(message);
  });

  test("name the action where the rule is about several", async () => {
    const glob = "rules: [{ action_type: 'db_*', deny: true, examples: { match: [{ payload: {} }] } }]";
    expect((await problemsOf(glob)).join()).toContain("the example needs an `action_type`");
  });

  test("an ALLOW may be unknown for what it does not match", async () => {
    const text = "rules: [{ action_type: x, allow: true, when_all: ['payload.a == 1'], examples: { not_match: [{ payload: {} }] } }]";
    await expect(policyOf(text)).resolves.toBeDefined();
  });
});

describe("warnings", () => {
  test("name a near miss of a standard action type", async () => {
    const { warnings } = await policyOf("rules: [{ action_type: execute_shel, deny: true }, { action_type: my_tool, deny: true }]");
    expect(warnings).toEqual([
      { file: "policy.yaml", line: 1, column: 24, message: "`execute_shel` is not a standard action type", suggestion: "execute_shell" },
    ]);
  });

  test("advise against an ALLOW that searches the payload for text, and name the fact", async () => {
    for (const rule of [
      "allow_regex: ls",
      "allow: true, when_all: ['payload contains \"ls\"']",
      "allow: true, when_not: ['payload contains \"rm\"']",
    ]) {
      const { warnings } = await policyOf(`rules: [{ action_type: execute_shell, ${rule} }]`);
      expect(warnings.map(({ message }) => message)).toEqual([
        "an ALLOW that searches the payload for text is easily satisfied; ask `shell(payload.command)` instead",
      ]);
    }
    expect((await policyOf("execute_query: { allow_if: [select] }")).warnings[0]?.message).toContain("sql(payload.query)");
    expect((await policyOf("execute_query: { deny_if: [select] }")).warnings).toEqual([]);
  });

  test("advise against an ALLOW that searches the field a fact understands", async () => {
    const { warnings } = await policyOf(`execute_shell: { rules: [{ allow: true, when_all: ['payload.command.startsWith("ls")'] }] }`);
    expect(warnings.map(({ message }) => message)).toEqual([
      "an ALLOW that searches `payload.command` for text is easily satisfied; ask `shell(payload.command)` instead",
    ]);
    expect((await policyOf(`execute_shell: { rules: [{ deny: true, when_all: ['payload.command.startsWith("ls")'] }] }`)).warnings).toEqual(
      [],
    );
  });

  test("point out a regex that is searched for as a text", async () => {
    for (const text of [
      "execute_shell: { deny_if: ['rm\\s+-rf'] }",
      "x: { rules: [{ deny: true, when_all: ['payload contains \"rm.*\"'] }] }",
    ]) {
      expect((await policyOf(text)).warnings.map(({ message }) => message).join()).toContain("is searched for as it stands");
    }
    expect((await policyOf("execute_shell: { deny_if: ['rm -rf', 'a.b', '*.sh'] }")).warnings).toEqual([]);
  });

  test("say that a rule is repeated", async () => {
    const { warnings, rules } = await policyOf("rules: [{ action_type: x, deny: true }, { deny: true, action_type: x }]");
    expect(rules).toHaveLength(1);
    expect(warnings[0]?.message).toBe("the rule repeats the one at policy.yaml:1");
  });
});

test("the bindings of tools are handed on", async () => {
  const { bindings } = await policyOf(`
actions:
  bash: { action_type: execute_shell, payload: { command: args.cmd, cwd: args.options.dir }, ignore: [args.description] }
  fetch_to_file:
    - { action_type: call_external_api, payload: { url: args.url } }
    - { action_type: modify_file, payload: { path: args.path } }
  custom: { action_type: refund, payload: { everything: args, first: args.items.first } }
`);
  expect(bindings.get("bash")).toEqual([
    { actionType: "execute_shell", payload: { command: "args.cmd", cwd: "args.options.dir" }, ignore: ["args.description"] },
  ]);
  expect(bindings.get("fetch_to_file")?.map(({ actionType }) => actionType)).toEqual(["call_external_api", "modify_file"]);
  expect(bindings.get("custom")?.[0]?.payload).toEqual({ everything: "args", first: "args.items.first" });
});

const ids = async (text: string): Promise<readonly string[]> => (await policyOf(text)).rules.map(({ reference }) => reference.id);

test("an id that a rule does not have is made from what it means", async () => {
  const [id] = await ids("rules: [{ action_type: x, deny: true, when_all: ['payload.a == 1'] }]");
  expect(id).toMatch(/^x\/deny\/[0-9a-f]{12}$/);
  expect(await ids("x:\n  rules:\n    # moved\n    - when_all: ['payload . a==1']\n      decision: DENY")).toEqual([id]);
  expect(await ids("rules: [{ action_type: x, deny: true, when_all: ['payload.a == 2'] }]")).not.toEqual([id]);
});
