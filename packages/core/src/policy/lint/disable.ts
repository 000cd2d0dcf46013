import type { Comment, Node } from "../document.ts";
import { nearestHint } from "../nearest.ts";
import { quoted } from "../problems.ts";
import type { Position } from "../problems.ts";
import { isLintId, lintChecks } from "./catalogue.ts";
import type { LintId } from "./catalogue.ts";

/** A comment that switches a check off for one line. */
export interface Disable {
  readonly at: Position;
  readonly id: LintId;
  /** The line that it is about, */
  readonly line: number;
  /** and the last line of what is written there, such as a condition of several lines. */
  readonly to: number;
}

export interface Disables {
  readonly disables: readonly Disable[];
  /** Comments that are meant for lint and say nothing that it understands. */
  readonly bad: readonly { readonly at: Position; readonly message: string }[];
}

/** These two would otherwise take themselves out. */
const always: readonly LintId[] = ["bad-disable", "unused-disable"];

/**
 * Reads `# canopy-lint-disable-next-line ID, ID -- reason`. The next line is the next one that is neither blank nor a comment, with the lines over
 * which a value goes on that begins there. A reason is needed: whoever reads the policy later must be able to judge it.
 */
export function readDisables(
  comments: readonly Comment[],
  { text, document }: { readonly text: string; readonly document: Node },
): Disables {
  const disables: Disable[] = [];
  const bad: { at: Position; message: string }[] = [];
  const lines = text.split("\n");
  const ends = lastLines(document);
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
      else disables.push({ at, id, line, to: ends.get(line) ?? line });
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

/** By the line on which values begin, the last line of any of them. */
function lastLines(document: Node): ReadonlyMap<number, number> {
  const ends = new Map<number, number>();
  const look = (node: Node): void => {
    if (node.kind === "list") for (const item of node.items) look(item);
    else if (node.kind === "map") for (const { value } of node.entries) look(value);
    else if (typeof node.value === "string" && node.value !== "") {
      const { line } = node.locate(node.value.trimEnd().length - 1);
      ends.set(node.at.line, Math.max(ends.get(node.at.line) ?? 0, line));
    }
  };
  look(document);
  return ends;
}
