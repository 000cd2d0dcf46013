import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { canopy, temporaryDirectory } from "../cli.test.fixture.ts";

async function explain(
  action: string,
  payload: object,
  ...more: string[]
): Promise<{ code: number; out: string; lines: readonly string[] }> {
  const agent = JSON.stringify({ cwd: "/repo", home: "/home/agent" });
  const { code, out, err } = await canopy([
    "explain",
    "--action",
    action,
    "--payload",
    JSON.stringify(payload),
    "--agent",
    agent,
    "--lexical",
    ...more,
  ]);
  expect(err).toBe("");
  return { code, out, lines: out.split("\n").map((line) => line.trim().replaceAll(/ +/g, " ")) };
}

describe("canopy explain", () => {
  it("says of a command what it runs, reads, writes and deletes, in words that a person reads", async () => {
    const { code, lines } = await explain("execute_shell", { command: "sudo rm -rf 'my dir' | tee out.txt; r''m -f x" });
    expect(code).toBe(4);
    expect(lines[0]).toBe("DENY execute_shell");
    expect(lines).toEqual(
      expect.arrayContaining([
        "understood",
        "complete true",
        "programs sudo, rm, tee",
        "commands rm -rf 'my dir' (started by sudo)",
        "rm -f x",
        "deletes /repo/my dir by rm recursive",
        "/repo/x by rm",
        "writes /repo/out.txt by tee",
        "privileges kind root, program sudo",
        "rules",
      ]),
    );
  });

  it("says once what may be missing from which lists, and why", async () => {
    const { code, lines } = await explain("execute_shell", { command: "cat $F; $P x" });
    expect(code).toBe(3);
    expect(lines).toContain("reads not known: `…` is not known before it runs by cat");
    const perhaps = lines.filter((line) => line.startsWith("perhaps more"));
    const reasons = perhaps.map((line) => line.replace(/^[^:]*: /, ""));
    expect(new Set(reasons).size).toBe(reasons.length);
    expect(perhaps.join("\n")).toContain("programs, commands, deletes");
  });

  it("says of a rule what came of its conditions, on what values, and leaves out those that are kept out", async () => {
    const { out, lines } = await explain("execute_shell", { command: "curl https://example.com" });
    expect(lines).toContainEqual(expect.stringMatching(/^applies REQUIRE_APPROVAL shell-network canopy:default:\d+$/));
    expect(lines).toContainEqual(
      expect.stringMatching(/^shell\(payload\.command\)\.network is \[.*\{"program":"curl","host":"example\.com"\}\]$/),
    );
    expect(out).not.toContain("kept out   ");
    expect(lines).toContainEqual(expect.stringMatching(/^\d+ more are kept out by their conditions; --all shows them$/));
    const all = await explain("execute_shell", { command: "curl https://example.com" }, "--all");
    expect(all.lines).toContainEqual(expect.stringMatching(/^kept out DENY shell-delete-tree/));
    expect(all.lines).toContain("installs none");
  });

  it.each([
    ["call_external_api", { url: "https://api.good.com@evil.com/" }, "hosts evil.com", 4],
    ["execute_query", { query: "delete from users" }, "tables users", 4],
    ["read_file", { path: "../etc/passwd" }, "absolute /etc/passwd", 3],
    ["send_money", { amount: 3 }, "none applies", 3],
  ])("explains %s", async (action, payload, line, code) => {
    const explained = await explain(action, payload);
    expect(explained.lines).toContain(line);
    expect(explained.code).toBe(code);
  });

  it("gives all of it as JSON, closed and open lists told apart", async () => {
    const { out } = await explain("execute_shell", { command: "cat $X" }, "--json");
    expect(out.trimEnd().split("\n")).toHaveLength(1);
    expect(JSON.parse(out)).toMatchObject({
      action_type: "execute_shell",
      decision: "REQUIRE_APPROVAL",
      understood: {
        fact: "shell",
        programs: { items: ["cat"], open: null },
        reads: { items: [{ path: { open: expect.any(String) as string }, program: "cat" }] },
      },
      considered: expect.arrayContaining([
        expect.objectContaining({ rule: expect.objectContaining({ id: "shell-read-only" }) as object, outcome: "kept_out" }),
      ]) as object,
    });
  });

  it("shows nothing that could trick a terminal", async () => {
    const { out } = await explain("execute_shell", { command: "echo '\u001b[2J\u202e'" }, "--all");
    expect(out).not.toContain("\u001b");
    expect(out).not.toContain("\u202e");
  });

  it("takes the policy that is named, and is DENY where that does not load", async () => {
    const folder = await temporaryDirectory();
    const policy = join(folder, "policy.yaml");
    await writeFile(
      policy,
      "version: 1\nrules:\n  - id: mine\n    action_type: execute_shell\n    when_all: ['payload.command == \"ls\"']\n    allow: true\n",
    );
    expect((await explain("execute_shell", { command: "ls" }, "--policy", policy)).lines).toContainEqual(
      expect.stringMatching(/^applies ALLOW mine /),
    );
    await writeFile(policy, "rules: [");
    expect(await canopy(["explain", "--action", "x", "--payload", "{}", "--policy", policy])).toMatchObject({ code: 4, out: "" });
  });

  it.each([
    [["explain"], "--action is missing"],
    [["explain", "--action", "x"], "--payload is missing"],
    [["explain", "--action", "x", "--payload", "{"], "--payload"],
    [["explain", "--action", "x", "--payload", "{}", "--agent", "nope"], "--agent"],
    [["explain", "--action", "x", "--payload", "{}", "--policy", ""], "the name of the policy file is empty"],
  ])("%j is refused", async (argv, message) => {
    expect(await canopy(argv)).toMatchObject({ code: 2, out: "", err: expect.stringContaining(message) as string });
  });
});
