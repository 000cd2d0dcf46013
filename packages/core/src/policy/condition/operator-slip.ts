import { nearest } from "../nearest.ts";

/** An operator that is none, where it stands in the condition, and the one that was probably meant. */
export interface OperatorSlip {
  readonly word: string;
  readonly at: number;
  readonly meant: string;
}

/** Operators of other languages, and slips of the finger. The longer ones first. */
const slips: readonly (readonly [pattern: RegExp, meant: string])[] = [
  [/===/, "=="],
  [/!==/, "!="],
  [/<>/, "!="],
  [/>>/, ">"],
  [/<</, "<"],
  [/=>/, ">="],
  [/=</, "<="],
  [/(?<![=!<>])=(?!=)/, "=="],
  [/(?<!&)&(?!&)/, "&&"],
  [/(?<!\|)\|(?!\|)/, "||"],
  [/\b(?:and|AND)\b/, "&&"],
  [/\b(?:or|OR)\b/, "||"],
  [/\b(?:not|NOT)\b/, "!"],
  [/\b(?:eq|is|equals)\b/, "=="],
  [/\bne\b/, "!="],
  [/\bgt\b/, ">"],
  [/\bge\b/, ">="],
  [/\blt\b/, "<"],
  [/\ble\b/, "<="],
];

/** What is probably wrong with a condition that cannot be read; undefined where no operator in it looks like one that there is. */
export function operatorSlip(condition: string): OperatorSlip | undefined {
  // What stands in quotes is no operator; blanks in its place keep every offset true.
  const bare = condition.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/gs, (text) => `"${" ".repeat(text.length - 2)}"`);
  for (const [pattern, meant] of slips) {
    const found = pattern.exec(bare);
    if (found !== null) return { word: found[0], at: found.index, meant };
  }
  // A word between two operands, as `contains` and `in` stand.
  const infix = /[\w)\]"]\s+(?<word>[A-Za-z_]\w*)\s+["\w([]/d.exec(bare);
  const word = infix?.groups?.["word"];
  const at = infix?.indices?.groups?.["word"]?.[0];
  const meant = word === undefined ? undefined : nearest(word, ["contains", "in"]);
  return word === undefined || at === undefined || meant === undefined || meant === word ? undefined : { word, at, meant };
}
