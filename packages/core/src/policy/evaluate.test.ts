import { describe, expect, test } from "vitest";

import { Effects } from "../facts/effects.ts";
import type { FactFunction } from "../facts/schema.ts";
import type { JsonObject } from "../json.ts";
import { decide, fakes, policyOf, problemsOf } from "./fakes.test.kit.ts";
import { evaluate } from "./evaluate.ts";

const allowUnless = (condition: string): string =>
  JSON.stringify({
    rules: [
      { action_type: "pay", allow: true },
      { action_type: "pay", deny: true, when_all: [condition] },
    ],
  });

describe("a policy that allows, and denies above an amount", () => {
  test("allows below and denies above", async () => {
    const policy = await policyOf(allowUnless("payload.amount > 100"));
    expect(decide(policy, "pay", { amount: 5 })).toBe("ALLOW");
    expect(decide(policy, "pay", { amount: 500 })).toBe("DENY");
    expect(decide(policy, "pay", { amount: 1e308 })).toBe("DENY");
    expect(decide(policy, "pay", { amount: 100.5 })).toBe("DENY");
  });

  const conditions = [
    "payload.amount > 100",
    "(payload.amount > 100)",
    "!(payload.amount <= 100)",
    "100 < payload.amount",
    "payload.amount > 100.0",
    "payload.amount > 100u",
    "payload.amount - 100 > 0",
    "payload.amount >= 101 || payload.amount == 100.5",
    "[payload.amount].exists(a, a > 100)",
    "!(payload.amount in [1, 2, 3, 4, 5])",
    "payload.amount > 100 ? true : false",
    "payload['amount'] > 100",
  ];
  const mangled: readonly unknown[] = [
    {},
    { amount: null },
    { amount: "abc" },
    { amount: "500" },
    { amount: "5" },
    { amount: "5,000" },
    { amount: "NaN" },
    { amount: "" },
    { amount: {} },
    { amount: { valueOf: 5 } },
    { amount: [] },
    { amount: [5] },
    { amount: true },
    { amount: false },
    { Amount: 5 },
    { "amount ": 5 },
    { payload: { amount: 5 } },
    null,
    5,
    "amount",
    [],
    [{ amount: 5 }],
    true,
  ];
  test.for(conditions)("never allows what it cannot compare: %s", async (condition) => {
    const policy = await policyOf(allowUnless(condition));
    expect(decide(policy, "pay", { amount: 5 })).toBe("ALLOW");
    for (const payload of mangled) expect([payload, decide(policy, "pay", payload)]).toEqual([payload, "DENY"]);
  });

  test.for([
    "payload.amount >> 100",
    "payload.amount => 100",
    "payload.amount > 100 and true",
    "(payload.amount > 100",
    "payload.amount > ",
    "paylod.amount > 100",
    "amount > 100",
    "payload.amount gt 100",
    "$.payload.amount > 100",
  ])("does not load where the rule is misspelt: %s", async (condition) => {
    expect(await problemsOf(allowUnless(condition))).not.toEqual([]);
  });
});

test("an ALLOW is not carried by an empty text that is found in every other", async () => {
  const policy = await policyOf(`
default: DENY
x:
  rules:
    - { allow: true, when_all: ['agent_ctx.hosts contains payload.host'] }
    - { allow: true, when_all: ['payload.path.startsWith(agent_ctx.root)'] }`);
  const agentCtx = { hosts: "a.example b.example", root: "/workspace/" };
  expect(decide(policy, "x", { host: "a.example", path: "/etc" }, agentCtx)).toBe("ALLOW");
  expect(decide(policy, "x", { host: "", path: "/etc" }, agentCtx)).toBe("DENY");
  expect(decide(policy, "x", { host: "c", path: "/etc" }, { ...agentCtx, hosts: "b", root: "" })).toBe("DENY");
});

test("an action type that is too long is DENY", async () => {
  const policy = await policyOf("default: ALLOW\nx*: { rules: [{ allow: true }] }");
  expect(decide(policy, "x".repeat(256), {})).toBe("ALLOW");
  expect(decide(policy, "x".repeat(257), {})).toBe("DENY");
});

