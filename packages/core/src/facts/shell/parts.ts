import type { Part, Word } from "./script.ts";

/** A part that is not quoted. */
export function text(value: string): Part {
  return { kind: "text", value, quoted: false };
}

/** Whether expanding a part may run something. */
export function runs(part: Part): boolean {
  return part.kind !== "text" && part.kind !== "tilde";
}

export function opaque(why: string): Part {
  return { kind: "opaque", why, scripts: [] };
}

export function appended(word: Word, suffix: string): Word {
  return { parts: [...word.parts, { kind: "text", value: suffix, quoted: true }] };
}

/** The same part where the shell does not split words or expand patterns. */
export function unsplit(part: Part): Part {
  switch (part.kind) {
    case "text":
    case "parameter":
    case "substitution":
    case "arithmetic":
      return { ...part, quoted: true };
    case "glob":
      return { kind: "text", value: part.text, quoted: true };
    default:
      return part;
  }
}
