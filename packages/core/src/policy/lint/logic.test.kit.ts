import { dead, excepted, https, ownHost, policy, rule } from "./lint.test.kit.ts";
import type { Mistake } from "./lint.test.kit.ts";

/** Rules that never apply, never matter, or say too little of themselves. */
export const mistakesOfLogic: readonly Mistake[] = [
  [
    "never-true",
    "two values at once",
    policy(dead("DENY", "deploy", { when_all: ['payload.to == "production"', 'payload.to == "staging"'] })),
    policy(rule("DENY", "deploy", { when_any: ['payload.to == "production"', 'payload.to == "staging"'] }, { to: "staging" })),
  ],
  [
    "never-true",
    "a range that is empty",
    policy(dead("DENY", "pay", { when_all: ["payload.amount > 1000 && payload.amount < 100"] })),
    policy(rule("DENY", "pay", { when_all: ["payload.amount > 1000 || payload.amount < 100"] }, { amount: 1 })),
  ],
  [
    "never-true",
    "a value of a list, and another one",
    policy(
      dead("DENY", "deploy", {
        when_all: ['payload.to in ["production", "staging"]'],
        when_not: ['payload.to in ["staging", "production", "test"]'],
      }),
    ),
    policy(
      rule(
        "DENY",
        "deploy",
        { when_all: ['payload.to in ["production", "staging"]'], when_not: ['payload.to == "staging"'] },
        { to: "production" },
      ),
    ),
  ],
  [
    "never-true",
    "less than nothing",
    policy(dead("DENY", "send", { when_all: ["payload.to.size() < 0"] })),
    policy(rule("DENY", "send", { when_all: ["payload.to.size() == 0"] }, { to: [] })),
  ],
  [
    "never-true",
    "constants",
    policy(dead("DENY", "send", { when_all: ['"a" == "b"'] })),
    policy(rule("DENY", "send", { when_all: ['payload.a == "b"'] }, { a: "b" })),
  ],
  [
    "never-true",
    "an action type that the rule is not about",
    policy(dead("DENY", "send", { when_all: ['action_type == "deploy"'] })),
    policy(rule("DENY", "send", { when_all: ['payload.a == "deploy"'] }, { a: "deploy" })),
  ],
  [
    "always-true",
    "not one or not the other",
    policy(rule("DENY", "deploy", { when_any: ['payload.to != "test"', 'payload.to != "staging"'] }, { to: "test" })),
    policy(rule("DENY", "deploy", { when_all: ['!(payload.to in ["test", "staging"])'] }, { to: "production" })),
  ],
  [
    "always-true",
    "at least nothing",
    policy(rule("DENY", "send", { when_all: ["payload.to.size() >= 0"] }, { to: [] })),
    policy(rule("DENY", "send", { when_all: ["payload.to.size() >= 2"] }, { to: ["a", "b"] })),
  ],
  [
    "always-true",
    "an alternative that takes everything",
    policy(rule("DENY", "send", { when_all: ['payload.to == "me" || true'] }, { to: "you" })),
    policy(rule("DENY", "send", { when_all: ['payload.to == "me"'] }, { to: "me" })),
  ],
  [
    "always-true",
    "one block of several",
    policy(
      rule(
        "DENY",
        "deploy",
        { when_all: ["payload.now == true"], when_any: ['payload.to != "test"', 'payload.to != "staging"'] },
        { now: true, to: "test" },
      ),
    ),
    policy(
      rule(
        "DENY",
        "deploy",
        { when_all: ["payload.now == true"], when_not: ['payload.to in ["test", "staging"]'] },
        { now: true, to: "production" },
      ),
    ),
  ],
  [
    "self-comparison",
    "a field with itself",
    policy(rule("DENY", "move", { when_all: ["payload.from == payload.from"] }, { from: "a", to: "a" })),
    policy(rule("DENY", "move", { when_all: ["payload.from == payload.to"] }, { from: "a", to: "a" })),
  ],
  [
    "duplicate-condition",
    "in a block",
    policy(rule("DENY", "move", { when_any: ['payload.from == "a"', '"a" == payload.from'] }, { from: "a", to: "a" })),
    policy(rule("DENY", "move", { when_any: ['payload.from == "a"', 'payload.to == "a"'] }, { from: "a", to: "b" })),
  ],
  [
    "duplicate-condition",
    "in a chain",
    policy(rule("DENY", "move", { when_all: ['payload.from == "a" && payload.n > 1 && payload.from == "a"'] }, { from: "a", n: 2 })),
    policy(rule("DENY", "move", { when_all: ['payload.from == "a" && payload.n > 1'] }, { from: "a", n: 2 })),
  ],
  [
    "shadowed-rule",
    "by a stricter one with fewer conditions",
    policy(
      rule("REQUIRE_APPROVAL", "pay", { when_all: ["payload.amount > 100", 'agent_ctx.role == "x"'] }, { amount: 101 }, { role: "x" }),
      rule("DENY", "pay", { when_all: ["payload.amount > 50"] }, { amount: 101 }),
    ),
    policy(
      rule("REQUIRE_APPROVAL", "pay", { when_all: ["payload.amount > 50"] }, { amount: 101 }),
      rule("DENY", "pay", { when_all: ["payload.amount > 100"] }, { amount: 101 }),
    ),
  ],
  [
    "shadowed-rule",
    "an ALLOW under a DENY for every action",
    policy(
      rule("ALLOW", "pay", { when_all: ['payload.to == "a"'] }, { to: "a" }, { role: "x" }),
      rule("DENY", "*", { when_all: ['!has(agent_ctx.role) || agent_ctx.role != "y"'] }, {}),
      rule("DENY", "p*", {}, {}, {}, { examples: { match: [{ action_type: "pay", payload: {} }] } }),
    ),
    policy(
      rule("ALLOW", "pay", { when_all: ['payload.to == "a"'] }, { to: "a" }),
      rule(
        "DENY",
        "p*",
        { when_all: ['payload.to != "a"'] },
        { to: "b" },
        {},
        { examples: { match: [{ action_type: "pay", payload: { to: "b" } }] } },
      ),
    ),
  ],
  [
    "repeated-rule",
    "without a name",
    { version: 1, execute_shell: { deny_if: ["AKIA", "AKIA"] } },
    { version: 1, execute_shell: { deny_if: ["AKIA", "ASIA"] } },
  ],
  [
    "broad-allow",
    "a whole tool",
    policy(rule("ALLOW", "execute_shell", {}, { command: "ls" })),
    policy(rule("ALLOW", "execute_shell", { when_all: ['shell(payload.command).commands.all(c, c.text == "ls")'] }, { command: "ls" })),
  ],
  [
    "broad-allow",
    "a whole tool to one role",
    policy(rule("ALLOW", "read_file", { when_all: ['agent_ctx.role == "admin"'] }, { path: "a" }, { role: "admin" })),
    policy(
      rule(
        "ALLOW",
        "read_file",
        { when_all: ['agent_ctx.role == "admin"', 'path(payload.path).within("/srv")'] },
        { path: "/srv/a" },
        { role: "admin" },
      ),
    ),
  ],
  [
    "broad-allow",
    "every action type",
    policy(rule("ALLOW", "*", { when_all: ["has(payload.path)", 'path(payload.path).within("/srv")'] }, { path: "/srv/a" })),
    policy(rule("ALLOW", "own", { when_all: ['path(payload.path).within("/srv")'] }, { path: "/srv/a" })),
  ],
  [
    "default-allow",
    "by default",
    { ...policy(rule("DENY", "own", {}, {})), default: "ALLOW" },
    { ...policy(rule("DENY", "own", {}, {})), default: "DENY" },
  ],
  [
    "wide-exception",
    "for a role, whatever it does",
    excepted(['agent_ctx.role == "support"']),
    excepted(['agent_ctx.role == "support"', https, ownHost]),
  ],
  [
    "useless-exception",
    "where the rule is not about",
    excepted([https, "url(payload.url).valid"], "api-odd"),
    excepted([ownHost], "api-odd"),
  ],
  [
    "action-type-slip",
    "one letter",
    policy(rule("DENY", "execute_shel", {}, {})),
    policy(rule("DENY", "execute_shell", { when_all: ["!shell(payload.command).complete"] }, { command: "$X" })),
  ],
  [
    "unused-binding",
    "a tool that no rule is about",
    { ...policy(rule("DENY", "deploy", {}, {})), actions: { ship: { action_type: "deplyo", payload: { to: "args.to" } } } },
    { ...policy(rule("DENY", "deploy", {}, {})), actions: { ship: { action_type: "deploy", payload: { to: "args.to" } } } },
  ],
  ["missing-reason", "nothing is said", policy({ ...rule("DENY", "own", {}, {}), reason: null }), policy(rule("DENY", "own", {}, {}))],
  ["missing-examples", "nothing is proven", policy(dead("DENY", "own", {})), policy(rule("DENY", "own", {}, {}))],
  ["missing-id", "no name", policy({ ...rule("DENY", "own", {}, {}), id: null }), policy(rule("DENY", "own", {}, {}))],
];
