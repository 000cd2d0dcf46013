import type { Lexis } from "./dialect.ts";

export interface Token {
  /** A `word` is a keyword or a plain name, a `name` is a quoted one; `symbol` is an operator or one of `( ) , ; .`. */
  readonly kind: "word" | "name" | "string" | "number" | "parameter" | "symbol";
  /** A word in upper case, a name and a string unquoted, the rest as written. */
  readonly text: string;
}

export interface Tokens {
  readonly tokens: readonly Token[];
  /** What could not be read, by name: unterminated_string, unterminated_comment, control, odd_space, odd_sign, client_command, too_many_tokens. */
  readonly problems: ReadonlySet<string>;
  readonly executableComments: boolean;
}

const mostTokens = 20_000;
const wordStart = /[A-Za-z_\u0080-\uffff]/;

/** Splits `text` as a server of that lexis does. Total; stops at what it cannot read and says so. */
export function tokenize(text: string, lexis: Lexis): Tokens {
  const tokens: Token[] = [];
  const problems = new Set<string>();
  let executableComments = false;
  // How many version comments the reader is inside of, whose ends are then no error.
  let inside = 0;
  let at = 0;

  const push = (kind: Token["kind"], value: string, end: number): void => {
    tokens.push({ kind, text: value });
    at = end;
  };
  const quoted = (kind: "name" | "string", from: number, quote: string, backslash: boolean): void => {
    const end = endOfQuoted(text, from, quote, backslash, quote !== "]" || lexis.dialect === "mssql");
    if (end < 0) problems.add("unterminated_string");
    const inner = text.slice(from, end < 0 ? text.length : end - 1).replaceAll(quote + quote, quote);
    push(kind, inner, end < 0 ? text.length : end);
  };
  const quotedUnicodeName = (from: number): void => {
    quoted("name", from, '"', false);
    const last = tokens.pop();
    if (last !== undefined) tokens.push({ kind: "name", text: unescapeUnicode(last.text) });
  };
  const skipLine = (): void => {
    const end = endOfLine(text, at, lexis.dialect === "postgres" || lexis.dialect === "mssql");
    // Whether a carriage return alone ends a comment differs from server to server.
    if (/\r(?!\n|$)/.test(text.slice(at, end + 2))) problems.add("odd_space");
    at = end;
  };

  while (at < text.length) {
    if (tokens.length >= mostTokens) {
      problems.add("too_many_tokens");
      break;
    }
    const sign = text[at] ?? "";
    const next = text[at + 1] ?? "";
    if (sign === " " || (sign >= "\t" && sign <= "\r")) {
      at += 1;
    } else if (sign === "-" && next === "-" && (!lexis.dashesNeedSpace || (text[at + 2] ?? "") <= " ")) {
      skipLine();
    } else if (sign === "#" && lexis.hashComments) {
      skipLine();
    } else if (sign === "/" && next === "*") {
      const version = lexis.executableComments === "none" ? null : /^\/\*M?!\d*/.exec(text.slice(at, at + 16));
      if (version !== null) executableComments = true;
      if (version !== null && lexis.executableComments === "code") {
        inside += 1;
        at += version[0].length;
      } else {
        const end = endOfComment(text, at, lexis.nestedComments);
        if (end < 0) problems.add("unterminated_comment");
        at = end < 0 ? text.length : end;
      }
    } else if (sign === "*" && next === "/" && inside > 0) {
      inside -= 1;
      at += 2;
    } else if (sign === "'") {
      quoted("string", at + 1, "'", lexis.backslash);
    } else if (sign === '"') {
      quoted(lexis.doubleQuoted, at + 1, '"', lexis.doubleQuoted === "string" && lexis.backslash);
    } else if (sign === "`" && lexis.backticks) {
      quoted("name", at + 1, "`", false);
    } else if (sign === "[" && lexis.brackets) {
      quoted("name", at + 1, "]", false);
    } else if (sign === "$" && lexis.dollarQuotes && dollarTag(text, at) !== null) {
      const tag = dollarTag(text, at) ?? "";
      const end = text.indexOf(tag, at + tag.length);
      if (end < 0) problems.add("unterminated_string");
      push("string", text.slice(at + tag.length, end < 0 ? text.length : end), end < 0 ? text.length : end + tag.length);
    } else if (wordStart.test(sign) || (sign === "#" && lexis.runsOn && /[A-Za-z_#\u0080-\uffff]/.test(next))) {
      const end = endOfWord(text, at + 1, lexis.runsOn);
      const word = text.slice(at, end);
      const quote = text[end];
      if (/[\p{Z}\p{Cf}\u0080-\u009f\ufeff\u2028\u2029]/u.test(word)) problems.add("odd_space");
      if (lexis.prefixedStrings && quote === "'" && /^[ebxn]$/i.test(word)) quoted("string", end + 1, "'", /^e$/i.test(word));
      else if (quote === "'" && /^(?:x|b|n|_[a-z0-9]+)$/i.test(word)) quoted("string", end + 1, "'", lexis.backslash);
      else if (lexis.prefixedStrings && /^u$/i.test(word) && quote === "&" && text[end + 1] === "'") quoted("string", end + 2, "'", false);
      else if (lexis.prefixedStrings && /^u$/i.test(word) && quote === "&" && text[end + 1] === '"') quotedUnicodeName(end + 2);
      else if (isAfterDot(tokens)) push("name", word.toLowerCase(), end);
      else push("word", word.toUpperCase(), end);
    } else if (/[0-9]/.test(sign) || (sign === "." && /[0-9]/.test(next))) {
      const end = endOfNumber(text, at);
      push("number", text.slice(at, end), end);
    } else if (/[$:@?]/.test(sign) && /[A-Za-z0-9_@?]/.test(next)) {
      const end = endOfWord(text, at + 2, lexis.runsOn);
      push("parameter", text.slice(at, end), end);
    } else if (sign === "?") {
      push("parameter", sign, at + 1);
    } else if (sign === "\\") {
      problems.add("client_command");
      at += 1;
    } else if (sign < " " || sign === "\x7f") {
      problems.add("control");
      at += 1;
    } else {
      const pair = sign + next;
      const isPair = /^(?:<=|>=|<>|!=|==|:=|\|\||&&|::|->|@>|<@|~\*)$/.test(pair);
      if (sign === "$") problems.add("odd_sign");
      push("symbol", isPair ? (text.startsWith("<=>", at) ? "<=>" : pair) : sign, at + (isPair ? (text.startsWith("<=>", at) ? 3 : 2) : 1));
    }
  }
  if (inside > 0) problems.add("unterminated_comment");
  return { tokens, problems, executableComments };
}

/** Behind a dot every word is a name, keywords included: the table of `DELETE FROM t.where` is called so. */
function isAfterDot(tokens: readonly Token[]): boolean {
  const last = tokens.at(-1);
  return last?.kind === "symbol" && last.text === ".";
}

/** The place behind the closing quote, a doubled one being part of the text; -1 where there is none. */
function endOfQuoted(text: string, from: number, quote: string, backslash: boolean, doubling: boolean): number {
  for (let at = from; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === "\\" && backslash) at += 1;
    else if (doubling && sign === quote && text[at + 1] === quote) at += 1;
    else if (sign === quote) return at + 1;
  }
  return -1;
}

function endOfComment(text: string, from: number, nested: boolean): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "*" && text[at + 1] === "/") {
      depth -= 1;
      at += 1;
      if (depth === 0) return at + 1;
    } else if (text[at] === "/" && text[at + 1] === "*" && (nested || depth === 0)) {
      depth += 1;
      at += 1;
    }
  }
  return -1;
}

