import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { canopy, temporaryDirectory } from "../cli.test.fixture.ts";
import type { Run } from "../cli.test.fixture.ts";
import { main } from "../main.ts";

const policy = `version: 1
rules:
  - id: no-trees
    action_type: execute_shell
    decision: DENY
    when_all: ['agent_ctx.env == "production"', "shell(payload.command).deletes.exists(d, d.recursive)"]
    reason: Trees stay
    examples:
      match: [{ payload: { command: rm -rf x }, agent_ctx: { env: production } }]
`;

const right = `tests:
  - name: trees stay in production & elsewhere they are asked about
    request: { action_type: execute_shell, payload: { command: rm -rf x } }
    columns: [agent_ctx.env, expect, rules]
    rows:
      - [production, DENY, no-trees]
      - [dev, REQUIRE_APPROVAL, []]
`;

const wrong = `tests:
  - name: "trees stay <everywhere> # TODO"
    request: { action_type: execute_shell, agent_ctx: { env: dev }, payload: { command: "rm -rf $X" } }
    expect: { decision: DENY, rules: no-trees }
`;

async function folder(files: Readonly<Record<string, string>>): Promise<(name: string) => string> {
  const directory = await temporaryDirectory();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return (name) => (name === "." ? directory : join(directory, name));
}

async function run(
  files: Readonly<Record<string, string>>,
  name: string,
  ...more: readonly string[]
): Promise<Run & { readonly lines: readonly string[] }> {
  const at = await folder(files);
  const { code, out, err } = await canopy(["test", at(name), ...more]);
  const short = (text: string): string => text.replaceAll(`${at(".")}/`, "");
  return {
    code,
    out: short(out),
    err: short(err),
    lines: short(out)
      .split("\n")
      .map((line) => line.trim().replaceAll(/ +/g, " ")),
  };
}

