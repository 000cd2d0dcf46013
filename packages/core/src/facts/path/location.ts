import { foldName } from "./fold.ts";

/** A place that a text may mean, resolved without asking a disk. */
export interface Location {
  /** `/`, a Windows drive (`c:`) or share (`//server/share`), `~` for a home directory that is not known, or null where nothing is known. */
  readonly root: string | null;
  /** The names below the root, without `.` and `..`; where the start is not known, the names that follow it. */
  readonly segments: readonly string[];
  /** The same names as a lenient file system would compare them. */
  readonly folded: readonly string[];
  /** The absolute path that a kernel would walk, `..` after a name kept: behind a symlink it means another place. Null where it is not known. */
  readonly lookup: string | null;
  /** Why the start is not known, as a clause. */
  readonly why: string | null;
  /** Whether the way there leads through a link of procfs. */
  readonly procfs: boolean;
}

export function location(
  root: string | null,
  segments: readonly string[],
  rest: { readonly lookup?: string; readonly why?: string; readonly procfs?: boolean } = {},
): Location {
  const known = root !== null && root !== "~";
  return {
    root,
    segments,
    folded: segments.map(foldName),
    lookup: known ? (rest.lookup ?? spell(root, segments)) : null,
    why: known ? null : (rest.why ?? (root === "~" ? "the home directory is not known" : "where the path starts is not known")),
    procfs: rest.procfs === true,
  };
}

/** The text of an absolute location: `/etc/passwd`, `C:\Windows`. */
export function spell(root: string, segments: readonly string[]): string {
  if (root === "/") return `/${segments.join("/")}`;
  const start = root.startsWith("//") ? root.replaceAll("/", "\\") : root.toUpperCase();
  return `${start}\\${segments.join("\\")}`;
}

/** An absolute POSIX or Windows directory, resolved by its text alone; null where `text` is none or cannot be one. */
export function directory(text: string): Location | null {
  if (text.includes("\0") || text.length > 4096) return null;
  if (text.startsWith("/")) return walk(location("/", []), text);
  return windowsLocation(text);
}

/** The absolute location that a Windows path names; null where the text is not one, or depends on a drive's current directory. */
export function windowsLocation(text: string): Location | null {
  const slashed = text
    .replaceAll("\\", "/")
    .replace(/^\/\/[?.]\/(?:unc\/(?=.)|(?=[a-z]:))/i, (prefix) => (/unc/i.test(prefix) ? "//" : ""));
  const drive = /^([a-z]:)\//i.exec(slashed)?.[1];
  if (drive !== undefined) return walk(location(drive.toLowerCase(), []), slashed.slice(2));
  const share = /^\/\/([^/]+)\/([^/]+)/.exec(slashed);
  if (share === null) return null;
  return walk(location(share[0].toLowerCase(), []), slashed.slice(share[0].length));
}

/**
 * Where `text`, with `/` between its names, leads from `start`. A procfs link to a root or a working directory on the way is followed as the
 * kernel would; what it leads to is known for a root, and for the process's own working directory where `cwd` is given.
 */
export function walk(start: Location, text: string, cwd: Location | null = null): Location {
  let { root, why } = start;
  let names = [...start.segments];
  let walked = [...names];
  let climbed = false;
  let procfs = start.procfs;
  for (const name of text.split("/")) {
    if (name === "" || name === ".") continue;
    walked.push(name);
    if (name !== "..") {
      names.push(name);
    } else if (names.length > 0) {
      names.pop();
      climbed = true;
    } else if (root === "~") {
      root = null;
    }
    const link = root === "/" ? procfsLink(names) : null;
    if (link === null) continue;
    procfs = true;
    climbed = false;
    if (link === "root") {
      names = [];
    } else {
      const target = link === "cwd" && isOwnProcess(names[1]) ? cwd : null;
      root = target?.root ?? null;
      names = [...(target?.segments ?? [])];
      why = target === null ? "it leads through a link of procfs" : target.why;
    }
    walked = [...names];
  }
  if (root === null || root === "~") return location(root, names, why === null ? { procfs } : { why, procfs });
  return climbed ? location(root, names, { lookup: spell(root, walked), procfs }) : location(root, names, { procfs });
}

function procfsLink(names: readonly string[]): "root" | "cwd" | "other" | null {
  if (names[0] !== "proc" || names.length < 3) return null;
  const depth = names[2] === "task" ? 4 : 2;
  const name = names[depth];
  if (names.length === depth + 1) {
    if (name === "root" || name === "cwd") return name;
    return name === "exe" ? "other" : null;
  }
  return names.length === depth + 2 && (name === "fd" || name === "map_files") ? "other" : null;
}

function isOwnProcess(name: string | undefined): boolean {
  return name === "self" || name === "thread-self";
}

/** How far `inner` lies below `outer`: 0 for the same place, negative where it does not; case aside where `folded`. */
export function depthBelow(outer: Location, inner: Location, folded: boolean): number {
  if (outer.root === null || outer.root !== inner.root) return -1;
  const lenient = folded || outer.root !== "/";
  const above = lenient ? outer.folded : outer.segments;
  const below = lenient ? inner.folded : inner.segments;
  if (above.length > below.length) return -1;
  for (let index = 0; index < above.length; index += 1) if (above[index] !== below[index]) return -1;
  return below.length - above.length;
}
