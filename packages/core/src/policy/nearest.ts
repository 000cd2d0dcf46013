/** The word of `valid` that `word` was most likely meant to be, or undefined when none is near. */
export function nearest(word: string, valid: Iterable<string>): string | undefined {
  // Somebody's 10,000-character typo is nobody's near miss, and the distance is quadratic.
  if (word.length > 64) return undefined;
  const bare = normal(word);
  let best: string | undefined;
  let least = Math.max(1, Math.floor(bare.length / 3)) + 1;
  for (const candidate of valid) {
    const distance = editDistance(bare, normal(candidate));
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** `, did you mean \`x\`?`, or nothing. */
export function nearestHint(word: string, valid: Iterable<string>): string {
  const meant = nearest(word, valid);
  return meant === undefined ? "" : `, did you mean \`${meant}\`?`;
}

/** Case and separators are what people get wrong first: `deny-regex` and `agentId` are near `deny_regex` and `agent_id`. */
export function normal(word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, "");
}

/** Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`: Damerau-Levenshtein, restricted. */
export function editDistance(a: string, b: string): number {
  const rows: number[][] = [];
  for (let i = 0; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      if (i === 0) {
        row.push(j);
        continue;
      }
      const at = (r: number, c: number): number => (r === i ? row[c] : rows[r]?.[c]) ?? Number.POSITIVE_INFINITY;
      let distance = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) distance = Math.min(distance, at(i - 2, j - 2) + 1);
      row.push(distance);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? Number.POSITIVE_INFINITY;
}
