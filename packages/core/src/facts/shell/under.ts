import { isKnown } from "./text.ts";
import type { Field } from "./text.ts";

/**
 * The directories, as they are written, in or below which all that the words turn into lies; with `through` what is found below them as
 * well. Null where that is not known.
 */
export function directoriesOf(words: readonly Field[], through = false): readonly string[] | null {
  const directories: string[] = [];
  for (const word of words) {
    if (word.under !== null) {
      directories.push(...word.under);
      continue;
    }
    if (!isKnown(word)) return null;
    const fixed = word.glob ? word.text.slice(0, word.text.search(/[*?[]/)) : word.text;
    // A `..` behind a pattern leads out of whatever the pattern matched.
    if (word.glob && /(?:^|\/)\.\.(?:\/|$)/.test(word.text.slice(fixed.length))) return null;
    const parent = through && !word.glob ? fixed : fixed.slice(0, fixed.lastIndexOf("/") + 1);
    directories.push(parent === "" ? "." : parent);
  }
  return directories.length === 0 ? ["."] : directories;
}
