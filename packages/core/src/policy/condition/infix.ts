/**
 * Finds the infix `contains` of a condition and writes the CEL operator `in` over it, padded to the same length so that every offset stays
 * true. The offsets in `marks` are where an `in` of the parsed tree means `contains`; both bind alike, so the tree has the right shape.
 *
 * Only a `contains` between two operands is infix: not one inside a string or a comment, not a member (`x.contains(…)`), not a function.
 */
export function markInfixContains(condition: string): { readonly cel: string; readonly marks: ReadonlySet<number> } {
  const marks = new Set<number>();
  if (!condition.includes("contains")) return { cel: condition, marks };
  let cel = "";
  let afterOperand = false;
  for (const [token] of condition.matchAll(tokens)) {
    if (token.startsWith("//") || token.trim() === "") {
      cel += token;
      continue;
    }
    if (token === "contains" && afterOperand) {
      marks.add(cel.length);
      cel += "in".padEnd(token.length);
      afterOperand = false;
      continue;
    }
    afterOperand = token !== "in" && /[\w"')\]}]$/.test(token);
    cel += token;
  }
  return { cel, marks };
}

/** In the order of CEL's lexer: comments, (raw, bytes) strings of one and of three quotes, words, spaces, any other character. */
const tokens =
  /\/\/[^\n]*|[rRbB]?(?:"""(?:\\[^]|[^\\])*?"""|'''(?:\\[^]|[^\\])*?'''|"(?:\\[^]|[^"\\\n\r])*"|'(?:\\[^]|[^'\\\n\r])*')|\w+|\s+|[^]/g;