function endOfLine(text: string, from: number, atReturn: boolean): number {
  const feed = text.indexOf("\n", from);
  const end = feed < 0 ? text.length : feed;
  const back = atReturn ? text.indexOf("\r", from) : -1;
  return back < 0 ? end : Math.min(back, end);
}

/** T-SQL has `@` and `#` inside its names; to the others they are operators, or begin a comment. */
function endOfWord(text: string, from: number, signs: boolean): number {
  const part = signs ? /[A-Za-z0-9_$@#\u0080-\uffff]/ : /[A-Za-z0-9_$\u0080-\uffff]/;
  let at = from;
  while (at < text.length && part.test(text[at] ?? "")) at += 1;
  return at;
}

/** A number ends where its digits do: `1UNION` and `1e0UNION` are two tokens to a server. */
function endOfNumber(text: string, from: number): number {
  const match = /^(?:0x[0-9a-f]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?)/i.exec(text.slice(from, from + 400));
  return from + (match?.[0].length ?? 1);
}

/** The escapes of `U&"…"` (PostgreSQL §4.1.1), with the backslash that is their default. */
function unescapeUnicode(text: string): string {
  return text.replaceAll(/\\(?:\+([0-9a-f]{6})|([0-9a-f]{4}))/gi, (all, long?: string, short?: string) => {
    const code = Number.parseInt(long ?? short ?? "", 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}

/** `$$` or `$tag$` at this place (PostgreSQL §4.1.2.4), or null. */
function dollarTag(text: string, at: number): string | null {
  return /^\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/.exec(text.slice(at, at + 130))?.[0] ?? null;
}
