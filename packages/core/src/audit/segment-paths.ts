import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** The files of a log in the order of their entries: sealed segments, named by their first entry, then the one that is written. */
export function segmentPaths(path: string): readonly string[] {
  const prefix = `${basename(path)}.`;
  const sealed = names(dirname(path)).filter((name) => name.startsWith(prefix) && /^\d{12}$/.test(name.slice(prefix.length)));
  return [...sealed.toSorted().map((name) => join(dirname(path), name)), path];
}

function names(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
