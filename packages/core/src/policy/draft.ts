import type { ParseCondition } from "./condition/parse.ts";
import { canonicalBlock, parseBlock } from "./conditions.ts";
import type { ParsedBlock } from "./conditions.ts";
import { sha256 } from "./digest.ts";
import type { PolicyProblem, Report } from "./problems.ts";
import { quoted } from "./problems.ts";
import type { RuleSource } from "./read-rule.ts";
import type { LoadedFile } from "./sources.ts";

/** A rule that has its id and its meaning, but is not compiled yet. */
export interface DraftRule {
  readonly id: string;
  readonly source: RuleSource;
  readonly file: string;
  /** Whether it stands in the file that the host named. */
  readonly root: boolean;
  readonly actionTypes: readonly string[];
  readonly condition: ParsedBlock;
  readonly canonical: string;
  readonly report: Report;
}

const rulesInAll = 10_000;

/**
 * The rules of all files. One without an id gets `action_type/decision/digest`, where the digest is the first 12 hex digits of SHA-256 over
 * what the rule means: it stays when the rule is moved or laid out anew, and changes with it. A repeated id is an error; a rule without an id that
 * repeats another word for word is dropped with a warning.
 */
export async function draftRules(
  files: readonly LoadedFile[],
  parse: ParseCondition,
  problems: PolicyProblem[],
  warnings: PolicyProblem[],
): Promise<readonly DraftRule[]> {
  const drafts: DraftRule[] = [];
  const byId = new Map<string, DraftRule>();
  for (const [
    place,
    {
      source: { name },
      file,
      report,
    },
  ] of files.entries()) {
    for (const source of file.rules) {
      if (drafts.length >= rulesInAll) {
        report(source.at, `a policy has at most ${rulesInAll} rules`);
        return drafts;
      }
      const before = problems.length;
      const condition = parseBlock(source.condition, parse, report);
      const actionTypes = [...new Set(source.actionTypes.map(({ text }) => text))];
      const meaning = meaningOf(source, actionTypes, condition);
      const kind = `${actionTypes.length === 1 ? actionTypes[0] : "several"}/${source.decision.toLowerCase()}`;
      const id = source.id?.text ?? `${kind}/${(await sha256(meaning)).slice(0, 12)}`;
      const draft: DraftRule = {
        id,
        source,
        file: name,
        root: place === 0,
        actionTypes,
        condition,
        canonical: meaning,
        report,
      };
      const twin = byId.get(id);
      if (twin === undefined) {
        byId.set(id, draft);
        drafts.push(draft);
      } else if (source.id === null && twin.source.id === null && twin.canonical === meaning) {
        if (problems.length === before) {
          warnings.push({ file: name, ...source.at, message: `the rule repeats the one at ${twin.file}:${twin.source.at.line}` });
        }
      } else {
        const at = source.id?.at ?? source.at;
        report(at, `duplicate rule id ${quoted(id)}, first at ${twin.file}:${twin.source.at.line}`);
      }
    }
  }
  return drafts;
}

function meaningOf(source: RuleSource, actionTypes: readonly string[], condition: ParsedBlock): string {
  return JSON.stringify([source.decision, actionTypes.toSorted(), canonicalBlock(condition), source.reason?.text ?? null, source.severity]);
}
