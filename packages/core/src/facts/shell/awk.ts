import type { Call } from "./call.ts";
import { isKnown, literal, unknown } from "./text.ts";
import type { Text } from "./text.ts";

/** What reaches beyond the output: POSIX awk, and what gawk adds (GAWK manual, "Input/Output Functions", "Predefined Variables"). */
const reaching =
  /@|\b(?:system|getline|ENVIRON|PROCINFO|close|fflush|extension|dcgettext|dcngettext|bindtextdomain|inplace|readfile|SYMTAB|FUNCTAB|ARGV|ARGC|chdir|fork|exec\w*)\b/;

/** awk(1): a program that only reads its input and writes to its output is harmless. */
export function judgeAwk(call: Call): Text | undefined {
  const given = call.values("-e");
  const hasProgram = given.length > 0 || call.has("-f", "-E");
  for (const program of hasProgram ? given : call.operands.slice(0, 1)) if (!isPlainAwk(literal(program))) call.code("script");
  for (const value of call.values("-v")) if (!/^[A-Za-z_]\w*=/.test(value.text)) call.code("script");
  for (const file of hasProgram ? call.operands : call.operands.slice(1))
    if (/^\/inet[46]?\//.test(file.text)) call.network();
    else if (!/^[A-Za-z_]\w*=/.test(file.text) || !isKnown(file)) call.read(file);
  return unknown(call.stdin.sources);
}

/** Whether a program of awk has no way to run something, write a file or read more than its input. Where in doubt, it has. */
export function isPlainAwk(program: string | undefined): boolean {
  const readings = program === undefined ? undefined : withoutLiterals(program);
  return readings?.every(isPlainCode) === true;
}

function isPlainCode(code: string): boolean {
  if (reaching.test(code)) return false;
  let braces = 0;
  // For each open parenthesis: whether something is printed inside, as in the clauses of a `for`.
  const prints: boolean[] = [];
  for (const [token] of code.matchAll(/\bprintf?\b|>=|\|\||[(){}>|]/g)) {
    switch (token) {
      case "{":
        braces += 1;
        break;
      case "}":
        braces -= 1;
        break;
      case "(":
        prints.push(false);
        break;
      case ")":
        prints.pop();
        break;
      case "|":
        return false;
      case ">":
        // In a pattern, or in parentheses with nothing printed, it compares; anywhere else it may name a file.
        if (braces > 0 && (prints.length === 0 || prints.includes(true))) return false;
        break;
      case "print":
      case "printf":
        if (prints.length > 0) prints[prints.length - 1] = true;
        break;
      default:
        break;
    }
  }
  return true;
}

/** The most ways to read a program that are gone through. */
const mostReadings = 16;

/**
 * The program with empty strings and patterns, and without comments, by every way to take its slashes: behind a parenthesis one divides or
 * begins a pattern. Undefined where a literal does not end, or there are too many ways.
 */
function withoutLiterals(program: string): readonly string[] | undefined {
  // Where a line goes on behind its end, or ends in an unusual way, a slash behind it may be either.
  if (/\\\r?\n|[\r\f\v]/.test(program)) return undefined;
  const codes: string[] = [];
  const waiting = [{ code: "", at: 0 }];
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    if (codes.length + waiting.length >= mostReadings) return undefined;
    let { code, at } = state;
    while (at < program.length) {
      const character = program[at] ?? "";
      if (character === "#") {
        const end = program.indexOf("\n", at);
        at = end < 0 ? program.length : end;
      } else if (character === '"') {
        const end = endOfLiteral(program, at);
        if (end === undefined) return undefined;
        code += '""';
        at = end;
      } else if (character === "/" && !dividing.test(code.slice(-64))) {
        const end = endOfPattern(program, at);
        if (end === undefined) return undefined;
        code += "0";
        at = end;
      } else {
        // A pattern behind a condition, or a division of what it is.
        if (character === "/" && !/[\w."\]] ?$/.test(code.slice(-64)) && endOfLiteral(program, at) !== undefined) {
          const end = endOfPattern(program, at);
          if (end === undefined) return undefined;
          waiting.push({ code: `${code}0`, at: end });
        }
        if (character !== " " && character !== "\t") code += character;
        else if (!code.endsWith(" ")) code += " ";
        at += 1;
      }
    }
    codes.push(code);
  }
  return codes;
}

/** Behind a value a slash divides; behind an operator, a keyword or nothing no value stands yet, and it begins a pattern. */
const dividing = /(?:["\]).]|\+\+|--|(?<!\b(?:print|printf|return|in|case|do|else|exit|delete))(?<=\w)) ?$/;

/** The end of a pattern whose brackets all programs read alike: in some a slash inside them ends it, in others not. */
function endOfPattern(program: string, start: number): number | undefined {
  const end = endOfLiteral(program, start);
  if (end === undefined) return undefined;
  const isClear = /^(?:\\[^]|[^\\[]|\[\^?(?:[^\]\\[]|\\[^\]]|\[:\w+:\])+\])*$/.test(program.slice(start + 1, end - 1));
  return isClear ? end : undefined;
}

function endOfLiteral(program: string, start: number): number | undefined {
  const mark = program[start];
  for (let at = start + 1; at < program.length; at += 1) {
    const character = program[at];
    if (character === "\\") at += 1;
    else if (character === mark) return at + 1;
    else if (character === "\n") return undefined;
  }
  return undefined;
}
