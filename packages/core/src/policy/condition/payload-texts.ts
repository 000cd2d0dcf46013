import type { JsonValue } from "../../json.ts";

/** The most of one string that a search reads, in UTF-16 code units; beyond it the answer is unknown. */
export const searchedCharacters = 65_536;
const searchedCharactersInAll = 4 * searchedCharacters;
const searchedStrings = 10_000;

/** What a search of the whole payload looks through. */
export interface PayloadTexts {
  /** Every string, at any depth. */
  readonly strings: readonly string[];
  /**
   * What is not a string of the payload but might be read as one: keys, and the strings of a list joined by spaces (`["rm", "-rf"]`). A
   * match here says neither that the text is there nor that it is not.
   */
  readonly doubtful: readonly string[];
  /** Whether there is more than a search looks through. */
  readonly more: boolean;
  /** UTF-16 code units of all of these. */
  readonly characters: number;
}

/** Collects the texts of `payload`, without recursion: it may be nested as deeply as memory allows. */
export function textsOf(payload: JsonValue): PayloadTexts {
  const strings: string[] = [];
  const doubtful: string[] = [];
  let left = searchedCharactersInAll;
  let more = false;
  const keep = (into: string[], text: string): void => {
    // Of a longer one no more than this is read.
    left -= Math.min(text.length, searchedCharacters);
    if (left < 0 || strings.length + doubtful.length >= searchedStrings) more = true;
    else into.push(text);
  };
  const waiting: JsonValue[] = [payload];
  let value: JsonValue | undefined;
  while ((value = waiting.pop()) !== undefined) {
    if (typeof value === "string") keep(strings, value);
    if (typeof value !== "object" || value === null) continue;
    if (more || waiting.length > searchedStrings) return { strings, doubtful, more: true, characters: searchedCharactersInAll };
    if (isList(value)) {
      const words = value.filter((item) => typeof item === "string");
      // Already more than is promised, so the beginning of it will do.
      if (words.length > 1) keep(doubtful, words.join(" ").slice(0, searchedCharacters));
      for (const item of value) waiting.push(item);
      continue;
    }
    for (const key of Object.keys(value)) {
      keep(doubtful, key);
      const item = value[key];
      if (item !== undefined) waiting.push(item);
    }
  }
  return { strings, doubtful, more, characters: searchedCharactersInAll - left };
}

function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}