describe("strictness", () => {
  test("among the rules that apply the strictest wins, whatever the order", async () => {
    const rules = ["allow", "require_approval", "deny"].map((decision) => ({
      action_type: "x",
      [decision]: true,
      when_all: [`payload.${decision}`],
    }));
    for (const order of [rules, rules.toReversed()]) {
      const policy = await policyOf(JSON.stringify({ rules: order }));
      const no = { allow: false, require_approval: false, deny: false };
      expect(decide(policy, "x", { ...no, allow: true })).toBe("ALLOW");
      expect(decide(policy, "x", { ...no, allow: true, require_approval: true })).toBe("REQUIRE_APPROVAL");
      expect(decide(policy, "x", { allow: true, require_approval: true, deny: true })).toBe("DENY");
    }
  });

  test("a restrictive rule applies where its conditions are invalid, at its own decision", async () => {
    const policy = await policyOf(`
x:
  rules:
    - allow: true
    - require_approval: true
      when_all: ['payload.a == 1']
y:
  rules:
    - allow: true
    - deny: true
      when_not: ['payload.a == 1']`);
    expect(decide(policy, "x", {})).toBe("REQUIRE_APPROVAL");
    expect(decide(policy, "y", {})).toBe("DENY");
    expect(decide(policy, "y", { a: 1 })).toBe("ALLOW");
  });

  test("a restrictive rule whose conditions are open applies as REQUIRE_APPROVAL", async () => {
    const policy = await policyOf(`
execute_shell:
  rules:
    - allow: true
    - deny: true
      when_all: ['shell(payload.command).programs.exists(p, p == "rm")']`);
    expect(decide(policy, "execute_shell", { command: "ls" })).toBe("ALLOW");
    expect(decide(policy, "execute_shell", { command: "ls; rm x" })).toBe("DENY");
    expect(decide(policy, "execute_shell", { command: "$CMD x" })).toBe("REQUIRE_APPROVAL");
    expect(decide(policy, "execute_shell", { command: "$(x); ls" })).toBe("REQUIRE_APPROVAL");
    expect(decide(policy, "execute_shell", { command: "$(x); rm x" })).toBe("DENY");
  });

  test("an ALLOW applies only where its conditions are true", async () => {
    const policy = await policyOf(`
execute_shell:
  rules:
    - allow: true
      when_all: ['shell(payload.command).programs.all(p, p in ["ls", "cat"])']`);
    expect(decide(policy, "execute_shell", { command: "ls; cat x" })).toBe("ALLOW");
    for (const command of ["rm x", "$CMD", "$(x); ls", 5, null]) {
      expect(decide(policy, "execute_shell", { command })).toBe("REQUIRE_APPROVAL");
    }
  });
});

const withDefault = (fallback: string, more: string = ""): string => `
default: ${fallback}
x:
  rules:
    - require_approval: true
      when_all: ['payload.amount > 100']
${more}`;

describe("the default", () => {
  test("is REQUIRE_APPROVAL where the policy has none", async () => {
    const policy = await policyOf("rules: [{ action_type: x, allow: true, when_all: ['payload.a == 1'] }]");
    expect(decide(policy, "x", {})).toBe("REQUIRE_APPROVAL");
    expect(decide(policy, "y", {})).toBe("REQUIRE_APPROVAL");
  });

  test("joins in unless some rule is true, so a mangled field never loosens DENY", async () => {
    const policy = await policyOf(withDefault("DENY"));
    expect(decide(policy, "x", { amount: 500 })).toBe("REQUIRE_APPROVAL");
    expect(decide(policy, "x", { amount: "500" })).toBe("DENY");
    expect(decide(policy, "x", {})).toBe("DENY");
    expect(decide(policy, "x", { amount: 5 })).toBe("DENY");
  });

  test("does not join where a rule is true beside one that is unknown", async () => {
    const policy = await policyOf(withDefault("DENY", "    - allow: true\n      when_all: ['payload.ok']"));
    expect(decide(policy, "x", { ok: true })).toBe("REQUIRE_APPROVAL");
    expect(decide(policy, "x", { ok: "yes" })).toBe("DENY");
  });

  test("of ALLOW does not loosen a rule that is unknown", async () => {
    const policy = await policyOf(withDefault("ALLOW"));
    expect(decide(policy, "x", { amount: 5 })).toBe("ALLOW");
    expect(decide(policy, "x", {})).toBe("REQUIRE_APPROVAL");
    expect(decide(policy, "y", {})).toBe("ALLOW");
  });
});

