import type { Policy } from "../policy/policy.ts";
import { judgeRequest } from "../runtime/judgement.ts";
import type { JudgedRequest, Judgement } from "../runtime/judgement.ts";

/** So many answers are kept, and so many characters of requests. */
const mostJudgements = 8192;
const mostCharacters = 8 * 1024 * 1024;
/** Longer requests are rarely asked twice. */
const longestKey = 8192;

/**
 * `judgeRequest` that remembers what it answered: agents ask for the same again and again, and the same request gets the same answer. When it is
 * full, it forgets everything.
 */
export function keepJudgements(): (policy: Policy, request: JudgedRequest) => Judgement {
  const kept = new Map<string, Judgement>();
  let characters = 0;
  return (policy, request) => {
    // Nothing that `JSON.stringify` would leave out or write in another way gets here: requests are JSON.
    const key = `${policy.digest}${JSON.stringify(request)}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    const judgement = judgeRequest(policy, request);
    if (key.length > longestKey) return judgement;
    characters += key.length;
    if (kept.size >= mostJudgements || characters > mostCharacters) {
      kept.clear();
      characters = key.length;
    }
    kept.set(key, judgement);
    return judgement;
  };
}
