import { CanopyError } from "../errors.ts";

/** A place in a policy file; both count from 1, columns in UTF-16 code units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One reason why a policy cannot be loaded, or one warning about it. */
export interface PolicyProblem extends Position {
  /** The file as the host named it, or `canopy:default`. */
  readonly file: string;
  /** What is wrong, with the offending words in backticks. */
  readonly message: string;
  /** The nearest word that would be right, where there is one. */
  readonly suggestion?: string;
}

/** Says that something at `at` is wrong; reading goes on, so that one load reports everything. */
export type Report = (at: Position, message: string, suggestion?: string) => void;

/** A policy that could not be loaded, with everything that is wrong with it. Its message has a line for each problem. */
export class PolicyError extends CanopyError {
  readonly problems: readonly PolicyProblem[];

  constructor(problems: readonly PolicyProblem[], options?: ErrorOptions) {
    super("POLICY_INVALID", problems.map(formatProblem).join("\n"), options);
    this.problems = problems;
  }
}

/** ``policies/shell.yaml:12:15: unknown decision `ALOW`, did you mean `ALLOW`?`` */
export function formatProblem(problem: PolicyProblem): string {
  const hint = problem.suggestion === undefined ? "" : `, did you mean \`${problem.suggestion}\`?`;
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.message}${hint}`;
}

/** The words of a file as they may stand in a message: on one line, bounded, control characters made visible. */
export function quoted(words: string): string {
  const shown = words.length > 80 ? `${words.slice(0, 77)}…` : words;
  return `\`${visible(shown)}\``;
}

/**
 * `text` with every character that a terminal or a reader could misread written as its code point: controls, line breaks, bidi and zero-width
 * characters, lone surrogates.
 */
export function visible(text: string): string {
  // Nearly every text.
  if (/^[ -~]*$/.test(text)) return text;
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}
