import type { Applied, Verdict } from "./evaluate.ts";
import type { Policy } from "./policy.ts";
import { quoted, visible } from "./problems.ts";
import { fill } from "./template.ts";
import type { Quote } from "./template.ts";

const rulesNamed = 3;

/** The grounds of the decision in words: what decided it, what was unknown, which exceptions were made. `quotes` receives what is quoted of the request. */
export function reasonOf(policy: Policy, verdict: Verdict, quotes: Quote[]): string {
  const { lifted } = verdict;
  // What is certain first: doubts explain little where there is a plain reason.
  const deciding = verdict.deciding.toSorted((a, b) => Number(b.because === true) - Number(a.because === true));
  const { problems } = verdict.scope;
  const sentences: string[] = [];
  if (problems.length > 0) {
    sentences.push(`the payload is not that of ${quoted(verdict.scope.actionType)}: ${problems.join(", ")}`);
  }
  for (const applied of deciding.slice(0, rulesNamed)) sentences.push(ruleSentence(applied, verdict, quotes));
  if (deciding.length > rulesNamed) sentences.push(`${deciding.length - rulesNamed} more rules say the same`);
  if (verdict.byDefault)
    sentences.push(`no rule decides about this ${quoted(verdict.scope.actionType)}, so the default of the policy does`);
  else if (deciding.length === 0 && problems.length === 0) sentences.push(`the default of the policy is ${policy.default}`);
  for (const rule of lifted) sentences.push(`rule \`${rule.reference.id}\` is lifted here by an exception`);
  return `${sentences.join("; ")}.`;
}

function ruleSentence({ rule, because }: Applied, { scope }: Verdict, quotes: Quote[]): string {
  const { id, file, line } = rule.reference;
  const said = rule.reason === null ? "" : fill(rule.reason, scope, quotes).replace(/[.\s]+$/, "");
  const name = `rule \`${id}\` (${visible(file)}:${line})`;
  if (because === true) return said === "" ? name : `${said} (${name})`;
  const why = visible(because.why);
  const doubt = because.kind === "invalid" ? `applies because ${why}` : `may apply: ${why}`;
  return said === "" ? `${name} ${doubt}` : `${said} (${name} ${doubt})`;
}