describe("a payload that is not one of its standard action type", () => {
  test("is never answered looser than the default, nor than REQUIRE_APPROVAL", async () => {
    for (const [fallback, expected] of [
      ["ALLOW", "REQUIRE_APPROVAL"],
      ["REQUIRE_APPROVAL", "REQUIRE_APPROVAL"],
      ["DENY", "DENY"],
    ] as const) {
      const policy = await policyOf(`default: ${fallback}\nexecute_shell: { rules: [{ allow: true }] }`);
      expect(decide(policy, "execute_shell", { command: "ls" })).toBe("ALLOW");
      for (const payload of [
        {},
        { command: ["ls"] },
        { cmd: "ls" },
        null,
        "ls",
        { command: "ls", env: { A: 5 } },
        { command: "ls", cwd: 5 },
      ]) {
        expect([payload, decide(policy, "execute_shell", payload)]).toEqual([payload, expected]);
      }
    }
  });

  test("is said in the reason", async () => {
    const policy = await policyOf("execute_shell: { rules: [{ allow: true }] }");
    const { reason, unknowns } = evaluate(policy, { actionType: "execute_shell", agentCtx: {}, payload: {} });
    expect(reason).toContain("the payload is not that of `execute_shell`: `payload.command` is missing");
    expect(unknowns).toEqual([{ kind: "invalid", why: "`payload.command` is missing", rule: null }]);
  });

  test("documented defaults are filled in first", async () => {
    const policy = await policyOf("call_external_api: { rules: [{ allow: true, when_all: ['payload.method == \"GET\"'] }] }");
    expect(decide(policy, "call_external_api", { url: "https://a.example" })).toBe("ALLOW");
    expect(decide(policy, "call_external_api", { url: "https://a.example", method: "POST" })).toBe("REQUIRE_APPROVAL");
  });
});

const searching = await policyOf(`
default: ALLOW
x: { deny_if: ["rm -rf"] }
y: { rules: [{ deny_regex: 'rm\\s+-rf\\b' }] }`);

describe("a search of the whole payload", () => {
  test.for([
    { a: "rm -rf /" },
    { a: { b: [{ c: "sudo rm -rf /" }] } },
    "rm -rf",
    ["rm -rf"],
    // Neither surely the text nor surely another.
    { "rm -rf": 1 },
    { argv: ["rm", "-rf", "/"] },
  ])("finds the text at any depth: %j", (payload) => {
    expect(decide(searching, "x", payload)).toBe("DENY");
    expect(decide(searching, "y", payload)).toBe("DENY");
  });

  test("does not find what is not there", () => {
    expect(decide(searching, "x", { a: "rm -r /", b: ["-rf"], c: 5 })).toBe("ALLOW");
    expect(decide(searching, "y", { a: "rm -rfx" })).toBe("ALLOW");
  });

  test("a long list of short texts is no reason not to know", () => {
    expect(decide(searching, "x", { lines: Array.from({ length: 2000 }, () => "x".repeat(50)) })).toBe("ALLOW");
  });

  test("a match in a key carries no ALLOW", async () => {
    const allows = await policyOf("x: { allow_if: [ok] }");
    expect(decide(allows, "x", { a: "ok" })).toBe("ALLOW");
    expect(decide(allows, "x", { ok: 1 })).toBe("REQUIRE_APPROVAL");
  });

  test("what is longer than a search reads is unknown, unless what was read settles it", () => {
    const long = "x".repeat(70_000);
    expect(decide(searching, "x", { a: long })).toBe("DENY");
    expect(decide(searching, "y", { a: long })).toBe("DENY");
    expect(decide(searching, "x", { a: Array.from({ length: 20_000 }, () => "x") })).toBe("DENY");
    expect(decide(searching, "x", { a: Array.from({ length: 10 }, () => "x".repeat(60_000)) })).toBe("DENY");
    expect(evaluate(searching, { actionType: "x", agentCtx: {}, payload: { a: `rm -rf ${long}` } }).unknowns).toEqual([]);
  });

  test("on execute_shell also looks at the words of every command, so that quotes hide nothing", async () => {
    const shell = await policyOf(`
default: ALLOW
execute_shell: { deny_if: ["rm -rf"] }`);
    expect(decide(shell, "execute_shell", { command: "r''m -rf /" })).toBe("DENY");
    expect(decide(shell, "execute_shell", { command: "ls -l" })).toBe("ALLOW");
    expect(decide(shell, "execute_shell", { command: "ls $X" })).toBe("REQUIRE_APPROVAL");
    expect(decide(shell, "execute_shell", { command: "$(x); ls" })).toBe("REQUIRE_APPROVAL");
    expect(decide(shell, "execute_shell", { command: "$(x); r\\m -rf /" })).toBe("DENY");
    expect(decide(shell, "execute_shell", { cmd: "ls" })).toBe("DENY");
    expect(decide(shell, "execute_shell", {})).toBe("DENY");
  });

  test("without the shell fact looks at the payload alone, and what is missing is still not harmless", async () => {
    const bare = await policyOf('default: ALLOW\nexecute_shell: { deny_if: ["rm -rf"] }', []);
    expect(decide(bare, "execute_shell", { command: "r''m -rf /" })).toBe("ALLOW");
    expect(decide(bare, "execute_shell", {})).toBe("DENY");
  });
});

