import type { Policy } from "../policy/policy.ts";
import { judgeRequest } from "../runtime/judgement.ts";
import type { JudgedRequest, Judgement } from "../runtime/judgement.ts";

/** A generation holds so many answers, and so many characters of requests. */
const mostJudgements = 8192;
const mostCharacters = 8 * 1024 * 1024;
/** Longer requests are rarely asked twice. */
const longestKey = 8192;

/**
 * `judgeRequest` that remembers what it answered: agents ask for the same again and again, and the same request gets the same answer. When a
 * generation is full, what was not asked for during the one before is forgotten.
 */
export function keepJudgements(): (policy: Policy, request: JudgedRequest) => Judgement {
  let young = new Map<string, Judgement>();
  let old = new Map<string, Judgement>();
  let characters = 0;
  return (policy, request) => {
    // Nothing that `JSON.stringify` would leave out or write in another way gets here: requests are JSON.
    const key = `${policy.digest}${JSON.stringify(request)}`;
    const known = young.get(key);
    if (known !== undefined) return known;
    const judgement = old.get(key) ?? judgeRequest(policy, request);
    if (key.length > longestKey) return judgement;
    if (young.size >= mostJudgements || characters + key.length > mostCharacters) {
      old = young;
      young = new Map();
      characters = 0;
    }
    young.set(key, judgement);
    characters += key.length;
    return judgement;
  };
}
