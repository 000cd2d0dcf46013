import { location, spell, walk, windowsLocation } from "./location.ts";
import type { Location } from "./location.ts";

/** What a path starts from. */
export interface PathBase {
  /** The absolute directory that a relative path starts from. */
  readonly cwd?: string;
  /** The absolute directory that `~` and `$HOME` stand for. */
  readonly home?: string;
  /** The directory where the agent may be expected to work, as the host named it; unlike `cwd`, never taken from the payload. */
  readonly workspace?: string;
  /** Absolute paths of Canopy's own files. */
  readonly ownFiles?: readonly string[];
  /**
   * The text is exactly what reaches the system: nobody expands `~`, `$HOME`, `%41` or `file:` in it any more. For callers who did that
   * themselves, as a shell does. Without it every reading that some program may have is considered.
   */
  readonly literal?: boolean;
}

/** All that a text may mean. */
export interface Readings {
  /** The distinct places, at least one. */
  readonly locations: readonly Location[];
  /** The place that is meant, or a clause that says why it cannot be told. */
  readonly primary: Location | string;
  /** What is odd about the text, by name. */
  readonly problems: readonly string[];
}

/** The directories of a base, resolved. */
export interface Start {
  readonly cwd: Location | null;
  readonly home: Location | null;
}

/** The most characters that a path may have: PATH_MAX on Linux. */
export const longestPath = 4096;

const mostSpellings = 12;
const plainText = /^[A-Za-z0-9_@+=,./-]+$/;
const oddDots = /[^./]\.+(?:\/|$)|\.{3}/;

/** Every place that `text` may mean, to whatever program it is handed. Total; the work is bounded. */
export function readPath(text: string, start: Start, literal: boolean): Readings {
  if (text === "") return unreadable("the path is empty", "empty");
  if (text.length > longestPath) return unreadable(`the path is longer than ${longestPath} characters`, "too_long");
  if (plainText.test(text) && !oddDots.test(text) && !isWindows(start)) {
    const only = relative(text, start);
    if (!only.procfs) return { locations: [only], primary: only, problems: [] };
  }
  const problems = new Set(oddities(text));
  const found: Location[] = [];
  const add = (place: Location): void => {
    if (!found.some((other) => same(other, place))) found.push(place);
  };

  let primary: Location | string | null = null;
  const spelled = literal ? [text] : spellings(text, problems);
  if (spelled.length > mostSpellings) add(location(null, [], { why: "the path can be read in too many ways" }));
  for (const spelling of spelled.slice(0, mostSpellings)) {
    for (const place of placesOf(spelling, start, literal, problems)) add(place);
  }
  if (literal || found.length === 1) primary = found[0] ?? null;
  primary ??= expanded(text, start) ?? "the path can be read in more than one way";
  return { locations: found, primary, problems: [...problems] };
}

/** The places of one spelling: as it stands, and with what may be expanded in it. */
function placesOf(text: string, start: Start, literal: boolean, problems: Set<string>): Location[] {
  const places: Location[] = [];
  const windows = windowsLocation(text);
  const isDrive = /^[A-Za-z]:/.test(text);
  if (isDrive && !isWindows(start)) problems.add("windows");
  if (windows !== null && (isDrive || text.startsWith("\\") || isWindows(start))) places.push(windows);
  else if (isDrive) places.push(location(null, [], { why: "it starts from the current directory of a drive" }));
  if (windows === null || !isWindows(start)) places.push(relative(text, start));
  if (places.some((place) => place.procfs)) {
    problems.add("procfs");
    places.push(location("/", ["proc"]));
  }
  if (!literal) {
    const more = expanded(text, start);
    if (more !== null) places.push(more);
  }
  return places;
}

