import { describe, expect, it } from "vitest";

import { lintPolicy } from "../lint-policy.ts";
import { lint, policy, rule } from "./lint.test.kit.ts";

/** The rules of a policy as YAML, each in one line, and what lint says of them beside good manners. */
async function findingsIn(...lines: readonly string[]): Promise<readonly string[]> {
  const text = ["version: 1", "rules:", ...lines.map((line) => (line.startsWith("#") ? `  ${line}` : `  - ${line}`)), ""].join("\n");
  return (await lint(text))
    .filter(({ level }) => level !== "note")
    .map(({ id, rule: name, line }) => `${line} ${id}${name === null ? "" : ` ${name}`}`);
}

function inherits(except: string): string {
  return `
version: 1
extends: canopy:default
${except}
rules:
  - { id: r, action_type: call_external_api, decision: DENY, when_all: [url(payload.url).internal] }
`;
}

async function idsWith(except: string): Promise<readonly string[]> {
  return (await lint(inherits(except))).filter(({ level }) => level !== "note").map(({ id }) => id);
}

async function read(): Promise<{ name: string; text: string }> {
  return await Promise.resolve({ name: "base.yaml", text: "version: 1\nrules: [{ action_type: execute_shell, allow: true }]" });
}

describe("a rule is said to be shadowed only where that is so", () => {
  const a = "payload.a == 1";
  const b = "payload.b == 2";
  const fact = "shell(payload.command).complete";

  it.each([
    [
      "the same twice: the later one",
      [`{ id: r, action_type: x, deny: true, when_all: [${a}] }`, `{ id: s, action_type: x, deny: true, when_all: [${a}] }`],
      ["4 shadowed-rule s"],
    ],
    [
      "a condition more, where nothing can be open",
      [`{ id: r, action_type: x, deny: true, when_all: [${a}, ${b}] }`, `{ id: s, action_type: x, deny: true, when_all: [${a}] }`],
      ["3 shadowed-rule r"],
    ],
    [
      "one of several values",
      [
        `{ id: r, action_type: x, deny: true, when_all: ['payload.c == "u"'] }`,
        `{ id: s, action_type: x, deny: true, when_all: ['payload.c in ["t", "u"]'] }`,
      ],
      ["3 shadowed-rule r"],
    ],
    [
      "a narrower range",
      [
        `{ id: r, action_type: x, deny: true, when_all: ["payload.n > 5"] }`,
        `{ id: s, action_type: x, deny: true, when_all: ["payload.n >= 5"] }`,
      ],
      ["3 shadowed-rule r"],
    ],
    [
      "each alternative of one, among those of the other",
      [
        `{ id: r, action_type: x, deny: true, when_any: [${a}, ${b}] }`,
        `{ id: s, action_type: x, deny: true, when_any: [${b}, payload.c == 3, ${a}] }`,
      ],
      ["3 shadowed-rule r"],
    ],
    [
      "a name under a glob",
      [
        `{ id: r, action_type: db_write, require_approval: true, when_all: [${a}] }`,
        `{ id: s, action_type: "db_*", deny: true, when_all: [${a}] }`,
      ],
      ["3 shadowed-rule r"],
    ],
    [
      "a glob under a wider one",
      [`{ id: r, action_type: "db_w*", require_approval: true }`, `{ id: s, action_type: "db_*", deny: true }`],
      ["3 shadowed-rule r"],
    ],
    [
      "what is open only asks, and so does the other",
      [
        `{ id: r, action_type: execute_shell, require_approval: true, when_all: ["${fact}", 'agent_ctx.env == "dev"'] }`,
        `{ id: s, action_type: execute_shell, deny: true, when_all: ["${fact}"] }`,
      ],
      ["3 shadowed-rule r"],
    ],
    [
      "items that are looked at in the same way",
      [
        `{ id: r, action_type: x, deny: true, when_all: ["payload.l.exists(i, i == 1 && payload.a == 1)"] }`,
        `{ id: s, action_type: x, deny: true, when_all: ["payload.l.exists(j, j == 1)"] }`,
      ],
      ["3 shadowed-rule r"],
    ],
  ])("told: %s", async (_what, lines, expected) => {
    expect(await findingsIn(...lines)).toEqual(expected);
  });

  it.each([
    // With `env` missing and the command open, the first one denies and the second one asks.
    [
      "a DENY with one condition more beside one that may be open",
      [
        `{ id: r, action_type: execute_shell, deny: true, when_all: ["${fact}", 'agent_ctx.env == "dev"'] }`,
        `{ id: s, action_type: execute_shell, deny: true, when_all: ["${fact}"] }`,
      ],
    ],
    [
      "a range that lacks its end",
      [
        `{ id: r, action_type: x, deny: true, when_all: ["payload.n >= 5"] }`,
        `{ id: s, action_type: x, deny: true, when_all: ["payload.n > 5"] }`,
      ],
    ],
    [
      "a looser one",
      [
        `{ id: r, action_type: x, deny: true, when_all: [${a}, ${b}] }`,
        `{ id: s, action_type: x, require_approval: true, when_all: [${a}] }`,
      ],
    ],
    [
      "a narrower one",
      [`{ id: r, action_type: x, deny: true, when_all: [${a}] }`, `{ id: s, action_type: x, deny: true, when_all: [${a}, ${b}] }`],
    ],
    [
      "other actions",
      [`{ id: r, action_type: "db_*", deny: true, when_all: [${a}] }`, `{ id: s, action_type: db_write, deny: true, when_all: [${a}] }`],
    ],
    [
      "overlapping globs",
      [`{ id: r, action_type: "a*b", deny: true, when_all: [${a}] }`, `{ id: s, action_type: "a*c", deny: true, when_all: [${a}] }`],
    ],
    [
      "a higher severity, which wants a key",
      [
        `{ id: r, action_type: x, require_approval: true, severity: high, when_all: [${a}] }`,
        `{ id: s, action_type: x, require_approval: true }`,
      ],
    ],
    [
      "a missing field, which one asks about and the other does not",
      [
        `{ id: r, action_type: x, deny: true, when_all: ["!(payload.a == 1)"] }`,
        `{ id: s, action_type: x, deny: true, when_all: ["has(payload.a) && payload.a != 1"] }`,
      ],
    ],
    [
      "a number beyond what JSON carries",
      [
        `{ id: r, action_type: x, deny: true, when_all: ["payload.n > 9007199254740993"] }`,
        `{ id: s, action_type: x, deny: true, when_all: ["payload.n > 5"] }`,
      ],
    ],
    [
      "items of which one rule looks at more, and may run out of steps",
      [
        `{ id: r, action_type: x, deny: true, when_all: ["payload.l.exists(i, i == 1 && payload.l.exists(k, k == i))"] }`,
        `{ id: s, action_type: x, deny: true, when_all: ["payload.l.exists(j, j == 1)"] }`,
      ],
    ],
    [
      "the same words of another type",
      [
        `{ id: r, action_type: read_file, deny: true, when_all: ["size(payload.path) > 3"] }`,
        `{ id: s, action_type: [read_file, "own"], deny: true, when_all: ["size(payload.path) > 3"] }`,
      ],
    ],
    [
      "an alternative that no rule has",
      [`{ id: r, action_type: x, deny: true, when_any: [${a}, ${b}] }`, `{ id: s, action_type: x, deny: true, when_all: [${a}] }`],
    ],
  ])("not told: %s", async (_what, lines) => {
    expect(await findingsIn(...lines)).not.toContain("3 shadowed-rule r");
  });

  it("an inherited rule shadows, but not where the policy lifts it", async () => {
    expect(await idsWith("")).toEqual(["shadowed-rule"]);
    expect(await idsWith("except: { api-internal: ['url(payload.url).host_in(\"intranet.example.com\")'] }")).toEqual([]);
  });
});

