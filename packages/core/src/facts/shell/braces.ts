/** The most words that one word may become. */
const most = 32;

/** UTF-16 code units of a word that is looked at; reading braces that do not match costs their square. */
const longest = 1024;

/**
 * What brace expansion makes of the source text of one word, before any other expansion (bash manual, "Brace Expansion"): the source texts
 * of the words that take its place, or undefined where there are more than 32 or the text is too involved to split by itself.
 */
export function expandBraces(text: string): readonly string[] | undefined {
  if (text.length > longest) return undefined;
  const open = findGroup(text);
  if (open === undefined) return undefined;
  if (open === null) return [text];
  const { start, end, alternatives } = open;
  const before = text.slice(0, start);
  const tails = expandBraces(text.slice(end));
  if (tails === undefined) return undefined;
  const words: string[] = [];
  for (const alternative of alternatives) {
    const middles = expandBraces(alternative);
    if (middles === undefined) return undefined;
    for (const middle of middles) {
      for (const tail of tails) {
        if (words.length >= most) return undefined;
        words.push(before + middle + tail);
      }
    }
  }
  return words;
}

interface Group {
  readonly start: number;
  readonly end: number;
  readonly alternatives: readonly string[];
}

/** The first group that expands: null where there is none, undefined where an expansion inside makes it unclear. */
function findGroup(text: string): Group | null | undefined {
  for (let at = 0; at < text.length; at += 1) {
    const skipped = skipQuoted(text, at);
    if (skipped === undefined) return undefined;
    if (skipped > at) {
      at = skipped - 1;
      continue;
    }
    if (text[at] !== "{") continue;
    const group = readGroup(text, at);
    if (group !== null) return group;
  }
  return null;
}

function readGroup(text: string, start: number): Group | null | undefined {
  const commas: number[] = [];
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const skipped = skipQuoted(text, at);
    if (skipped === undefined) return undefined;
    if (skipped > at) {
      at = skipped - 1;
      continue;
    }
    const character = text[at];
    if (character === "{") depth += 1;
    else if (character === "," && depth === 1) commas.push(at);
    else if (character === "}" && (depth -= 1) === 0) {
      const end = at + 1;
      if (commas.length > 0) {
        const bounds = [start, ...commas, at];
        return { start, end, alternatives: bounds.slice(1).map((to, index) => text.slice((bounds[index] ?? 0) + 1, to)) };
      }
      const sequence = readSequence(text.slice(start + 1, at));
      if (sequence === undefined) return undefined;
      return sequence === null ? null : { start, end, alternatives: sequence };
    }
  }
  return null;
}

/** `1..9`, `a..e`, with an optional step. */
function readSequence(text: string): readonly string[] | null | undefined {
  const match = /^(?:(-?\d{1,9})\.\.(-?\d{1,9})|([A-Za-z])\.\.([A-Za-z]))(?:\.\.(-?\d{1,9}))?$/.exec(text);
  if (match === null) return text.includes("..") && /^[^"'\\$`]*$/.test(text) && /\d{10}/.test(text) ? undefined : null;
  const [, low, high, first, last, by] = match;
  const from = low === undefined ? (first ?? "").charCodeAt(0) : Number(low);
  const to = high === undefined ? (last ?? "").charCodeAt(0) : Number(high);
  const step = Math.max(1, Math.abs(Number(by ?? 1)));
  if (Math.abs(to - from) / step >= most) return undefined;
  // Leading zeros make every number as wide as the widest; that changes a spelling that matters to nobody but must not be guessed.
  if (/^-?0\d/.test(low ?? "") || /^-?0\d/.test(high ?? "")) return undefined;
  const items: string[] = [];
  for (let at = from; from <= to ? at <= to : at >= to; at += from <= to ? step : -step) {
    items.push(low === undefined ? quote(String.fromCharCode(at)) : String(at));
  }
  return items;
}

/** A sequence such as `Z..a` passes through characters that mean something to the shell. */
function quote(character: string): string {
  return /[A-Za-z]/.test(character) ? character : `'${character}'`;
}

/** Where the quoted text that starts at `at` ends, `at` itself where none starts; undefined for an expansion. */
function skipQuoted(text: string, at: number): number | undefined {
  switch (text[at]) {
    case "\\":
      return at + 2;
    case "'": {
      const end = text.indexOf("'", at + 1);
      return end < 0 ? text.length : end + 1;
    }
    case '"':
      return closingQuote(text, at);
    case "$":
    case "`": {
      // `$'…'` is a quoted string in which a backslash escapes; a plain `$name` is text to brace expansion.
      if (text[at] === "$" && text[at + 1] === "'") return closingQuote(text, at + 1);
      return text[at] === "$" && /[A-Za-z0-9_@*#?$!-]/.test(text[at + 1] ?? "") ? at + 2 : undefined;
    }
    default:
      return at;
  }
}

function closingQuote(text: string, at: number): number | undefined {
  const mark = text[at];
  for (let next = at + 1; next < text.length; next += 1) {
    const character = text[next];
    if (character === "\\") next += 1;
    else if (character === mark) return next + 1;
    else if (mark === '"' && (character === "`" || (character === "$" && /[({]/.test(text[next + 1] ?? "")))) return undefined;
  }
  return text.length;
}
