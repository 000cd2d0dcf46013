/**
 * Marks that stand in a text for a stretch that only running the script would tell. Private-use characters: a script that brings its own is
 * suspicious text, and they are taken for unknown.
 */
export const mark = {
  /** Anything. */
  hole: "\uE000",
  /** The home directory, where the host did not say which it is. */
  home: "\uE001",
  /** A variable that the script never sets: what the environment says, or nothing. */
  unset: "\uE002",
  /** A number: digits, and nothing else. */
  number: "\uE003",
} as const;

const marks = /[\uE000-\uE003]/;

/** Where unknown text may come from, as bits: over the network, or out of a decoder. */
export const source = { network: 1, decoded: 2 } as const;

/** A text that the script makes: known, or with marks in it. */
export interface Text {
  readonly text: string;
  /** Bits of `source`. */
  readonly sources: number;
  /** Directories; each line is the name of something in or below one of them. Null where nothing is known of the lines. */
  readonly under: readonly string[] | null;
}

/** One word of a command, as the program receives it. */
export interface Field extends Text {
  /** It may turn into no word, or into several. */
  readonly many: boolean;
  /** It has pattern characters that the shell replaces by the names of files. */
  readonly glob: boolean;
  /** It is, in part, what another program wrote. */
  readonly computed: boolean;
  /** What is read from the file that it names, where the script itself makes that. */
  readonly content: Text | null;
}

/** The most that is folded to a constant, in UTF-16 code units. */
const longest = 16 * 1024;

export const empty: Text = { text: "", sources: 0, under: null };

export function known(text: string): Text {
  return text.length > longest ? unknown() : { text, sources: 0, under: null };
}

export function unknown(sources = 0, under: readonly string[] | null = null): Text {
  return { text: mark.hole, sources, under };
}

export function isKnown(text: Text): boolean {
  return !marks.test(text.text);
}

/** What is written where not every one of `outputs` surely is. */
export function conditional(outputs: readonly Text[]): Text {
  const speaking = outputs.filter((output) => output.text !== "");
  const [only] = speaking;
  if (only === undefined) return empty;
  if (outputs.length === 1) return only;
  const all = joined(speaking);
  return { ...all, text: `${mark.hole}${all.text}` };
}

/** `texts` one after the other. */
export function joined(texts: readonly Text[], between = ""): Text {
  const [only] = texts;
  if (only !== undefined && texts.length === 1) return only;
  const text = texts.map((item) => item.text).join(between);
  let sources = 0;
  for (const item of texts) sources |= item.sources;
  return { text: text.length > longest ? mark.hole : text, sources, under: null };
}

export function field(text: Text | string, more: Partial<Field> = {}): Field {
  const base = typeof text === "string" ? known(text) : text;
  return { text: base.text, sources: base.sources, under: base.under, many: false, glob: false, computed: false, content: null, ...more };
}

/** The exact text of `item` where it is exactly one word whose text is known, else undefined. */
export function literal(item: Field | undefined): string | undefined {
  return item !== undefined && !item.glob && !item.many && isKnown(item) ? item.text : undefined;
}

/** `item` without its first `start` characters: the value in `-ofile` or `--output=file`. */
export function rest(item: Field, start: number): Field {
  return { ...item, text: item.text.slice(start), content: null };
}

/** `text` without the run of `character` at its end. In linear time, which a pattern would not promise. */
export function withoutEnd(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === character) end -= 1;
  return text.slice(0, end);
}
