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
    if (!/^[A-Za-z_]\w*=/.test(file.text) || !isKnown(file)) call.read(file);
  return unknown(call.stdin.sources);
}

/** Whether a program of awk has no way to run something, write a file or read more than its input. Where in doubt, it has. */
export function isPlainAwk(program: string | undefined): boolean {
  const code = program === undefined ? undefined : withoutLiterals(program);
  if (code === undefined || reaching.test(code)) return false;
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

/** The program with empty strings and patterns, and without comments; undefined where one does not end. */
function withoutLiterals(program: string): string | undefined {
  let code = "";
  let at = 0;
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
    } else if (character === "/" && /(?:^|[(,~!&|{};\n])\s*$/.test(code.slice(-64))) {
      // Where no value can stand before it, a slash begins a pattern.
      const end = endOfLiteral(program, at);
      if (end === undefined) return undefined;
      code += "0";
      at = end;
    } else {
      code += character;
      at += 1;
    }
  }
  return code;
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