describe("canopy test", () => {
  it("runs the examples of a policy and the tests beside it, and writes nothing", async () => {
    const at = await folder({ "p.yaml": policy, "p.test.yaml": right });
    const { code, out, err } = await canopy(["test", at("p.yaml")]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.split("\n").slice(1)).toEqual([
      "  ✓ no-trees: match 1",
      "  ✓ trees stay in production & elsewhere they are asked about: production",
      "  ✓ trees stay in production & elsewhere they are asked about: dev",
      "",
      "3 passed, 0 failed",
      "",
    ]);
    expect(readdirSync(at("."))).toEqual(["p.test.yaml", "p.yaml"]);
  });

  it.each(["p.yaml", "p.test.yaml", "."])("tests the same, once, when it is given %s", async (name) => {
    const { code, lines } = await run({ "p.yaml": policy, "p.test.yaml": right }, name);
    expect(code).toBe(0);
    expect(lines).toContain("3 passed, 0 failed");
  });

  it("says of a failed test what was expected and came, what decided, what was unknown, and what kept the rule out", async () => {
    const { code, lines } = await run({ "p.yaml": policy, "p.test.yaml": wrong }, "p.yaml");
    expect(code).toBe(1);
    expect(lines).toEqual(
      expect.arrayContaining([
        "✗ trees stay <everywhere> # TODO p.test.yaml:2:5",
        "decision expected DENY, got REQUIRE_APPROVAL",
        "rules expected no-trees, got no rule",
        "decided no rule",
        "kept out DENY no-trees p.yaml:3",
        'false agent_ctx.env == "production"',
        'agent_ctx.env is "dev"',
        "1 passed, 1 failed",
      ]),
    );
    const doubtful = await run(
      { "p.yaml": policy, "p.test.yaml": wrong.replace("env: dev", "env: production").replace("rm -rf $X", "$X") },
      "p.yaml",
    );
    expect(doubtful.lines).toContainEqual(expect.stringMatching(/^unknown open: .* \(rule no-trees\)$/));
  });

  it("counts a failing example as a failed test, and not as a policy that cannot be tested", async () => {
    const { code, lines } = await run({ "p.yaml": policy.replace("rm -rf x }", "ls }") }, "p.yaml");
    expect(code).toBe(1);
    expect(lines).toEqual(
      expect.arrayContaining([
        "example expected conditions that are true, got conditions that are false",
        "kept out DENY no-trees p.yaml:3",
        "false shell(payload.command).deletes.exists(d, d.recursive)",
      ]),
    );
    expect(lines).toContain("0 passed, 1 failed");
  });

  it("finds policies and tests in folders and below, by what they hold, and leaves other YAML, hidden folders and packages alone", async () => {
    const at = await folder({
      "a/p.yaml": policy,
      "a/b/q.test.yml": `policy: ../p.yaml\n${right}`,
      "ci.yaml": "name: build\non: push\nrules: x\n",
      "compose.yaml": 'version: "3"\nservices: {}\n',
      ".hidden/p.yaml": "version: 1\nrules: [",
      "node_modules/x/p.yaml": "version: 1\nrules: [",
    });
    const { code, out } = await canopy(["test", at("."), "--json"]);
    expect(code).toBe(0);
    const { policies, problems } = JSON.parse(out) as { policies: { passed: number }[]; problems: unknown[] };
    expect({ passed: policies.map((each) => each.passed), problems }).toEqual({ passed: [3], problems: [] });
  });

  it("follows links to files, and tells of a file that it may not read", async () => {
    const at = await folder({ "store/p.yaml": policy, "conf/other.txt": "" });
    await symlink(at("store/p.yaml"), at("conf/p.yaml"));
    await symlink(at("."), at("conf/loop"));
    expect((await canopy(["test", at("conf")])).out).toContain("1 passed, 0 failed");
    await chmod(at("store/p.yaml"), 0o000);
    // The superuser reads whatever it likes.
    expect((await canopy(["test", at("conf")])).code).toBe(process.getuid?.() === 0 ? 0 : 2);
  });

  it.each([
    ["no policy beside the tests", { "p.test.yaml": right }, "p.test.yaml", "there is no such file"],
    [
      "tests that cannot be read",
      { "p.yaml": policy, "p.test.yaml": right.replace("expect", "expct") },
      "p.yaml",
      "p.test.yaml:4:30: unknown column `expct`",
    ],
    [
      "a policy that does not load",
      { "p.yaml": policy.replace("DENY", "DENI") },
      ".",
      "p.yaml:5:15: unknown decision `DENI`, did you mean `DENY`?",
    ],
    ["a policy that is no YAML", { "p.yaml": "version: 1\nrules: [" }, ".", "p.yaml:"],
    ["no test at all", { "p.yaml": "version: 1\nrules: [{ action_type: x, deny: true }]" }, ".", "no test found in"],
    ["a policy without tests, by its name", { "p.yaml": "version: 1\nrules: [{ action_type: x, deny: true }]" }, "p.yaml", "no test found"],
    ["an empty folder", {}, ".", "no test found in"],
    ["nothing there", {}, "x.yaml", "there is no such file or folder"],
  ])("ends with 2 for %s", async (_what, files, name, message) => {
    const { code, err } = await run(files, name);
    expect(err).toContain(message);
    expect(code).toBe(2);
  });

  it("tests what it can where a file cannot be understood, and still ends with 2", async () => {
    const { code, out, err } = await run({ "a.yaml": policy, "a.test.yaml": wrong, "b.yaml": policy.replace("rules:", "rule:") }, ".");
    expect(out).toContain("1 passed, 1 failed, 1 could not be tested");
    expect(err).toContain("b.yaml:2:1");
    expect(code).toBe(2);
  });

  it("tells coverage, and fails where there is too little of it", async () => {
    const files = { "p.yaml": policy, "p.test.yaml": right };
    expect((await run(files, "p.yaml", "--coverage")).lines).toContain("coverage 100 % (2 of 2)");
    const alone = { "p.yaml": policy };
    const { code, lines } = await run(alone, "p.yaml", "--coverage");
    expect(code).toBe(0);
    expect(lines).toEqual(expect.arrayContaining(["coverage 50 % (1 of 2)", "rule no-trees (p.yaml:3): its conditions were never false"]));
    expect((await run(alone, "p.yaml", "--min-coverage", "50")).code).toBe(0);
    const short = await run(alone, "p.yaml", "--min-coverage", "50.1");
    expect(short.code).toBe(1);
    expect(short.lines).toContain("coverage 50 % (1 of 2), wanted 50.1 %");
  });

  it.each([
    [["--min-coverage", "101"], "--min-coverage takes a number from 0 to 100"],
    [["--min-coverage", "x"], "--min-coverage takes a number from 0 to 100"],
    [["--min-coverage=-1"], "--min-coverage takes a number from 0 to 100"],
    [["--reporter", "dots"], "unknown reporter `dots`"],
    [["--reporter", "constructor"], "unknown reporter `constructor`"],
    [["--reporter", "tap", "--json"], "two reporters"],
    [["--covrage"], "--covrage"],
    [[""], "the name of a file is empty"],
  ])("%j is refused", async (argv, message) => {
    expect(await canopy(["test", ...argv])).toMatchObject({ code: 2, out: "", err: expect.stringContaining(message) as string });
  });

  it("tests the bundled policy with tests of somebody's own", async () => {
    const { code, lines } = await run(
      {
        "own.test.yaml": `policy: canopy:default\n${right.replaceAll("no-trees", "shell-delete-tree").replace("[dev, REQUIRE_APPROVAL, []]", "[dev, DENY, []]")}`,
      },
      ".",
    );
    expect(code).toBe(1);
    expect(lines).toContainEqual(expect.stringMatching(/^\d+ passed, 1 failed$/));
    expect(lines).toContain("rules expected no rule, got shell-delete-tree");
  });

  it("tells of a policy without tests also where it is named beside its folder", async () => {
    const at = await folder({ "p.yaml": "version: 1\nrules: [{ action_type: x, deny: true }]", "q.yaml": policy });
    const { code, err } = await canopy(["test", at("."), at("p.yaml")]);
    expect(code).toBe(2);
    expect(err).toContain("p.yaml: no test found");
  });

  it("tests the bundled policy by its name", async () => {
    const { code, out } = await canopy(["test", "canopy:default", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ policies: [{ policy: "canopy:default", failed: 0 }], problems: [] });
  });
});

