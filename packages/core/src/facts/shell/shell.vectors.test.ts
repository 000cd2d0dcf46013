import { describe, expect, it } from "vitest";
import { strictest } from "../../policy/decision.ts";
import { labelled } from "../verdict.test.support.ts";
import { judge } from "./judge.test.support.ts";

describe("the labelled commands", () => {
  it.each(labelled("shell"))("$id: $command ($why)", ({ command, acceptable }) => {
    expect(acceptable).toContain(judge(String(command)));
  });
});

describe("more spellings of the same, and what else there is", () => {
  it.each(labelled("shell-more"))("$id: $command", ({ command, acceptable }) => {
    expect(acceptable).toContain(judge(String(command)));
  });
});

describe("a disk that was asked and did not answer", () => {
  it("makes no verdict looser", () => {
    const commands = ["shell", "shell-more"].flatMap(labelled).map(({ command }) => String(command));
    const loosened = commands.filter((command) => {
      const byText = judge(command);
      return strictest([byText, judge(command, {}, {})]) !== judge(command, {}, {});
    });
    expect(commands.length).toBeGreaterThan(1000);
    expect(loosened).toEqual([]);
  });
});
