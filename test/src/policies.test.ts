import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { main } from "@canopy-runtime/cli";
import { createChecker } from "@canopy-runtime/core";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const files = globSync("policies/**/*.yaml", { cwd: root, exclude: (name) => name.endsWith(".test.yaml") }).toSorted();

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function canopy(...argv: readonly string[]): Promise<Run> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const output = Promise.all([text(stdout), text(stderr)]);
  const code = await main(argv, { stdin, stdout, stderr, env: {}, interactive: false });
  stdout.end();
  stderr.end();
  const [out, err] = await output;
  return { code, out, err };
}

describe.each(files)("%s", (file) => {
  it("loads without a warning, which its examples are part of", async () => {
    expect((await createChecker({ policy: join(root, file) }).policy()).warnings).toEqual([]);
  });

  it("is in the list of the folder", () => {
    expect(readFileSync(join(root, "policies/README.md"), "utf8")).toContain(`(${file.replace("policies/", "")})`);
  });
});

interface Tested {
  readonly policies: readonly {
    readonly policy: string;
    readonly tests: readonly { readonly kind: string; readonly failures: readonly unknown[] }[];
    readonly coverage: { readonly percent: number; readonly subjects: readonly unknown[] };
  }[];
  readonly problems: readonly string[];
}

describe("the policies to copy", () => {
  it("answer as their tests say, and the tests show all of every rule and exception", async () => {
    const { code, out, err } = await canopy("test", join(root, "policies"), "--min-coverage", "100", "--json");
    const { policies, problems } = JSON.parse(out) as Tested;
    expect({ err, problems }).toEqual({ err: "", problems: [] });
    expect(policies.map(({ policy }) => policy)).toEqual(files.map((file) => join(root, file)));
    for (const { policy, tests, coverage } of policies) {
      expect([policy, coverage.percent]).toEqual([policy, 100]);
      expect(coverage.subjects).not.toEqual([]);
      expect(tests.filter(({ failures }) => failures.length > 0)).toEqual([]);
      // Examples alone do not say what the whole policy answers.
      expect([policy, tests.some(({ kind }) => kind === "test")]).toEqual([policy, true]);
    }
    expect(code).toBe(0);
  });

  it("have nothing that lint finds, not even a note, and no comment that hides it", async () => {
    expect(await canopy("lint", join(root, "policies"), "--strict")).toEqual({
      code: 0,
      out: `${files.length} policies: 0 errors, 0 warnings, 0 notes\n`,
      err: "",
    });
    for (const file of files) expect(readFileSync(join(root, file), "utf8")).not.toContain("canopy-lint");
  });
});

it("the texts and the facts of the page for those who come from matching texts answer as it says", async () => {
  const { code, out } = await canopy("test", join(root, "docs", "migrating"), "--json");
  const { policies, problems } = JSON.parse(out) as Tested;
  expect([code, problems, policies.map(({ policy }) => policy.slice(root.length))]).toEqual([
    0,
    [],
    ["docs/migrating/facts.yaml", "docs/migrating/text.yaml"].map((file) => join(file)),
  ]);
});

interface Vector {
  readonly command: string;
  readonly kind?: "threat" | "benign";
}

/** The share of the labelled commands of that kind that hold one of `texts`. */
function shareWith(texts: readonly string[], kind: Vector["kind"]): number {
  const vectors = ["shell", "shell-more"]
    .flatMap((name) =>
      readFileSync(join(root, `packages/core/vectors/${name}.jsonl`), "utf8")
        .trim()
        .split("\n"),
    )
    .map((line) => JSON.parse(line) as Vector)
    .filter((vector) => vector.kind === kind);
  return vectors.filter(({ command }) => texts.some((part) => command.includes(part))).length / vectors.length;
}

it("a list of texts misses half of the threats and stops one in six harmless commands, as docs/migrating.md says", () => {
  const [, block = ""] = /```text\n([^]*?)```/.exec(readFileSync(join(root, "docs/migrating.md"), "utf8")) ?? [];
  const texts = [...block.matchAll(/"([^"]+)"/g)].map(([, part = ""]) => part);
  expect(texts).toContain("rm -rf");
  expect(1 - shareWith(texts, "threat")).toBeCloseTo(1 / 2, 1);
  expect(shareWith(texts, "benign")).toBeCloseTo(1 / 6, 1);
});
