import { describe, expect, it } from "vitest";
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