describe("the reporters of canopy test", () => {
  const files = { "p.yaml": policy, "p.test.yaml": wrong, "q.yaml": "version: 1\nrules: [" };

  it("tap: a plan, a point for each test, and no directive that a name could smuggle in", async () => {
    const { out } = await run(files, ".", "--reporter", "tap", "--min-coverage", "100");
    const points = out.split("\n").filter((line) => /^(?:not )?ok /.test(line));
    expect(out.split("\n").slice(0, 2)).toEqual(["TAP version 14", `1..${points.length}`]);
    expect(points).toEqual([
      "ok 1 - p.yaml: no-trees: match 1",
      String.raw`not ok 2 - p.yaml: trees stay <everywhere> \# TODO`,
      "ok 3 - p.yaml: coverage is at least 100 %",
      expect.stringMatching(/^not ok 4 - q\.yaml:/),
    ]);
    expect(out).toContain('  failures: ["decision: expected DENY, got REQUIRE_APPROVAL","rules: expected no-trees, got no rule"]');
  });

  it("junit: failures, errors, and text that cannot leave its place", async () => {
    const { out } = await run(
      { ...files, "p.test.yaml": wrong.replace("# TODO", String.raw`\"]]> \e[2J`) },
      ".",
      "--reporter",
      "junit",
      "--min-coverage",
      "100",
    );
    expect(out).toContain('<testsuite name="p.yaml" tests="3" failures="1" errors="0">');
    expect(out).toContain('<testsuite name="not tested" tests="1" failures="0" errors="1">');
    expect(out).toContain("trees stay &lt;everywhere&gt; &quot;]]&gt; \uFFFD[2J");
    expect(out).toContain('<failure message="decision: expected DENY, got REQUIRE_APPROVAL&#10;rules');
    expect(out).not.toContain("\u001B");
  });

  it("json: all of it, and coverage where it was asked for", async () => {
    const { out } = await run(files, ".", "--reporter", "json", "--coverage");
    expect(JSON.parse(out)).toMatchObject({
      policies: [
        {
          passed: 1,
          failed: 1,
          tests: [
            { name: "no-trees: match 1", kind: "example", passed: true, failures: [] },
            {
              passed: false,
              decision: "REQUIRE_APPROVAL",
              rules: [],
              failures: [{ what: "decision", expected: "DENY" }, { what: "rules" }],
              line: 2,
            },
          ],
          coverage: { percent: 100, total: 2, enough: true },
        },
      ],
      problems: [expect.stringContaining("q.yaml:")],
    });
  });

  it("spec: nothing that could trick a terminal", async () => {
    const { out } = await run({ "p.yaml": policy, "p.test.yaml": wrong.replace("# TODO", String.raw`\e[2J \u202e`) }, ".");
    expect(out).not.toContain("\u001B");
    expect(out).not.toContain("\u202E");
  });
});

it("canopy test --watch runs again when a file changes or is added, and ends with the last answer when its input does", async () => {
  const at = await folder({ "p.yaml": policy, "p.test.yaml": wrong });
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let out = "";
  let notify: (() => void) | null = null;
  stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
    notify?.();
  });
  const told = async (text: string): Promise<void> => {
    while (!out.includes(text)) await new Promise<void>((resolve) => (notify = resolve));
    out = "";
  };
  const code = main(["test", at("."), "--watch"], { stdin, stdout, stderr, env: {}, interactive: false });
  await told("1 passed, 1 failed\n");
  await writeFile(at("p.test.yaml"), right);
  await told("3 passed, 0 failed\n");
  await writeFile(at("q.yaml"), policy.replace("no-trees", "other"));
  await told("4 passed, 0 failed\n");
  stdin.end();
  expect(await code).toBe(0);
});