describe("a comment disables one check for the next line, with a reason", () => {
  const rule1 = `{ id: r, action_type: x, allow: true, when_all: ['payload contains "a"'] }`;

  it("and only that", async () => {
    expect(await findingsIn(rule1)).toEqual(["3 allow-text r"]);
    expect(await findingsIn("# canopy-lint-disable-next-line allow-text -- a flag of ours, not the model's", rule1)).toEqual([]);
    expect(await findingsIn("# canopy-lint-disable-next-line allow-text -- ours", "# another comment", rule1)).toEqual([]);
    expect(await findingsIn("# canopy-lint-disable-next-line allow-text -- ours", rule1, rule1.replace("id: r", "id: s"))).toEqual([
      "5 shadowed-rule s",
      "5 allow-text s",
    ]);
    expect(await findingsIn("# canopy-lint-disable-next-line allow-text, shadowed-rule -- ours", rule1)).toEqual(["3 unused-disable"]);
  });

  it.each([
    "# canopy-lint-disable-next-line allow-text",
    "# canopy-lint-disable-next-line allow-text --",
    "# canopy-lint-disable-next-line -- a reason",
    "# canopy-lint-disable allow-text -- a reason",
    "# canopy-lint-disable-line allow-text -- a reason",
    "# Canopy_Lint off",
  ])("%s disables nothing", async (comment) => {
    expect(await findingsIn(comment, rule1)).toEqual(["3 bad-disable", "4 allow-text r"]);
  });

  it("not what there is no check for, nor the checks of these comments", async () => {
    expect(await findingsIn("# canopy-lint-disable-next-line alow-text -- x", rule1)).toEqual(["3 bad-disable", "4 allow-text r"]);
    expect(await findingsIn("# canopy-lint-disable-next-line bad-disable, unused-disable -- x", rule1)).toEqual([
      "3 bad-disable",
      "3 bad-disable",
      "4 allow-text r",
    ]);
  });

  it("and what stands inside of a value is no comment", async () => {
    const text = `version: 1
rules:
  - id: r
    action_type: x
    reason: |
      # canopy-lint-disable-next-line allow-text -- not a comment
      said
    allow: true
    when_all: ['payload contains "# canopy-lint-disable-next-line allow-text -- neither"']
`;
    expect((await lint(text)).filter(({ level }) => level !== "note").map(({ id }) => id)).toEqual(["allow-text"]);
  });

  it.each([">-", "|", '"', "'", ""])("and goes as far as what begins there (%s)", async (style) => {
    const lines =
      style.startsWith(">") || style === "|"
        ? [style, 'payload contains "a" ||', 'payload contains "b"']
        : style === '"'
          ? ['"payload.x == 1 ||', "  payload contains 'b'\""]
          : style === "'"
            ? ["'payload.x == 1 ||", '  payload contains "b"\'']
            : ["payload.x == 1 ||", '  payload contains "b"'];
    const text = [
      "version: 1",
      "rules:",
      "  - id: r",
      "    action_type: x",
      "    allow: true",
      "    when_all:",
      "      # canopy-lint-disable-next-line allow-text -- ours",
      `      - ${lines[0]}`,
      ...lines.slice(1).map((line) => `        ${line}`),
      '      - payload contains "c"',
      "",
    ].join("\n");
    expect((await lint(text)).filter(({ level }) => level !== "note").map(({ id, line }) => [id, line])).toEqual([
      ["allow-text", 8 + lines.length],
    ]);
  });

  it("tells what is disabled all the same", async () => {
    const text = `version: 1\nrules:\n  # canopy-lint-disable-next-line missing-examples, allow-text, missing-reason -- ours\n  - ${rule1}\n`;
    const { findings, disabled } = await lintPolicy({ name: "p", text });
    expect(findings).toEqual([]);
    expect(disabled.map(({ id }) => id).toSorted()).toEqual(["allow-text", "missing-examples", "missing-reason"]);
  });
});

