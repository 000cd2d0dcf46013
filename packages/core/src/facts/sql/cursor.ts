import type { Token } from "./tokens.ts";

/** Questions about a list of tokens by place; a place outside of it holds nothing. */
export class Cursor {
  readonly tokens: readonly Token[];
  private readonly closings: Int32Array;
  private readonly openings: Int32Array;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
    this.closings = new Int32Array(tokens.length).fill(tokens.length);
    this.openings = new Int32Array(tokens.length).fill(-1);
    const opened: number[] = [];
    for (let at = 0; at < tokens.length; at += 1) {
      if (this.symbol(at, "(")) opened.push(at);
      const open = this.symbol(at, ")") ? opened.pop() : undefined;
      if (open === undefined) continue;
      this.closings[open] = at;
      this.openings[at] = open;
    }
  }

  get length(): number {
    return this.tokens.length;
  }

  /** The keyword, name in upper case, number, operator or parameter there; empty for what is quoted. */
  text(at: number): string {
    const token = this.tokens[at];
    return token === undefined || token.kind === "string" || token.kind === "name" ? "" : token.text;
  }

  word(at: number, ...texts: readonly string[]): boolean {
    const token = this.tokens[at];
    return token?.kind === "word" && texts.includes(token.text);
  }

  wordOf(at: number, of: ReadonlySet<string>): boolean {
    const token = this.tokens[at];
    return token?.kind === "word" && of.has(token.text);
  }

  symbol(at: number, text: string): boolean {
    const token = this.tokens[at];
    return token?.kind === "symbol" && token.text === text;
  }

  /** Whether a name, quoted or not, stands there. */
  named(at: number): boolean {
    const kind = this.tokens[at]?.kind;
    return kind === "word" || kind === "name";
  }

  /** A name as it is compared: in lower case where it is not quoted. */
  name(at: number): string {
    const token = this.tokens[at];
    return token?.kind === "word" ? token.text.toLowerCase() : (token?.text ?? "");
  }

  /** The bracket that the one at `close` closes; -1 where none does. */
  opening(close: number): number {
    return this.openings[close] ?? -1;
  }

  /** The bracket that closes the one at `open`; the end where none does. */
  closing(open: number): number {
    return this.closings[open] ?? this.tokens.length;
  }

  /** The next such word from `at` that stands in no bracket opened behind it, or -1. */
  find(at: number, end: number, text: string): number {
    for (let index = at; index < end && !this.symbol(index, ")"); index += 1) {
      if (this.symbol(index, "(")) index = this.closing(index);
      else if (this.word(index, text)) return index;
    }
    return -1;
  }
}
