import { analysePath } from "../path.ts";
import type { PathBase, PathFact } from "../path.ts";
import type { DiskFact } from "../schema.ts";
import { open, Unknown } from "../unknown.ts";
import type { Spend } from "./limits.ts";
import type { State } from "./state.ts";
import { isKnown, literal, mark } from "./text.ts";
import type { Field } from "./text.ts";

/** A place that a word names. */
export interface Place {
  readonly path: PathFact | Unknown;
  /** It stands for files that match a pattern, or for what lies below a directory. */
  readonly glob: boolean;
  /** One of many that a pattern may match, rather than the pattern. */
  readonly vague?: true;
  /** Whether it holds a secret: `no` is certain. */
  readonly secret: "yes" | "maybe" | "no";
}

/** Resolves the words of one script to paths. One per script, since the same words come again. */
export class Places {
  readonly base: PathBase;
  readonly #disk: Readonly<Record<string, DiskFact>> | undefined;
  readonly #spend: Spend;
  readonly #facts = new Map<string, PathFact>();
  readonly #matched = new Map<string, readonly Place[]>();
  readonly #inside = new Map<string, readonly Place[]>();

  constructor(base: PathBase, disk: Readonly<Record<string, DiskFact>> | undefined, spend: Spend) {
    this.base = { ...base, literal: true };
    this.#disk = disk;
    this.#spend = spend;
  }

  /** The absolute path of a literal word where that is certain, by its text alone. */
  absolute(item: Field, state: State): string | undefined {
    if (!isKnown(item) || item.glob || item.many) return undefined;
    const [directory] = state.directories;
    const text = item.text.startsWith("/")
      ? item.text
      : directory !== undefined && state.directories.length === 1 && !state.lost
        ? `${directory}/${item.text}`
        : undefined;
    if (text === undefined) return undefined;
    const { absolute } = this.fact(text);
    return typeof absolute === "string" ? absolute : undefined;
  }

  /** The directories that `item` leads to, as new working directories; none and `lost` where that is not known. */
  directories(item: Field, state: State): { readonly directories: readonly string[]; readonly lost: boolean } {
    const directories: string[] = [];
    let lost = false;
    if (!isKnown(item) || item.glob || item.many) return { directories, lost: true };
    for (const text of this.#spelled(item.text, state)) {
      const { absolute } = this.fact(text);
      if (typeof absolute === "string") directories.push(absolute);
      else lost = true;
    }
    return { directories, lost: lost || (state.lost && !item.text.startsWith("/")) };
  }

  /** All that the word may name. Where it is not known, one place says so, and others say what it may be at worst. */
  of(item: Field, state: State): readonly Place[] {
    const places = this.#of(item, state);
    this.#spend(places.length);
    return places;
  }

