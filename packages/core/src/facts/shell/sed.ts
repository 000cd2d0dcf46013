import type { Call } from "./call.ts";
import { literal, unknown } from "./text.ts";
import type { Text } from "./text.ts";

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
  if (inPlace && suffix !== undefined && !/^[\w.~-]*$/.test(suffix.text))
    call.findings.open("writes", "`sed` keeps copies under a name that is not plain");
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
  /** Reads up to the delimiter, which a backslash hides. In a bracket it means one thing to some and another to others. */
  const delimited = (delimiter: string): boolean => {
    let inBracket = false;
    for (; at < script.length; at += 1) {
      const character = script[at];
      if (character === "\\") at += 1;
      else if (character === "\n") return false;
      else if (character === delimiter) return !inBracket && (at += 1) > 0;
      else if (character === "[") inBracket = true;
      else if (character === "]") inBracket = false;
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
        // Behind a blank GNU sed reads the next command.
        skip(/[ \t]*[^\s;}]*/y);
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
        if (delimiter === undefined || delimiter === "\n" || delimiter === "\\" || !delimited(delimiter) || !delimitedText(delimiter))
          return "unknown";
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
    if (!"{}:btT".includes(command) && skip(/[ \t]*(?=[\n;}#]|$)/y) === "" && !/^(?:[\n;}#]|$)/.test(script.slice(at, at + 1)))
      return "unknown";
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
