import { unreachable } from "../../unreachable.ts";
import { globsMeet, shortName, shortStem } from "./fold.ts";
import type { Location } from "./location.ts";

/** Whether a location is one of the places: surely, perhaps (a glob or an unknown start may reach it), or not. */
export type Hit = "yes" | "maybe" | "no";

/** Places compiled for lookup by their first name. */
export interface Places {
  readonly exact: ReadonlyMap<string, readonly Place[]>;
  readonly globs: readonly Place[];
  readonly all: readonly Place[];
  readonly exceptions: Places | null;
}

interface Place {
  /** Where the first name must stand: at the file system's root, directly in a home directory, or anywhere. */
  readonly where: "root" | "home" | "anywhere";
  readonly names: readonly Name[];
}

interface Name {
  readonly text: string;
  /** The same where it holds a star, to match whole names. */
  readonly glob: RegExp | null;
  /** What its 8.3 name begins with. */
  readonly short: string;
}

/** NAME_MAX: no longer name can be on a disk, so a longer glob is not worth matching. */
const longestName = 255;

/**
 * Places written as `/etc/shadow` (from the root), `~/.profile` (in a home directory) or `.ssh` (at any depth); `*` stands for any
 * characters of one name, and what lies beneath a place belongs to it. A line that begins with `!` takes away from the others.
 * Lower case, as names are compared after folding.
 */
export function places(...groups: readonly (readonly string[])[]): Places {
  const lines = groups.flat();
  const exceptions = lines.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  const all = lines.filter((line) => !line.startsWith("!")).map(place);
  const exact = new Map<string, Place[]>();
  for (const item of all) {
    const first = item.names[0];
    if (first?.glob === null) exact.set(first.text, [...(exact.get(first.text) ?? []), item]);
  }
  const globs = all.filter((item) => item.names[0]?.glob !== null);
  return { exact, globs, all, exceptions: exceptions.length === 0 ? null : places(exceptions) };
}

/** Names of one path that are compared with every place; where there are more, the answer is at least `maybe`. */
const mostOdd = 16;

/** Whether `at` is one of `of` or lies beneath it. `isHome` says whether the first so many names are a home directory. */
export function find(of: Places, at: Location, isHome: (depth: number) => Hit): Hit {
  let best: Hit = "no";
  let oddLeft = mostOdd;
  for (let index = 0; index < at.folded.length; index += 1) {
    const name = at.folded[index] ?? "";
    const odd = isOdd(name) && oddLeft > 0;
    if (odd) oddLeft -= 1;
    if (oddLeft === 0) best = "maybe";
    const candidates = odd ? of.all : of.exact.get(name);
    for (let which = 0; which < 2; which += 1) {
      const items = which === 0 ? candidates : odd ? undefined : of.globs;
      if (items === undefined) continue;
      for (const item of items) {
        const stands = standsAt(item, index, at, isHome);
        if (stands === "no") continue;
        const hit = matches(item.names, at.folded, index);
        if (hit === "no" || isException(of, at, index, isHome)) continue;
        if (hit === "yes" && stands === "yes") return "yes";
        best = "maybe";
      }
    }
  }
  return best;
}

/** Whether an exception surely begins at the same name; one elsewhere in the path excuses nothing. */
function isException(of: Places, at: Location, index: number, isHome: (depth: number) => Hit): boolean {
  const except = of.exceptions?.all ?? [];
  return except.some((item) => standsAt(item, index, at, isHome) === "yes" && matches(item.names, at.folded, index) === "yes");
}

/** Names that stand for others: globs and 8.3 names. */
function isOdd(name: string): boolean {
  return isGlob(name) || (name.includes("~") && shortName(name) !== null);
}

function isGlob(name: string): boolean {
  return /[*?[]/.test(name);
}

function standsAt(item: Place, index: number, at: Location, isHome: (depth: number) => Hit): Hit {
  switch (item.where) {
    case "anywhere":
      return "yes";
    case "home":
      return isHome(index);
    case "root":
      if (index > 0) return "no";
      return at.root === null ? "maybe" : at.root === "~" ? "no" : "yes";
    default:
      return unreachable(item.where);
  }
}

function matches(names: readonly Name[], folded: readonly string[], from: number): Hit {
  if (from + names.length > folded.length) return "no";
  let hit: Hit = "yes";
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index];
    const one = name === undefined ? "no" : compare(name, folded[from + index] ?? "");
    if (one === "no") return "no";
    if (one === "maybe") hit = "maybe";
  }
  return hit;
}

function compare(pattern: Name, name: string): Hit {
  if (pattern.text === name) return "yes";
  if (isGlob(name)) return name.length > longestName || globsMeet(pattern.text, name) ? "maybe" : "no";
  if (pattern.glob !== null) return pattern.glob.test(name) ? "yes" : "no";
  if (!name.includes("~")) return "no";
  return shortName(name) === pattern.short || (pattern.text === ".git" && name === "gi7eba~1") ? "yes" : "no";
}

function place(line: string): Place {
  const names = line
    .split("/")
    .filter((name) => name !== "" && name !== "~")
    .map((text): Name => {
      // The lines are ours: at most two stars in a name, so that this stays cheap on any input.
      const source = text.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^]*");
      return { text, glob: text.includes("*") ? new RegExp(`^${source}$`) : null, short: shortStem(text) };
    });
  return { where: line.startsWith("/") ? "root" : line.startsWith("~/") ? "home" : "anywhere", names };
}
