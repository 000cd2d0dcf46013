import { describe, expect, it } from "vitest";
import { grammarOf } from "./grammar.ts";
import type { CommandSpec } from "./grammar.ts";
import { readArguments } from "./options.ts";
import { field, mark, unknown } from "./text.ts";

const spec: CommandSpec = { options: "-[abr]  -o,--output= write  --only  --color[=]  -i[=]  -r,--recursive  -NUM" };

function read(line: string, of: CommandSpec = spec): { options: readonly string[]; operands: readonly string[]; problem: string | null } {
  const { options, operands, problem } = readArguments(
    line.split(" ").map((word) => field(word)),
    grammarOf(of),
  );
  return {
    options: options.map((option) => (option.value === undefined ? option.spec.name : `${option.spec.name}=${option.value.text}`)),
    operands: operands.map((operand) => operand.text),
    problem,
  };
}

describe("readArguments", () => {
  it("reads clusters, and the value that ends one", () => {
    expect(read("-abofile x")).toEqual({ options: ["-a", "-b", "-o=file"], operands: ["x"], problem: null });
    expect(read("-ab -o file x").options).toEqual(["-a", "-b", "-o=file"]);
  });

  it("takes a long option by its only beginning", () => {
    expect(read("--out=f --rec").options).toEqual(["-o=f", "-r"]);
    expect(read("--output f").options).toEqual(["-o=f"]);
  });

  it("does not choose between two long options", () => {
    expect(read("--o").problem).toContain("`--o`");
  });

  it("takes an optional value only where it is attached", () => {
    expect(read("--color x -i y")).toMatchObject({ options: ["--color", "-i"], operands: ["x", "y"] });
    expect(read("--color=z -ix").options).toEqual(["--color=z", "-i=x"]);
  });

  it("ends options at `--`, and lets operands stand between them", () => {
    expect(read("x -a y -- -b")).toMatchObject({ options: ["-a"], operands: ["x", "y", "-b"] });
  });

  it("ends options at the first operand where the grammar is ordered", () => {
    expect(read("-a x -b", { ...spec, ordered: true })).toMatchObject({ options: ["-a"], operands: ["x", "-b"] });
  });

  it.each(["-z", "--zzz", "-az", "--only=x", "-o"])("says that it does not understand %s", (line) => {
    expect(read(line).problem).not.toBeNull();
  });

  it("reads digits as the one option that they are", () => {
    expect(read("-10 x")).toMatchObject({ options: ["-NUM"], operands: ["x"], problem: null });
  });

  it("says that a word which is not known may be an option, save behind `--`", () => {
    const dynamic = field(unknown());
    expect(readArguments([dynamic], grammarOf(spec)).loose).toBe(true);
    expect(readArguments([field("--"), dynamic], grammarOf(spec)).loose).toBe(false);
    expect(readArguments([field(`./${mark.hole}`)], grammarOf(spec)).loose).toBe(false);
    expect(readArguments([field("*", { glob: true })], grammarOf(spec)).loose).toBe(true);
  });
});
