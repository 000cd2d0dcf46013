import { assemble, requireExamples } from "../assemble.ts";
import { commentsOf } from "../document.ts";
import type { LoadOptions } from "../load.ts";
import type { PolicySource } from "../policy.ts";
import { visible } from "../problems.ts";
import type { PolicyProblem } from "../problems.ts";
import { lintChecks } from "./catalogue.ts";
import type { LintId, LintLevel } from "./catalogue.ts";
import { findConstants } from "./constants.ts";
import { findMiscounts } from "./counting.ts";
import { readDisables } from "./disable.ts";
import type { Disable } from "./disable.ts";
import { findLooseAnswers } from "./loosening.ts";
import { findBadManners, findInPolicy } from "./manners.ts";
import { findShadowed } from "./shadow.ts";
import { subjectsOf } from "./subject.ts";
import type { Find, Subject } from "./subject.ts";
import { findTextTests } from "./texts.ts";
import { findWrongValues, spellingsOf } from "./values.ts";

/** Something in a policy that is probably a mistake. */
export interface LintFinding extends PolicyProblem {
  readonly id: LintId;
  readonly level: LintLevel;
  /** The rule that it is in; null where it is in none. */
  readonly rule: string | null;
  /** How it is better said; null where only the author can know. */
  readonly better: string | null;
}

export interface LintReport {
  /** The policy's file, as the host named it. */
  readonly policy: string;
  /** In the order of the file. */
  readonly findings: readonly LintFinding[];
  /** What was found and a comment disables. */
  readonly disabled: readonly LintFinding[];
}

/** `lintPolicy` of the engine's front. Throws `PolicyError` where the policy does not load. */
export async function lintSource(root: PolicySource, options: LoadOptions): Promise<LintReport> {
  const assembly = await assemble(root, options);
  requireExamples(assembly);
  const found: LintFinding[] = [];
  const findIn =
    (rule: string | null): Find =>
    (id, at, message, better) => {
      found.push({
        id,
        level: lintChecks[id].level,
        file: root.name,
        line: at.line,
        column: at.column,
        message,
        rule,
        better: better === undefined ? null : visible(better),
      });
    };
  const subjects = subjectsOf(assembly);
  const spellings = spellingsOf(subjects);
  const finder = ({ id }: Subject): Find => findIn(id);
  for (const subject of subjects) {
    if (!subject.own) continue;
    const find = finder(subject);
    const rule = subject.kind === "exception" ? subjects.find(({ kind, id }) => kind === "rule" && id === subject.id) : undefined;
    findConstants(subject, assembly, find);
    findTextTests(subject, assembly, find);
    findLooseAnswers(subject, rule, find);
    findWrongValues(subject, spellings, find);
    findMiscounts(subject, find);
    findBadManners(subject, find);
  }
  findShadowed(subjects, finder);
  findInPolicy(assembly, findIn(null));
  const document = assembly.files[0]?.document;
  const comments = document === undefined ? [] : await commentsOf(root.text);
  const { disables, bad } = document === undefined ? { disables: [], bad: [] } : readDisables(comments, { text: root.text, document });
  for (const { at, message } of bad) findIn(null)("bad-disable", at, message, "`# canopy-lint-disable-next-line ID -- reason`");
  const once = distinct(found);
  const disabled = once.filter((finding) => disables.some((disable) => takes(disable, finding)));
  const left = once.filter((finding) => !disabled.includes(finding));
  for (const disable of disables) {
    if (disabled.some((finding) => takes(disable, finding))) continue;
    const message = `\`${disable.id}\` is not found on line ${disable.line}`;
    left.push({ ...placed("unused-disable", root.name), ...disable.at, message, better: "leave the comment out" });
  }
  return { policy: root.name, findings: left.toSorted(byPlace), disabled };
}

function takes({ id, line, to }: Disable, finding: LintFinding): boolean {
  return finding.id === id && finding.line >= line && finding.line <= to;
}

function placed(id: LintId, file: string): Pick<LintFinding, "id" | "level" | "file" | "rule"> {
  return { id, level: lintChecks[id].level, file, rule: null };
}

function distinct(findings: readonly LintFinding[]): readonly LintFinding[] {
  const seen = new Set<string>();
  return findings.filter(({ id, line, column, message }) => {
    const key = JSON.stringify([id, line, column, message]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function byPlace(a: LintFinding, b: LintFinding): number {
  return a.line - b.line || a.column - b.column || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