describe("linting a policy", () => {
  it("finds nothing in the bundled policy", async () => {
    expect((await lintPolicy("canopy:default")).findings).toEqual([]);
  });

  it("says nothing of what other files hold", async () => {
    const root = {
      name: "p.yaml",
      text: "version: 1\nextends: base.yaml\nrules: [{ id: a, action_type: x, deny: true, reason: r, examples: { match: [{ payload: {} }] } }]",
    };
    expect((await lintPolicy(root, { read })).findings).toEqual([]);
    expect((await lintPolicy(await read())).findings.map(({ id }) => id)).toContain("broad-allow");
  });

  it("refuses what does not load, a failing example included", async () => {
    await expect(lint("version: 1\nrules: [{ action_type: x, deny: tru }]")).rejects.toThrow("p.yaml:2:33");
    await expect(lint(policy(rule("DENY", "x", { when_all: ["payload.n == 1"] }, { n: 2 })))).rejects.toThrow("the example does not match");
  });

  it("does not stumble over a policy of a thousand rules, and gives up proofs rather than time", async () => {
    const rules = Array.from({ length: 1000 }, (_, n) => ({
      id: `r${n}`,
      action_type: "x",
      decision: "DENY",
      when_any: [`payload.a == ${n}`, `payload.b == "${n}" && payload.c > ${n}`],
    }));
    expect(new Set((await lint(policy(...rules))).map(({ level }) => level))).toEqual(new Set(["note"]));
  });
});
