/** What is parsed in full; a script past any of these is parsed as far as they reach, and `problem` says so. */
export const limits: { readonly length: number; readonly nesting: number; readonly words: number } = {
  /** UTF-16 code units. */
  length: 16 * 1024,
  /** Open parentheses, braces and backquotes around one place, quoted ones counted too. */
  nesting: 32,
  words: 2000,
};

/** The part of `text` that is parsed, and why the rest is not. */
export function withinLimits(text: string): readonly [string, string | null] {
  if (text.length > limits.length) {
    const [source] = withinLimits(text.slice(0, limits.length));
    return [source, `it is longer than ${limits.length} characters`];
  }
  let depth = 0;
  let backquoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === 0x28 || character === 0x7b) depth += 1;
    else if (character === 0x29 || character === 0x7d) depth -= depth > 0 ? 1 : 0;
    else if (character === 0x60) {
      // Backquotes nest by escaping; each escaped one could be deeper.
      if (text.charCodeAt(at - 1) === 0x5c) depth += 1;
      else depth += backquoted ? -1 : 1;
      backquoted = !backquoted;
    }
    if (depth > limits.nesting) return [text.slice(0, at), `it is nested more than ${limits.nesting} levels deep`];
  }
  return [text, null];
}

/** Past any of these the lists are open; what was found until then counts. */
export const bounds: { readonly steps: number; readonly depth: number; readonly wrappers: number; readonly effort: number } = {
  /** Commands that are looked at, simple and compound, those of loops and functions each time. */
  steps: 8000,
  /** Scripts, functions and wrappers inside one another. */
  depth: 40,
  /** Wrappers around one program. */
  wrappers: 6,
  /** Words of commands and places in files, each as often as it is looked at: `find` looks at each of its directories for each of its actions. */
  effort: 20_000,
};

/** Takes so much of the effort that one script is worth, and throws where there is no more: then it is not understood to its end. */
export type Spend = (units: number) => void;

export function startEffort(): Spend {
  let left = bounds.effort;
  return (units) => {
    left -= units;
    if (left < 0) throw new RangeError("the script takes too much effort");
  };
}
