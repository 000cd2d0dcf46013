import type { Comment } from "../document.ts";
import { nearestHint } from "../nearest.ts";
import { quoted } from "../problems.ts";
import type { Position } from "../problems.ts";
import { isLintId, lintChecks } from "./catalogue.ts";
import type { LintId } from "./catalogue.ts";

/** A comment that switches a check off for one line. */
export interface Disable {
  readonly at: Position;
  readonly id: LintId;
  /** The line that it is about. */
  readonly line: number;
}

export interface Disables {
  readonly disables: readonly Disable[];
  /** Comments that are meant for lint and say nothing that it understands. */
  readonly bad: readonly { readonly at: Position; readonly message: string }[];
}

/** These two would otherwise take themselves out. */
const always: readonly LintId[] = ["bad-disable", "unused-disable"];

/**
 * Reads `# canopy-lint-disable-next-line ID, ID -- reason`. The next line is the next one that is neither blank nor a comment. A reason is needed:
 * whoever reads the policy later must be able to judge it.
 */
export function readDisables(comments: readonly Comment[], text: string): Disables {
  const disables: Disable[] = [];
  const bad: { at: Position; message: string }[] = [];
  const lines = text.split("\n");
  for (const { at, text: comment } of comments) {
    if (!/^#\s*canopy[-_ ]?lint/i.test(comment)) continue;
    const found = /^#\s*canopy-lint-disable-next-line\s+(?<ids>[^\s,][^#]*?)\s+--\s+(?<reason>\S.*)$/.exec(comment.trimEnd());
    if (found === null) {
      bad.push({ at, message: `${quoted(comment)} is not understood; it is written \`# canopy-lint-disable-next-line ID -- reason\`` });
      continue;
    }
    const line = nextLine(lines, at.line);
    for (const id of (found.groups?.["ids"] ?? "").split(",").map((each) => each.trim())) {
      if (!isLintId(id)) bad.push({ at, message: `there is no check ${quoted(id)}${nearestHint(id, Object.keys(lintChecks))}` });
      else if (always.includes(id)) bad.push({ at, message: `${quoted(id)} cannot be disabled` });
      else disables.push({ at, id, line });
    }
  }
  return { disables, bad };
}

function nextLine(lines: readonly string[], from: number): number {
  for (let line = from + 1; line <= lines.length; line += 1) {
    const text = (lines[line - 1] ?? "").trim();
    if (text !== "" && !text.startsWith("#")) return line;
  }
  return from + 1;
}
