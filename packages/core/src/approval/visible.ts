import { isJsonObject } from "../json.ts";
import type { JsonValue } from "../json.ts";

/**
 * Controls, what changes the direction of text, and what cannot be seen or looks like a space and is none: as `⟨U+202E⟩`. A line feed in the middle of
 * a text is one of them.
 */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u{2800}]|(?! )\p{Zs}/gu;

/** The text of a value as a person sees it, and how many characters of all of it had to be spelt out, line feeds and tabs not counted. */
export function visible(value: JsonValue): { readonly text: string; readonly hidden: number } {
  if (typeof value === "string") {
    let hidden = 0;
    const text = value.replaceAll(unseen, (character) => {
      if (character !== "\n" && character !== "\t") hidden += 1;
      return `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
    });
    return { text, hidden };
  }
  if (typeof value !== "object" || value === null) return { text: JSON.stringify(value), hidden: 0 };
  const parts: readonly JsonValue[] = isJsonObject(value) ? [...Object.keys(value), ...Object.values(value)] : value;
  return { text: JSON.stringify(value), hidden: parts.reduce<number>((sum, part) => sum + visible(part).hidden, 0) };
}
