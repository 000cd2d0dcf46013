import type { PolicyCoverage, PolicyTestReport } from "@canopy-runtime/core/policy";
import type { Terminal } from "../terminal.ts";
import type { TestRun } from "./run.ts";
import { unreachable } from "../unreachable.ts";

/** What a reporter tells of a run. */
export interface Told {
  readonly run: TestRun;
  /** Whether coverage was asked for, and how much of it, in percent, each policy must have. */
  readonly coverage: { readonly least: number | null } | null;
}

/** A run as the text of one format. */
export type Reporter = (told: Told, terminal: Pick<Terminal, "interactive">) => string;

export function passed({ results }: PolicyTestReport): number {
  return results.filter(({ failures }) => failures.length === 0).length;
}

/** In percent, rounded down, so that only all of it is 100. A policy with nothing to cover is covered. */
export function percent({ covered, total }: PolicyCoverage): number {
  return total === 0 ? 100 : Math.floor((covered * 1000) / total) / 10;
}

export function tooLittle(coverage: PolicyCoverage, least: number | null): boolean {
  return least !== null && coverage.covered * 100 < least * coverage.total;
}

/** What tests have not shown, a line for each. */
export function gaps({ subjects }: PolicyCoverage): readonly string[] {
  return subjects.flatMap(({ kind, id, file, line, points }) => {
    const what = `${kind === "rule" ? "rule" : "exception to"} ${id} (${file}:${line})`;
    return points.filter(({ covered }) => !covered).map((point) => `${what}: ${never(point.kind, point.text)}`);
  });
}

function never(kind: PolicyCoverage["subjects"][number]["points"][number]["kind"], text: string | null): string {
  switch (kind) {
    case "true":
      return "its conditions were never true";
    case "false":
      return "its conditions were never false";
    case "alternative":
      return `never true: ${text ?? ""}`;
    case "lifts":
      return "it never lifted the rule";
    case "leaves":
      return "it never left the rule in force";
    default:
      return unreachable(kind);
  }
}