/** The place of a text that begins with `~` or names a variable, or null where there is nothing to expand. */
function expanded(text: string, start: Start): Location | null {
  const file = fileUrlPath(text);
  if (file !== null) return expanded(file, start) ?? relative(decodePercent(file), start);
  if (text.startsWith("~")) {
    const slash = text.indexOf("/");
    const head = slash < 0 ? text : text.slice(0, slash);
    const rest = slash < 0 ? "" : expandHome(text.slice(slash), start);
    if (rest === null) return location(null, namesAfterLast(text), { why: "it holds a variable" });
    if (head === "~") return walk(start.home ?? location("~", []), rest, start.cwd);
    return walk(location(null, [], { why: `where \`${head.slice(0, 40)}\` is, is not known` }), rest, start.cwd);
  }
  if (/%[A-Za-z_][A-Za-z0-9_()]*%/.test(text)) return location(null, [], { why: "it holds a variable of Windows" });
  if (!/[$`]/.test(text)) return null;
  const home = /^\$(?:HOME(?![A-Za-z0-9_])|\{HOME\})(?=\/|$)/.exec(text);
  if (home !== null && start.home === null) {
    const rest = expandHome(text.slice(home[0].length), start);
    if (rest !== null) return walk(location("~", []), rest, start.cwd);
  }
  const replaced = expandHome(text, start);
  if (replaced === text) return null;
  if (replaced === null) return location(null, namesAfterLast(text), { why: "it holds a variable or a command that only a shell knows" });
  return relative(replaced, start);
}

/** `text` with HOME and PWD filled in; null where it names another variable, or one of these that is not known. */
function expandHome(text: string, start: Start): string | null {
  let known = true;
  const replaced = text.replaceAll(
    /\$(?:\{([^}]*)\}|([A-Z_][A-Z0-9_]*)(?![A-Za-z0-9_])|([(@*#?!0-9$-]))|`/g,
    (_all, braced?: string, bare?: string) => {
      const name = braced ?? bare;
      const value = name === "HOME" ? start.home : name === "PWD" ? start.cwd : null;
      if (value?.root !== "/") {
        known = false;
        return "";
      }
      return value.segments.length === 0 ? "" : spell("/", value.segments);
    },
  );
  return known ? replaced : null;
}

/** The names behind the last one that holds a variable or a command: what can be said of the place. */
function namesAfterLast(text: string): string[] {
  const names = text.split("/");
  const last = names.findLastIndex((name) => /[$`)}]/.test(name));
  return [...walk(location(null, []), names.slice(last + 1).join("/")).segments];
}

function relative(text: string, start: Start): Location {
  if (text.startsWith("/") && !isWindows(start)) return walk(location("/", []), text, start.cwd);
  const slashed = isWindows(start) ? text.replaceAll("\\", "/") : text;
  if (start.cwd === null) return walk(location(null, [], { why: "it is relative, and the working directory is not known" }), slashed);
  if (slashed.startsWith("/")) return walk(location(start.cwd.root, []), slashed);
  return walk(start.cwd, slashed, start.cwd);
}

/** The spellings that programs may make of a text before they open it: cut at NUL, trimmed, decoded, with Windows separators. */
function spellings(text: string, problems: Set<string>): string[] {
  const found = [text];
  for (let index = 0; index < found.length && found.length <= mostSpellings; index += 1) {
    const from = found[index] ?? "";
    const nul = from.indexOf("\0");
    const backslashed = /%[A-Za-z_][A-Za-z0-9_()]*%/.test(from) ? from : from.replaceAll("\\", "/");
    const decoded = decodePercent(from);
    if (decoded !== from && /[%/\\.\p{Cc}~$]/u.test(decodedOnly(from))) problems.add("percent_encoding");
    for (const next of [
      nul < 0 ? from : from.slice(0, nul),
      from.trim(),
      fileUrlPath(from) ?? from,
      from.replace(/^\s*file:\/\//i, ""),
      decoded,
      backslashed,
    ]) {
      if (next !== "" && !found.includes(next)) found.push(next);
    }
  }
  return found;
}

/** The path of a `file:` URL (RFC 8089) before percent-decoding, or null where the text is none. */
function fileUrlPath(text: string): string | null {
  const url = /^\s*file:(\/\/[^/\\?#]*)?([^?#]*)/i.exec(text);
  if (url === null) return null;
  const path = url[2] ?? "";
  return /^\/[A-Za-z][:|][/\\]/.test(path) ? path.slice(1).replace("|", ":") : path.replace(/^\/{2,}/, "/");
}

function decodePercent(text: string): string {
  if (!/%[0-9a-f]{2}/i.test(text)) return text;
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run.replaceAll(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    }
  });
}

function decodedOnly(text: string): string {
  return [...text.matchAll(/%[0-9a-f]{2}/gi)].map(([code]) => decodePercent(code)).join("");
}

/** What in the text itself is odd, whatever it means. */
function* oddities(text: string): Generator<string> {
  if (text.includes("\0")) yield "nul";
  if (/\p{Cc}/u.test(text.replaceAll("\0", ""))) yield "control";
  if (/[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/.test(text)) yield "bidi";
  if (
    /[\p{Default_Ignorable_Code_Point}\u2028\u2029\uFFFD]/u.test(
      text.replaceAll(/[\u{061C}\u{200E}\u{200F}\u{202A}-\u{202E}\u{2066}-\u{2069}]|\u{FE0F}/gu, ""),
    )
  ) {
    yield "invisible";
  }
  if (text !== text.trim() || /[^/\\. ][. ]+(?:[/\\]|$)|(?:^|[/\\])(?:\.{3,}| [. ]*|\.+ [. ]*)(?:[/\\]|$)/.test(text))
    yield "trailing_dot_or_space";
  if (/(?:^|[/\\])[^~/\\]{1,6}~\d{1,6}(?:\.[^./\\]{0,3})?(?:[/\\]|$)/.test(text)) yield "short_name";
  if (/::?\$/.test(text)) yield "stream";
  if (text.includes("\\")) yield "backslash";
  if (text.split(/[/\\]/).some(mixesScripts)) yield "mixed_script";
  if (/[\u2024\u2025\u2026\u2044\u2215\u2216\u29F5\u29F8\uFE52\uFE68\uFF0E\uFF0F\uFF3C]/.test(text)) yield "lookalike";
}

/** Latin letters beside Cyrillic, Greek, Armenian or Cherokee ones in one name: read as one word, they are another. */
function mixesScripts(name: string): boolean {
  return /\p{Script=Latin}/u.test(name) && /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u.test(name);
}

function isWindows(start: Start): boolean {
  const root = start.cwd?.root ?? start.home?.root ?? "/";
  return root !== "/";
}

function same(left: Location, right: Location): boolean {
  return (
    left.root === right.root &&
    left.lookup === right.lookup &&
    left.segments.length === right.segments.length &&
    left.segments.every((name, index) => name === right.segments[index])
  );
}

function unreadable(why: string, problem: string): Readings {
  return { locations: [location(null, [], { why })], primary: why, problems: [problem] };
}
