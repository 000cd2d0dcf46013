import { call, dead, excepted, https, ownHost, policy, rmTree, rule } from "./lint.test.kit.ts";
import type { Mistake } from "./lint.test.kit.ts";

/** Conditions that do not mean what they seem to. */
export const mistakesOfMeaning: readonly Mistake[] = [
  [
    "allow-text",
    "of the whole payload",
    policy(rule("ALLOW", "execute_shell", { when_all: ['payload contains "git status"'] }, { command: "git status" })),
    policy(
      rule(
        "ALLOW",
        "execute_shell",
        { when_all: ['shell(payload.command).programs.all(p, p == "git")', "shell(payload.command).changes.size() == 0"] },
        { command: "git status" },
      ),
    ),
  ],
  [
    "allow-text",
    "of a field",
    policy(rule("ALLOW", "call_external_api", { when_all: ['payload.url.startsWith("https://api.example.com")'] }, call)),
    policy(rule("ALLOW", "call_external_api", { when_all: [https, ownHost] }, call)),
  ],
  [
    "allow-text",
    "of a fact's text",
    policy(rule("ALLOW", "call_external_api", { when_all: ['url(payload.url).host.endsWith("example.com")'] }, call)),
    policy(rule("ALLOW", "call_external_api", { when_all: ['url(payload.url).host_in(["*.example.com"])'] }, call)),
  ],
  [
    "allow-text",
    "in what a DENY spares",
    policy(rule("DENY", "execute_shell", { when_all: [rmTree], when_not: ['payload.command contains "/tmp/"'] }, { command: "rm -rf /" })),
    policy(
      rule(
        "DENY",
        "execute_shell",
        { when_all: ['shell(payload.command).deletes.exists(d, d.recursive && !d.path.strictly_within("/tmp"))'] },
        { command: "rm -rf /" },
      ),
    ),
  ],
  ["allow-text", "in an exception", excepted(['payload.url contains "example.com"']), excepted([https, ownHost])],
  [
    "allow-text",
    "anywhere in a field of one's own",
    policy(rule("ALLOW", "send", { when_all: ['payload.to.all(t, t contains "@example.com")'] }, { to: ["a@example.com"] })),
    policy(rule("ALLOW", "send", { when_all: ['payload.to.all(t, t.endsWith("@example.com"))'] }, { to: ["a@example.com"] })),
  ],
  [
    "allow-exists",
    "one delete of several",
    excepted(['shell(payload.command).deletes.exists(d, d.path.within("/var/log"))'], "shell-change"),
    excepted(['shell(payload.command).deletes.all(d, d.path.strictly_within("/var/log"))'], "shell-change"),
  ],
  [
    "allow-exists",
    "one verb of several",
    policy(rule("ALLOW", "execute_query", { when_all: ['"SELECT" in sql(payload.query).verbs'] }, { query: "SELECT 1" })),
    policy(
      rule(
        "ALLOW",
        "execute_query",
        { when_all: ['sql(payload.query).verbs.all(v, v == "SELECT")', "sql(payload.query).reads_only"] },
        { query: "SELECT 1" },
      ),
    ),
  ],
  [
    "unanchored-regex",
    "a part that fits",
    policy(rule("ALLOW", "deploy", { when_all: ['payload.ref.matches("[0-9a-f]{40}")'] }, { ref: "0".repeat(40) })),
    policy(rule("ALLOW", "deploy", { when_all: ['payload.ref.matches("^[0-9a-f]{40}$")'] }, { ref: "0".repeat(40) })),
  ],
  [
    "unanchored-regex",
    "an alternative outside of the anchors",
    policy(rule("ALLOW", "deploy", { when_all: ['payload.ref.matches("^main|release$")'] }, { ref: "main" })),
    policy(rule("ALLOW", "deploy", { when_all: ['payload.ref.matches("^(main|release)$")'] }, { ref: "main" })),
  ],
  [
    "text-command",
    "a program in the command",
    policy(rule("DENY", "execute_shell", { when_all: ['payload.command contains "rm -rf"'] }, { command: "rm -rf x" })),
    policy(rule("DENY", "execute_shell", { when_all: [rmTree] }, { command: "rm -rf x" })),
  ],
  [
    "text-command",
    "a regex over the payload",
    policy({ ...dead("DENY", "execute_shell", {}), decision: null, deny_regex: String.raw`\bcurl\s+http` }),
    policy(
      rule(
        "DENY",
        "execute_shell",
        { when_all: ["shell(payload.command).network.exists(n, true)"] },
        { command: "curl https://example.com" },
      ),
    ),
  ],
  [
    "text-command",
    "one spelling",
    policy(rule("DENY", "execute_shell", { when_all: ['payload.command in ["reboot", "halt"]'] }, { command: "reboot" })),
    policy(
      rule(
        "DENY",
        "execute_shell",
        { when_all: ['shell(payload.command).programs.exists(p, p in ["reboot", "halt"])'] },
        { command: "reboot" },
      ),
    ),
  ],
  [
    "text-path",
    "a prefix",
    policy(rule("DENY", "modify_file", { when_all: ['payload.path.startsWith("/etc")'] }, { path: "/etc/x" })),
    policy(rule("DENY", "modify_file", { when_all: ['path(payload.path).within("/etc")'] }, { path: "/etc/x" })),
  ],
  [
    "text-path",
    "dots",
    policy(rule("DENY", "read_file", { when_all: ['payload contains "../"'] }, { path: "../x" })),
    policy(rule("DENY", "read_file", { when_all: ['!path(payload.path).within("/srv")'] }, { path: "/etc/x" })),
  ],
  [
    "text-url",
    "a host in the address",
    policy(rule("DENY", "call_external_api", { when_all: ['payload.url contains "169.254.169.254"'] }, { url: "http://169.254.169.254/" })),
    policy(rule("DENY", "call_external_api", { when_all: ["url(payload.url).internal"] }, { url: "http://169.254.169.254/" })),
  ],
  [
    "text-url",
    "a host as text",
    policy(
      rule(
        "DENY",
        "call_external_api",
        {
          when_all: ['url(payload.url).hosts.exists(h, h.endsWith("evil.example"))'],
        },
        { url: "https://evil.example/" },
      ),
    ),
    policy(
      rule("DENY", "call_external_api", { when_all: ['!url(payload.url).host_in("*.example.com")'] }, { url: "https://evil.example/" }),
    ),
  ],
  [
    "text-query",
    "a verb as text",
    policy(rule("DENY", "execute_query", { when_all: ['payload.query.matches("(?i)drop table")'] }, { query: "drop table x" })),
    policy(rule("DENY", "execute_query", { when_all: ["sql(payload.query).destructive"] }, { query: "drop table x" })),
  ],
  [
    "safe-list-in",
    "a path in a list",
    policy(rule("ALLOW", "read_file", { when_all: ["payload.path in agent_ctx.safe_paths"] }, { path: "/srv" }, { safe_paths: ["/srv"] })),
    policy(
      rule(
        "ALLOW",
        "read_file",
        { when_all: ["path(payload.path).within(agent_ctx.safe_paths)"] },
        { path: "/srv/a" },
        { safe_paths: ["/srv"] },
      ),
    ),
  ],
  [
    "safe-list-in",
    "a host in a list",
    policy(rule("DENY", "call_external_api", { when_all: ["!(url(payload.url).host in agent_ctx.safe_hosts)"] }, call, { safe_hosts: [] })),
    policy(rule("DENY", "call_external_api", { when_all: ["!url(payload.url).host_in(agent_ctx.safe_hosts)"] }, call, { safe_hosts: [] })),
  ],
  [
    "regex-as-text",
    "a pattern that is searched for",
    policy(dead("DENY", "own", { when_all: [String.raw`payload contains "a\\s+b"`] })),
    policy(
      rule(
        "DENY",
        "own",
        { when_all: [String.raw`payload matches "a\\s+b"`.replace("payload matches ", "payload.matches(").concat(")")] },
        { x: "a b" },
      ),
    ),
  ],
  [
    "unescaped-dot",
    "a host in a regex",
    policy(rule("DENY", "own", { when_all: ['!payload.host.matches("^api.example.com$")'] }, { host: "x" })),
    policy(rule("DENY", "own", { when_all: ['payload.host != "api.example.com"'] }, { host: "x" })),
  ],
  [
    "wrong-case",
    "an environment",
    policy(dead("DENY", "own", { when_all: ['agent_ctx.env == "Production"'] })),
    policy(rule("DENY", "own", { when_all: ['agent_ctx.env == "production"'] }, {}, { env: "production" })),
  ],
  [
    "wrong-case",
    "an SQL verb",
    policy(dead("DENY", "execute_query", { when_all: ['sql(payload.query).verbs.exists(v, v in ["drop"])'] })),
    policy(rule("DENY", "execute_query", { when_all: ['sql(payload.query).verbs.exists(v, v in ["DROP"])'] }, { query: "DROP TABLE x" })),
  ],
  [
    "wrong-case",
    "a scheme",
    policy(dead("DENY", "call_external_api", { when_all: ['"HTTP" == url(payload.url).scheme'] })),
    policy(rule("DENY", "call_external_api", { when_all: ['"http" == url(payload.url).scheme'] }, { url: "http://example.com/" })),
  ],
  [
    "wrong-case",
    "two spellings in one policy",
    policy(
      rule("DENY", "own", { when_all: ['agent_ctx.team == "Billing"', "payload.n == 1"] }, { n: 1 }, { team: "Billing" }),
      rule("REQUIRE_APPROVAL", "own", { when_all: ['agent_ctx.team == "billing"'] }, {}, { team: "billing" }),
    ),
    policy(
      rule("DENY", "own", { when_all: ['agent_ctx.team == "billing"', "payload.n == 1"] }, { n: 1 }, { team: "billing" }),
      rule("REQUIRE_APPROVAL", "own", { when_all: ['agent_ctx.team == "billing"'] }, {}, { team: "billing" }),
    ),
  ],
  [
    "bad-argument",
    "an address for a host",
    policy(dead("ALLOW", "call_external_api", { when_all: [https, 'url(payload.url).host_in(["https://api.example.com"])'] })),
    policy(rule("ALLOW", "call_external_api", { when_all: [https, ownHost] }, call)),
  ],
  [
    "bad-argument",
    "a relative directory",
    policy(dead("ALLOW", "read_file", { when_all: ['path(payload.path).within("src")'] })),
    policy(rule("ALLOW", "read_file", { when_all: ['path(payload.path).within("/srv/src")'] }, { path: "/srv/src/a" })),
  ],
  [
    "vacuous-all",
    "of nothing",
    policy(
      rule("DENY", "execute_shell", { when_all: ['shell(payload.command).deletes.all(d, d.path.within("/srv"))'] }, { command: "ls" }),
    ),
    policy(
      rule(
        "DENY",
        "execute_shell",
        { when_all: ['shell(payload.command).deletes.exists(d, d.path.within("/srv"))'] },
        { command: "rm /srv/a" },
      ),
    ),
  ],
  [
    "open-size",
    "what may not be known in full",
    policy(
      rule("DENY", "execute_shell", { when_all: ["shell(payload.command).network.size() > 0"] }, { command: "curl https://example.com" }),
    ),
    policy(
      rule(
        "DENY",
        "execute_shell",
        { when_all: ["shell(payload.command).network.exists(i, true)"] },
        { command: "curl https://example.com" },
      ),
    ),
  ],
];
