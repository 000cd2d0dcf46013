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
      return part.exact ? { kind: "text", value: part.text, quoted: true } : { kind: "opaque", why: "a pattern", scripts: part.scripts };
    default:
      return part;
  }
}

/**
 * What the shell evaluates of an element of an array, `[subscript]=value`: the names in its subscript where that is plain, else anything. To an
 * associative array it is a text, but which kind it is, the script may not say.
 */
export function subscriptWords(element: string): readonly Word[] {
  const subscript = /^\[([^]*?)\]\+?=/.exec(element)?.[1];
  if (subscript === undefined) return [];
  const plain = subscript.replace(/['"]/g, "");
  if (!/^[\w\s+*/%:,.@-]*$/.test(plain)) return [{ parts: [opaque("a subscript")] }];
  return (plain.match(/[A-Za-z_]\w*/g) ?? []).map((name) => ({ parts: [text(name)] }));
}
