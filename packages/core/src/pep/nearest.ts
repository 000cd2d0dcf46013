/** The word of `words` that `word` is most likely a slip of, or undefined where none is close. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  // Two letters in the wrong order are two edits.
  const limit = word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3));
  let best: string | undefined;
  let least = limit + 1;
  for (const candidate of words) {
    if (Math.abs(candidate.length - word.length) >= least || word.length > 80) continue;
    const distance = spell(candidate) === spell(word) ? 0 : edits(word, candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** ", did you mean `x`?" or nothing. */
export function nearestHint(word: string, words: Iterable<string>): string {
  const found = nearest(word, words);
  return found === undefined ? "" : `, did you mean \`${found}\`?`;
}

/** One spelling for `action_type`, `actionType` and `ActionType`. */
function spell(word: string): string {
  return word.replaceAll(/[_-]/g, "").toLowerCase();
}

/** Levenshtein's distance. */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 0; i < from.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j += 1) {
      const replaced = (row[j] ?? 0) + (from[i] === to[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