  #of(item: Field, state: State): readonly Place[] {
    if (item.text === mark.hole && item.under !== null)
      return item.under.flatMap((directory) => this.#spelled(directory, state).flatMap((path) => this.#below(path)));
    const text = item.text.replaceAll(mark.number, "0");
    if (!/[\uE000-\uE002]/.test(text)) {
      const spelled = this.#spelled(text, state);
      return spelled.flatMap((path) => (item.glob ? this.#matching(path) : [this.#place(path)]));
    }
    if (text.startsWith(mark.home) && !/[\uE000-\uE002]/.test(text.slice(1))) {
      const path = analysePath(`~${text.slice(1)}`, { ...this.base, literal: false }, this.#disk);
      return [{ path, glob: item.glob, secret: item.glob ? "maybe" : answer(path.secret) }];
    }
    const unknown: Place = { path: open(`\`${shown(text)}\` is not known before it runs`), glob: false, secret: "maybe" };
    const collapsed = this.#collapsed(text, state);
    return collapsed === undefined ? [unknown] : [{ path: collapsed, glob: item.glob, secret: "maybe" }, unknown];
  }

  /** What is somewhere below `directory`; itself only where it is read through. */
  below(item: Field, state: State): readonly Place[] {
    if (!isKnown(item)) return this.of(item, state);
    const places = this.#spelled(item.text, state).flatMap((path) => this.#below(path));
    this.#spend(places.length);
    return places;
  }

  /** The absolute paths that a disk would have to be asked about for all that was come across. */
  lookups(): readonly string[] {
    return [...new Set([...this.#facts.values()].flatMap((fact) => fact.lookups))];
  }

  fact(text: string): PathFact {
    let fact = this.#facts.get(text);
    if (fact === undefined) {
      // A long path is many names.
      this.#spend(1 + (text.length >> 6));
      this.#facts.set(text, (fact = analysePath(text, this.base, this.#disk)));
    }
    return fact;
  }

  /** The texts that a relative word may stand for: one for each directory that the script may be in. */
  #spelled(text: string, state: State): readonly string[] {
    if (text.startsWith("/")) return [text];
    const spelled = state.directories.map((directory) => (text === "" || text === "." ? directory : `${directory}/${text}`));
    return state.lost || spelled.length === 0 ? [...spelled, text === "" ? "." : text] : spelled;
  }

  #place(path: string): Place {
    const fact = this.#at(path);
    return { path: fact, glob: false, secret: answer(fact.secret) };
  }

  /** A relative text here means that the directory is not known; the base's own must not be taken for it. */
  #at(path: string): PathFact {
    return path.startsWith("/") ? this.fact(path) : analysePath(path, withoutDirectory(this.base), this.#disk);
  }

  /** A pattern: what it looks like as a path, and what may be under its fixed part. */
  #matching(pattern: string): readonly Place[] {
    return remembered(this.#matched, pattern, () => this.#match(pattern));
  }

  #match(pattern: string): readonly Place[] {
    const at = pattern.search(/[*?[]/);
    const parent = pattern.slice(0, pattern.lastIndexOf("/", at) + 1);
    const lexical = this.#secretMatch(pattern);
    if (parent === "") return [{ ...this.#place(pattern), glob: true, secret: "maybe" }];
    const fact = this.fact(pattern);
    // Where the disk was asked, and would not say that all of them are plain files, one may be a link to anything.
    const secret = lexical === "no" && fact.linked instanceof Unknown ? "maybe" : lexical;
    // A `..` behind a pattern leads out of whatever the pattern matched.
    if (/(?:^|\/)\.\.(?:\/|$)/.test(pattern.slice(at)))
      return [{ path: open(`\`${pattern}\` leads through a pattern`), glob: true, secret: "maybe" }];
    const places: Place[] = [
      { path: fact, glob: true, secret },
      { path: somewhereBelow(fact, this.fact(parent), pattern), glob: true, vague: true, secret },
    ];
    // All that is in the root is the root.
    if (this.fact(parent).absolute === "/" && /^\*+\/*$/.test(pattern.slice(at))) places.push({ path: this.fact("/"), glob: true, secret });
    return places;
  }

  #below(directory: string): readonly Place[] {
    return remembered(this.#inside, directory, () => this.#everythingIn(directory));
  }

  #everythingIn(directory: string): readonly Place[] {
    const above = this.#at(directory === "" ? "/" : directory);
    const text = `${directory.replace(/\/$/, "")}/*`;
    const below = this.#at(text);
    const secret = answer(above.secret);
    const worst = secret === "no" && this.#holdsSecrets(above) ? "maybe" : secret;
    return [
      { path: below, glob: true, secret: worst },
      { path: somewhereBelow(below, above, text), glob: true, vague: true, secret: worst },
    ];
  }

  /** Whether reading everything below `directory` meets a place for secrets that is known by its path: all of a home, /etc, /proc, … */
  #holdsSecrets(directory: PathFact): boolean {
    const { absolute, anchor, startup } = directory;
    if (typeof absolute !== "string") return true;
    if (this.base.cwd !== undefined && absolute === this.base.cwd && absolute !== this.base.home) return false;
    if (
      startup === true ||
      /^\/(?:etc|proc|root|run|var|home|dev|private|Users)?(?:\/(?:ssh|ssl|[0-9]+|self|run|lib|etc))?$/i.test(absolute)
    )
      return true;
    return anchor !== false && absolute !== this.base.cwd;
  }

  /** Whether a pattern may match a secret. One that begins a name with `*`, `?` or `[` matches no name that begins with a dot. */
  #secretMatch(pattern: string): Place["secret"] {
    const whole = answer(this.fact(pattern).secret);
    if (whole !== "maybe") return whole;
    let candidates: readonly string[] = [""];
    for (const name of pattern.split("/").slice(1)) {
      const next = /^[*?[]/.test(name) ? samples(name) : [name];
      candidates = candidates.flatMap((path) => next.map((choice) => `${path}/${choice}`));
      if (candidates.length > 64) return "maybe";
    }
    return candidates.some((path) => answer(this.fact(path).secret) !== "no") ? "maybe" : "no";
  }

  /**
   * What is left of a path where variables that nobody set are empty, if that is the root or the home directory: `"$DIR/"`, `/$DIR/*`. The
   * script has then lost the name that it meant.
   */
  #collapsed(text: string, state: State): PathFact | undefined {
    if (!text.includes(mark.unset) || text.includes(mark.hole)) return undefined;
    const left = text.replaceAll(mark.unset, "").replaceAll(mark.home, state.home ?? "/");
    if (!left.startsWith("/")) return undefined;
    const bare = left.replace(/[*?.]+$/, "");
    const { absolute } = this.fact(bare);
    return absolute === "/" || (state.home !== undefined && absolute === state.home) ? this.fact(left) : undefined;
  }
}

/** The same words come again, and what a pattern may match takes a while to tell. */
function remembered(known: Map<string, readonly Place[]>, text: string, find: () => readonly Place[]): readonly Place[] {
  let places = known.get(text);
  if (places === undefined) known.set(text, (places = find()));
  return places;
}

/** Names that stand for all that a pattern may match: an ordinary one, and those of places that matter. */
const telling: readonly string[] = [
  "etc",
  "root",
  "proc",
  "run",
  "home",
  "shadow",
  "gshadow",
  "sudoers",
  "self",
  "environ",
  "mem",
  "id_rsa",
  "id_ed25519",
];

function samples(pattern: string): readonly string[] {
  const tail = pattern.replace(/^(?:[*?]|\[[^\]]*\]?)+/, "");
  const ordinary = `x${/[*?[]/.test(tail) ? "" : tail}`;
  // A lone star matches every name there is; that a private key lies about is then no more likely than anywhere.
  const candidates = /^\*+$/.test(pattern) ? telling.filter((name) => !name.startsWith("id_")) : telling;
  const matcher = matcherOf(pattern);
  return [ordinary, ...candidates.filter((name) => matcher.test(name))];
}

/** Whether a pattern matches a name. */
export function matchesName(pattern: string, name: string): boolean {
  return pattern.length <= 255 && matcherOf(pattern).test(name);
}

/** A class is taken to match any character; each star is lazy and the names are short, so that this stays linear. */
function matcherOf(pattern: string): RegExp {
  const source = pattern.replace(/\*+/g, "*").replace(/\[[^\]]*\]?|[\s\S]/g, (token) => {
    if (token === "*") return ".*?";
    if (token === "?" || token.startsWith("[")) return ".";
    return token.replace(/[.+^${}()|\]\\/-]/g, "\\$&");
  });
  return new RegExp(`^${source}$`, "s");
}

/** `pattern` as one of the paths that it may match: inside what its fixed part is inside of, and perhaps inside what lies below that. */
function somewhereBelow(pattern: PathFact, parent: PathFact, text: string): PathFact {
  const why = `what \`${text.slice(0, 80)}\` matches is not known`;
  const inside =
    (strictly: boolean): PathFact["within"] =>
    (directories) => {
      const sure = strictly ? pattern.strictlyWithin(directories) : pattern.within(directories);
      if (sure === true) return true;
      const asked = typeof directories === "string" ? [directories] : directories;
      if (!Array.isArray(asked)) return sure;
      const fixed = parent.absolute;
      if (typeof fixed !== "string") return open(why);
      const prefix = fixed === "/" ? "/" : `${fixed}/`;
      return asked.some((directory) => typeof directory === "string" && directory.startsWith(prefix)) ? open(why) : sure;
    };
  return {
    text: pattern.text,
    absolute: open(why),
    name: open(why),
    problems: pattern.problems,
    get system() {
      return pattern.system;
    },
    get secret() {
      return pattern.secret;
    },
    get repository_internal() {
      return pattern.repository_internal;
    },
    get canopy() {
      return pattern.canopy;
    },
    get startup() {
      return pattern.startup;
    },
    get run_later() {
      return pattern.run_later;
    },
    get anchor() {
      return pattern.anchor;
    },
    get foreign() {
      return pattern.foreign;
    },
    get null_device() {
      return pattern.null_device;
    },
    get linked() {
      return pattern.linked;
    },
    get protected() {
      return pattern.protected;
    },
    lookups: [],
    within: inside(false),
    strictlyWithin: inside(true),
  };
}

function withoutDirectory(base: PathBase): PathBase {
  const { cwd: _unknown, ...others } = base;
  return others;
}

function answer(truth: boolean | Unknown): Place["secret"] {
  return truth instanceof Unknown ? "maybe" : truth ? "yes" : "no";
}

/** A text with marks, as a person would read it. */
export function shown(text: string): string {
  return text
    .replace(/[\uE000\uE002\uE003]/g, "…")
    .replaceAll(mark.home, "~")
    .slice(0, 80);
}

/** The last name of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** A word as an argument that conditions can see. */
export function argumentOf(item: Field): string | Unknown {
  return literal(item) ?? open(`\`${shown(item.text)}\` is not known before it runs`);
}
