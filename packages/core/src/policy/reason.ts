import type { Applied, Verdict } from "./evaluate.ts";
import { quoted, visible } from "./problems.ts";
import { fill } from "./template.ts";
import type { Quote } from "./template.ts";

const rulesNamed = 3;

/** The grounds of the decision in words: what decided it, what was unknown, which exceptions were made. `quotes` receives what is quoted of the request. */
export function reasonOf(verdict: Verdict, quotes: Quote[]): string {
  const { lifted } = verdict;
  const { problems, actionType } = verdict.scope;
  const [only] = verdict.deciding;
  // The commonest answer by far.
  if (only !== undefined && verdict.deciding.length === 1 && problems.length === 0 && lifted.length === 0) {
    return `${ruleSentence(only, verdict, quotes)}.`;
  }
  // What is certain first: doubts explain little where there is a plain reason.
  const deciding = verdict.deciding.toSorted((a, b) => Number(b.because === true) - Number(a.because === true));
  const sentences: string[] = [];
  if (problems.length > 0) sentences.push(`the payload is not that of ${quoted(actionType)}: ${problems.join(", ")}`);
  for (const applied of deciding.slice(0, rulesNamed)) sentences.push(ruleSentence(applied, verdict, quotes));
  if (deciding.length > rulesNamed) sentences.push(`${deciding.length - rulesNamed} more rules say the same`);
  if (verdict.byDefault) sentences.push(`no rule decides about this ${quoted(actionType)}, so the default of the policy does`);
  for (const rule of lifted) sentences.push(`rule \`${rule.reference.id}\` is lifted here by an exception`);
  return `${sentences.join("; ")}.`;
}

function ruleSentence({ rule, because }: Applied, { scope }: Verdict, quotes: Quote[]): string {
  if (because === true && rule.sentence !== null) return rule.sentence;
  const said = fill(rule.reason, scope, quotes);
  if (because === true) return `${said} (${rule.label})`;
  const why = visible(because.why);
  const doubt = because.kind === "invalid" ? `applies because ${why}` : `may apply: ${why}`;
  return said === "" ? `${rule.label} ${doubt}` : `${said} (${rule.label} ${doubt})`;
}
