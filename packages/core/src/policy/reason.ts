import type { Unknown } from "../facts/unknown.ts";
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
  const certain = verdict.deciding.filter(({ because }) => because === true);
  const doubtful = verdict.deciding.filter(({ because }) => because !== true);
  const sentences: string[] = [];
  if (problems.length > 0) sentences.push(`the payload is not that of ${quoted(actionType)}: ${problems.join(", ")}`);
  for (const applied of certain.slice(0, rulesNamed)) sentences.push(ruleSentence(applied, verdict, quotes));
  if (certain.length > rulesNamed) sentences.push(`${count(certain.length - rulesNamed, "more rule says", "more rules say")} the same`);
  // Doubts explain little where there is a plain reason.
  if (certain.length === 0) sentences.push(...doubtSentences(doubtful, verdict, quotes));
  else if (doubtful.length > 0) sentences.push(`in doubt ${count(doubtful.length, "more rule applies", "more rules apply")}`);
  if (verdict.byDefault) sentences.push(`no rule decides about this ${quoted(actionType)}, so the default of the policy does`);
  if (lifted.length > 0) {
    const names = listed(lifted.map((rule) => `\`${rule.reference.id}\``));
    sentences.push(lifted.length === 1 ? `rule ${names} is lifted here by an exception` : `rules ${names} are lifted here by exceptions`);
  }
  return `${sentences.join("; ")}.`;
}

/** One doubt is told once, whatever the number of rules that it keeps from an answer; what these would say of a value that is not there says nothing. */
function doubtSentences(doubtful: readonly Applied[], verdict: Verdict, quotes: Quote[]): readonly string[] {
  const groups = [...Map.groupBy(doubtful, ({ because }) => (because === true ? "" : doubtOf(because, "several"))).entries()];
  const sentences = groups.slice(0, rulesNamed).map(([doubt, rules]) => {
    const [only] = rules;
    return only !== undefined && rules.length === 1
      ? ruleSentence(only, verdict, quotes)
      : `${listed(rules.map(({ rule }) => rule.label))} ${doubt}`;
  });
  const more = groups.slice(rulesNamed).reduce((sum, [, rules]) => sum + rules.length, 0);
  return more === 0 ? sentences : [...sentences, `${count(more, "more rule says", "more rules say")} the same`];
}

/** The first few, and how many more there are. */
function listed(words: readonly string[]): string {
  const named = words.slice(0, rulesNamed).join(", ");
  return words.length > rulesNamed ? `${named} and ${words.length - rulesNamed} more` : named;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

function doubtOf(because: Unknown, rules: "one" | "several"): string {
  const why = visible(because.why);
  if (because.kind === "invalid") return `${rules === "one" ? "applies" : "apply"} because ${why}`;
  return `may apply: ${why}`;
}

function ruleSentence({ rule, because }: Applied, { scope }: Verdict, quotes: Quote[]): string {
  if (because === true && rule.sentence !== null) return rule.sentence;
  const said = fill(rule.reason, scope, quotes);
  if (because === true) return `${said} (${rule.label})`;
  const doubt = doubtOf(because, "one");
  return said === "" ? `${rule.label} ${doubt}` : `${said} (${rule.label} ${doubt})`;
}
