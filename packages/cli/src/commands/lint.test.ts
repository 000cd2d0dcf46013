import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { canopy, temporaryDirectory } from "../cli.test.fixture.ts";
import type { Run } from "../cli.test.fixture.ts";

const clean = `version: 1
rules:
  - id: r
    action_type: x
    deny: true
    reason: No
    examples: { match: [{ payload: {} }] }
`;

async function lint(files: Readonly<Record<string, string>>, ...argv: readonly string[]): Promise<Run> {
  const directory = await temporaryDirectory();
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  const { code, out, err } = await canopy(["lint", ...argv.map((each) => (each.startsWith("-") ? each : join(directory, each)))]);
  const short = (text: string): string => text.replaceAll(`${directory}/`, "");
  return { code, out: short(out), err: short(err) };
}

describe("canopy lint", () => {
  it("says of each finding where it is, what it is, why and how it is better said, and ends with 1", async () => {
    const { code, out } = await lint(
      { "p.yaml": clean.replace("deny: true", "allow: true\n    when_all: ['payload contains \"a\"']").replace("{}", "{ b: a }") },
      "p.yaml",
    );
    expect(code).toBe(1);
    expect(out.split("\n")).toEqual([
      'p.yaml:6:17: error allow-text in r: `payload contains "a"` is easily satisfied by whoever writes the payload, also beside what it should not let pass',
      "    better: compare a field of the payload",
      "1 policy: 1 error, 0 warnings, 0 notes",
      "",
    ]);
  });

  it("ends with 0 for notes, and with 1 where they count", async () => {
    const files = { "p.yaml": clean.replace("    reason: No\n", "") };
    expect(await lint(files, "p.yaml")).toMatchObject({ code: 0, out: expect.stringContaining("note missing-reason in r") as string });
    expect((await lint(files, "p.yaml", "--strict")).code).toBe(1);
    expect(await lint({ "p.yaml": clean }, "p.yaml", "--strict")).toEqual({
      code: 0,
      out: "1 policy: 0 errors, 0 warnings, 0 notes\n",
      err: "",
    });
  });

  it("looks at every policy of a folder, and not at their tests", async () => {
    const { code, out } = await lint({ "p.yaml": clean, "p.test.yaml": "tests: []", "q.yaml": clean, "other.yaml": "a: 1" }, ".");
    expect({ code, out }).toEqual({ code: 0, out: "2 policies: 0 errors, 0 warnings, 0 notes\n" });
  });

  it("gives all of it as JSON, with what is disabled", async () => {
    const text = clean
      .replace("    reason: No\n", "")
      .replace("  - id", "  # canopy-lint-disable-next-line missing-reason -- nobody is told\n  - id");
    const { code, out } = await lint({ "p.yaml": text }, "p.yaml", "--json", "--strict");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      policies: [
        {
          policy: expect.stringMatching(/p\.yaml$/) as string,
          findings: [],
          disabled: [{ id: "missing-reason", level: "note", line: 4, rule: "r" }],
        },
      ],
      problems: [],
    });
  });

  it("finds nothing in the bundled policy", async () => {
    expect(await canopy(["lint", "canopy:default", "--strict"])).toEqual({
      code: 0,
      out: "1 policy: 0 errors, 0 warnings, 0 notes\n",
      err: "",
    });
  });

  it("ends with 2 where a policy does not load, and looks at the others all the same", async () => {
    const { code, out, err } = await lint({ "p.yaml": clean, "q.yaml": clean.replace("deny:", "dney:") }, ".");
    expect(code).toBe(2);
    expect(out).toBe("1 policy: 0 errors, 0 warnings, 0 notes, 1 did not load\n");
    expect(err).toContain("q.yaml:5:5: unknown key `dney` in a rule, did you mean `deny`?");
  });

  it.each([
    [["x.yaml"], "there is no such file or folder"],
    [["."], "no policy found in"],
    [["t.test.yaml"], "holds tests, lint looks at policies"],
    [["--strickt"], "--strickt"],
  ])("%j is refused", async (argv, message) => {
    expect(await lint({ "t.test.yaml": "tests: []" }, ...argv)).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringContaining(message) as string,
    });
  });

  it("shows nothing that could trick a terminal", async () => {
    const { out } = await lint(
      {
        "p.yaml": clean.replace(
          "deny: true",
          String.raw`deny: true
    when_any: ["payload.a != '\e[2J'", "payload.a != '\u202e'"]`,
        ),
      },
      "p.yaml",
      "--json",
    );
    expect(out).not.toContain("\u001B");
    const text = await lint(
      {
        "p.yaml": clean
          .replace("deny: true", "deny: true\n    when_all: [\"payload contains 'a\\\\\\\\s\\u202eb'\"]")
          .replace("payload: {}", 'payload: { a: "a\\\\s\\u202eb" }'),
      },
      "p.yaml",
    );
    expect(text.out).toContain("regex-as-text");
    expect(text.out).not.toContain("\u202E");
  });
});