describe("facts", () => {
  test("run once a request for the same arguments, and only when a condition asks", async () => {
    let runs = 0;
    const counting: FactFunction = {
      ...(fakes[0] as FactFunction),
      analyse: () => {
        runs += 1;
        return { complete: true, depth: 1, commands: new Effects([]), programs: new Effects(["ls"]) };
      },
    };
    const policy = await policyOf(
      `
execute_shell:
  rules:
    - allow: true
      when_all: ['shell(payload.command).complete', '["a", "b"].all(x, shell(payload.command).depth == 1)']
    - deny: true
      when_all: ['shell( payload.command ).programs.exists(p, p == "rm")']
    - deny: true
      when_all: ['shell(payload["command"]).depth > 5', 'payload contains "x"']`,
      [counting],
    );
    expect(decide(policy, "execute_shell", { command: "ls" })).toBe("ALLOW");
    expect(runs).toBe(1);
    decide(policy, "other", { command: "ls" });
    expect(runs).toBe(1);
    decide(policy, "execute_shell", {});
    expect(runs).toBe(1);
  });

  test.for(["throw", "text", "getter", "nothing", 5])("one that misbehaves (%s) has understood nothing", async (how) => {
    const policy = await policyOf(`
default: ALLOW
x:
  rules: [{ deny: true, when_all: ['trouble(payload.how).flag'] }]
y:
  rules: [{ deny: true, when_all: ['!trouble(payload.how).flag'] }]
z:
  rules: [{ deny: true, when_all: ['trouble(payload.how).thrower()'] }]`);
    expect(decide(policy, "x", { how })).toBe("DENY");
    expect(decide(policy, "y", { how })).toBe(how === 5 ? "ALLOW" : "DENY");
    expect(decide(policy, "z", { how })).toBe("DENY");
  });

  test("see the request and what the host looked up", async () => {
    const seen: unknown[] = [];
    const policy = await policyOf("x: { rules: [{ deny: true, when_all: ['shell(payload.command).complete'] }] }", [
      {
        ...(fakes[0] as FactFunction),
        analyse: (_, context) => {
          seen.push(context);
          return { complete: false };
        },
      },
    ]);
    const disk = { "/a": { real: "/b", links: 1 } };
    evaluate(policy, { actionType: "x", agentCtx: { cwd: "/" }, payload: { command: "ls" } }, { disk });
    expect(seen).toEqual([{ agentCtx: { cwd: "/" }, payload: { command: "ls" }, disk }]);
  });
});

