// The small languages of sed(1) and awk(1): enough to tell a program that only edits its input from one that does more.
import type { Call } from "./call.ts";
import { isKnown, literal, unknown } from "./text.ts";
import type { Field, Text } from "./text.ts";

/** GNU sed manual: `e` runs commands, `w` and `r` reach files, also as flags of `s`. */
export function judgeSed(call: Call): Text | undefined {
  const given = call.values("-e");
  const hasScript = given.length > 0 || call.has("-f");
  const scripts = hasScript ? given : call.operands.slice(0, 1);
  const files = hasScript ? call.operands : call.operands.slice(1);
  for (const script of scripts) {
    const text = literal(script);
    const verdict = text === undefined ? "unknown" : sedScript(text);
    if (verdict !== "plain") call.code(verdict === "unknown" ? "script" : "script_with_effects");
  }
  const inPlace = call.has("-i", "-I");
  for (const file of files) {
    if (inPlace) call.write(file);
    call.read(file);
  }
  const [suffix] = call.values("-i");
  if (inPlace && suffix !== undefined && !/^[\w.~-]*$/.test(suffix.text)) call.findings.open("writes", "`sed` keeps copies under a name that is not plain");
  return files.length === 0 ? unknown(call.stdin.sources) : undefined;
}

/** Whether a script of sed only edits: `effects` where it runs commands or reaches files, `unknown` where it is not understood. */
export function sedScript(script: string): "plain" | "effects" | "unknown" {
  let at = 0;
  const skip = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(script)?.[0] ?? "";
    at += found.length;
    return found;
  };
  /** Reads up to the delimiter, which a backslash or a bracket hides. */
  const delimited = (delimiter: string): boolean => {
    for (let inBracket = false; at < script.length; at += 1) {
      const character = script[at];
      if (character === "\\") at += 1;
      else if (inBracket) inBracket = character !== "]";
      else if (character === delimiter) return (at += 1) > 0;
      else if (character === "\n" && delimiter !== "\n") return false;
    }
    return false;
  };
  const address = (): boolean => {
    if (skip(/\d+(?:~\d+)?|\$/y) !== "") return true;
    if (script[at] !== "/" && script[at] !== "\\") return false;
    const delimiter = script[at] === "\\" ? script[(at += 1)] : "/";
    at += 1;
    if (delimiter === undefined || !delimited(delimiter)) return false;
    skip(/[IM]*/y);
    return true;
  };

  while (at < script.length) {
    if (skip(/[\s;]+/y) !== "") continue;
    if (skip(/#[^\n]*/y) !== "") continue;
    if (address()) {
      skip(/\s*/y);
      if (skip(/,\s*/y) !== "" && skip(/[+~]\d+/y) === "" && !address()) return "unknown";
    }
    skip(/[\s!]*/y);
    const command = script[at] ?? "";
    at += 1;
    switch (command) {
      case "{":
      case "}":
      case "=":
      case "d":
      case "D":
      case "g":
      case "G":
      case "h":
      case "H":
      case "n":
      case "N":
      case "p":
      case "P":
      case "x":
      case "z":
      case "F":
        break;
      case "q":
      case "Q":
      case "l":
      case "L":
        skip(/[ \t]*\d*/y);
        break;
      case ":":
      case "b":
      case "t":
      case "T":
        skip(/[^\n;}]*/y);
        break;
      case "a":
      case "i":
      case "c":
        // Text up to a line end that no backslash hides.
        skip(/(?:\\[\s\S]|[^\\\n])*/y);
        break;
      case "y":
      case "s": {
        const delimiter = script[at];
        at += 1;
        if (delimiter === undefined || delimiter === "\n" || delimiter === "\\" || !delimited(delimiter) || !delimitedText(delimiter)) return "unknown";
        if (command === "s") {
          const flags = skip(/[gpiImMew0-9]*/y);
          if (/[ew]/.test(flags)) return "effects";
        }
        break;
      }
      case "e":
      case "w":
      case "W":
      case "r":
      case "R":
        return "effects";
      default:
        return "unknown";
    }
    if (command !== "{" && command !== "}" && skip(/[ \t]*(?=[\n;}#]|$)/y) === "" && !/^(?:[\n;}#]|$)/.test(script.slice(at, at + 1))) return "unknown";
  }
  return "plain";

  /** A replacement: brackets mean nothing in it, and a line end needs a backslash. */
  function delimitedText(delimiter: string): boolean {
    for (; at < script.length; at += 1) {
      if (script[at] === "\\") at += 1;
      else if (script[at] === delimiter) return (at += 1) > 0;
    }
    return false;
  }
}

/** POSIX awk, and what gawk adds: `system`, pipes, redirected output, `getline`, and the environment. */
export function judgeAwk(call: Call): Text | undefined {
  const given = call.values("-e");
  const hasProgram = given.length > 0 || call.has("-f", "-E");
  const programs = hasProgram ? given : call.operands.slice(0, 1);
  for (const program of programs) if (!isPlainAwk(program)) call.code("script");
  for (const value of call.values("-v")) if (/^[A-Za-z_]\w*=/.test(value.text) === false) call.code("script");
  for (const file of hasProgram ? call.operands : call.operands.slice(1)) if (!/^[A-Za-z_]\w*=/.test(file.text) || !isKnown(file)) call.read(file);
  return unknown(call.stdin.sources);
}

/** Strings are taken out first; what is left must have no way to reach beyond the output. */
export function isPlainAwk(program: Field): boolean {
  const text = literal(program);
  if (text === undefined) return false;
  const bare = text.replace(/"(?:\\[\s\S]|[^"\\\n])*"/g, '""');
  if (/"[^"]/.test(bare.replaceAll('""', ""))) return false;
  if (/@|\b(?:system|getline|ENVIRON|PROCINFO|close|fflush|extension|dcgettext|bindtextdomain|inplace|readfile|SYMTAB|FUNCTAB|ARGV)\b/.test(bare)) return false;
  const operators = bare.replaceAll("||", "");
  if (operators.includes("|")) return false;
  // `>` redirects after a print; elsewhere it compares. Only where it surely compares it is let through.
  return !/>/.test(operators.replace(/>=/g, "")) || !/\bprintf?\b[^;}\n]*>/.test(operators) && !/>\s*(?:""|\()/.test(operators);
}