describe("the reason", () => {
  const request = { actionType: "execute_shell", agentCtx: { env: "prod" }, payload: { command: "rm -rf /\n\u202e\u001b[31m" } };

  test("says which rule decided, where it stands, and quotes values safely", async () => {
    const policy = await policyOf(`
execute_shell:
  rules:
    - id: no-rm
      deny: true
      severity: high
      when_all: ['payload.command.contains("rm")']
      reason: 'No "rm" in {agent_ctx.env}: {payload.command}.'`);
    const { reason, rules, severity, quotes } = evaluate(policy, request);
    expect(reason).toBe('No "rm" in "prod": "rm -rf /\\n\\u{202e}\\u001b[31m" (rule `no-rm` (policy.yaml:4)).');
    expect(rules).toEqual([{ id: "no-rm", decision: "DENY", file: "policy.yaml", line: 4 }]);
    expect(severity).toBe("high");
    expect(quotes.map(({ path }) => path)).toEqual(["agent_ctx.env", "payload.command"]);
    for (const { text } of quotes) expect(reason).toContain(text);
  });

  test("is bounded, and one line, whatever the payload holds", async () => {
    const policy = await policyOf("x: { rules: [{ deny: true, reason: 'no {payload.a} {payload.b}' }] }");
    const { reason } = evaluate(policy, {
      actionType: "x",
      agentCtx: {},
      payload: { a: "x".repeat(1_000_000), b: { c: "\n".repeat(10_000) } },
    });
    expect(reason.length).toBeLessThan(600);
    expect(reason).not.toContain("\n");
  });

  test("says what was unknown, and that no rule decided", async () => {
    const policy = await policyOf("x: { rules: [{ id: r, deny: true, when_all: ['payload.a > 5'] }] }");
    expect(evaluate(policy, { actionType: "x", agentCtx: {}, payload: {} }).reason).toBe(
      "rule `r` (policy.yaml:1) applies because `payload.a` is missing.",
    );
    const other = evaluate(policy, { actionType: "y", agentCtx: {}, payload: {} });
    expect(other.reason).toBe("no rule decides about this `y`, so the default of the policy does.");
    expect(other.byDefault).toBe(true);
    expect(other.rules).toEqual([]);
  });

  test("names a few of many rules", async () => {
    const rules = Array.from({ length: 10 }, (_, index) => ({ id: `r${index}`, action_type: "x", deny: true }));
    const policy = await policyOf(JSON.stringify({ rules }));
    const { reason, rules: deciding } = evaluate(policy, { actionType: "x", agentCtx: {}, payload: {} });
    expect(deciding).toHaveLength(10);
    expect(reason).toContain("7 more rules say the same");
  });

  test("tells a doubt that several rules share once, and where something is certain only how many doubts there are", async () => {
    const policy = await policyOf(`
x:
  rules:
    - { id: a, deny: true, reason: "too much: {payload.a}", when_all: ["payload.a > 5"] }
    - { id: b, deny: true, reason: "far too much: {payload.a}", when_all: ["payload.a > 50"] }
    - { id: c, deny: true, reason: "it is loud", when_all: ["payload.loud"] }`);
    const reasonFor = (payload: JsonObject): string => evaluate(policy, { actionType: "x", agentCtx: {}, payload }).reason;
    expect(reasonFor({ loud: false })).toBe("rule `a` (policy.yaml:4), rule `b` (policy.yaml:5) apply because `payload.a` is missing.");
    expect(reasonFor({ loud: true })).toBe("it is loud (rule `c` (policy.yaml:6)); in doubt 2 more rules apply.");
    expect(reasonFor({ a: 6 })).toBe("too much: 6 (rule `a` (policy.yaml:4)); in doubt 1 more rule applies.");
    expect(reasonFor({})).toBe(
      "rule `a` (policy.yaml:4), rule `b` (policy.yaml:5) apply because `payload.a` is missing; it is loud (rule `c` (policy.yaml:6) applies because `payload.loud` is missing).",
    );
  });
});

test("expressions that are kept for later do not get into each other's way", async () => {
  const policy = await policyOf(`
default: ALLOW
x:
  rules:
    - deny: true
      when_all:
        - 'payload.list.exists(a, size(shell("ls; rm").programs.filter(p, p == "rm")) == a)'
        - 'size(shell("ls; rm").programs.filter(p, p == "rm")) == 1'
        - 'shell("ls; rm").programs.exists(p, p == "rm")'`);
  expect(decide(policy, "x", { list: [3, 1] })).toBe("DENY");
  expect(decide(policy, "x", { list: [3] })).toBe("ALLOW");
});

test("a comprehension that is shared leaves the items of one around it alone", async () => {
  const shared = "payload.other.exists(b, b == 1)";
  const policy = await policyOf(`
default: ALLOW
x:
  rules:
    - { deny: true, when_all: ['payload.never', '${shared}'] }
    - { deny: true, when_all: ['payload.list.exists(a, ${shared} && a == 2)'] }
    - { deny: true, when_all: ['payload.list.exists(a, a == 3 && ${shared} && a == 3)'] }`);
  const other = [7, 1];
  expect(decide(policy, "x", { never: false, other, list: [2] })).toBe("DENY");
  expect(decide(policy, "x", { never: false, other, list: [3] })).toBe("DENY");
  expect(decide(policy, "x", { never: false, other, list: [1, 7] })).toBe("ALLOW");
  const alone = await policyOf(`
default: ALLOW
x:
  rules:
    - { require_approval: true, when_all: ['false', '${shared}'] }
    - { require_approval: true, when_all: ['payload.list.exists(a, ${shared} && a == 2)'] }`);
  expect(decide(alone, "x", { other, list: [2] })).toBe("REQUIRE_APPROVAL");
});
