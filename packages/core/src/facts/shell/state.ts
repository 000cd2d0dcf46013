import type { Node } from "./script.ts";
import { empty, isKnown, known, mark, unknown } from "./text.ts";
import type { Text } from "./text.ts";

/** The most directories that a script is thought to be in at once. */
const mostDirectories = 8;

/** What a variable was, where it was anything. */
interface Saved {
  readonly value: Text | undefined;
}

export interface Where {
  readonly directories: readonly string[];
  readonly lost: boolean;
}

/** What a running shell would know, as far as the script tells. A copy is what a subshell gets. */
export class State {
  /** Absolute directories that this may be in; a `cd` that may have failed leaves both. */
  directories: readonly string[];
  /** It may be in another directory as well. */
  lost: boolean;
  /** It left the directory that it started in. */
  moved = false;
  home: string | undefined;
  positional: readonly Text[] | null = null;
  /** What the variables that the function made its own were before, by name; null outside of functions. */
  locals: Table<Saved> | null = null;
  stdin: Text = unknown();
  /** Directories of `pushd`. */
  stack: readonly Where[] = [];
  readonly variables: Table<Text>;
  readonly functions: Table<Node>;
  /** What is read from descriptors that `exec` opened, by number. */
  readonly descriptors: Table<Text>;
  /** Every name that was ever assigned, in any subshell. */
  readonly assigned: Set<string>;
  /** What the script itself put in files, by absolute path. Files outlive a subshell: one map for all. */
  readonly files: Map<string, Text>;

  constructor(directory: string | undefined, home: string | undefined, from?: State) {
    this.directories = directory === undefined ? [] : [directory];
    this.lost = directory === undefined;
    this.home = home;
    this.variables = new Table(from?.variables);
    this.functions = new Table(from?.functions);
    this.descriptors = new Table(from?.descriptors);
    this.assigned = from?.assigned ?? new Set();
    this.files = from?.files ?? new Map();
  }

  copy(): State {
    const copy = new State(undefined, this.home, this);
    copy.#place(this);
    copy.stdin = this.stdin;
    copy.locals = this.locals === null ? null : new Table(this.locals);
    return copy;
  }

  /** Takes over what `other` knows. */
  become(other: State): void {
    this.#place(other);
    this.home = other.home;
    if (other.locals !== null) this.locals?.become(other.locals);
    this.variables.become(other.variables);
    this.functions.become(other.functions);
    this.descriptors.become(other.descriptors);
  }

  #place(other: State): void {
    this.directories = other.directories;
    this.lost = other.lost;
    this.moved = other.moved;
    this.positional = other.positional;
    this.stack = other.stack;
  }

  /** Afterwards this is either what it was or what `other` is: what differs is no longer known. */
  merge(other: State): void {
    if (this.directories !== other.directories || this.lost !== other.lost) {
      const moved = this.moved || other.moved;
      this.enter({ directories: [...this.directories, ...other.directories], lost: this.lost || other.lost });
      this.moved = moved;
    }
    if (this.home !== other.home) this.home = undefined;
    this.variables.merge(other.variables, (mine = unset, theirs = unset) => {
      if (mine.text === theirs.text && isKnown(mine)) return mine;
      return isNumber(mine) && isNumber(theirs) ? known(mark.number) : unknown(mine.sources | theirs.sources);
    });
    this.functions.merge(other.functions, (mine, theirs) => mine ?? theirs);
    this.descriptors.merge(other.descriptors, (mine = empty, theirs = empty) => unknown(mine.sources | theirs.sources));
    // Where only one of the two made it its own, what becomes of it outside is not known.
    if (other.locals !== null) this.locals?.merge(other.locals, () => ({ value: unknown() }));
    if (this.positional !== other.positional) this.positional = null;
    if (this.stack !== other.stack) this.stack = [];
  }

  /** Whether a command would meet the same here as there. */
  equals(other: State): boolean {
    return (
      this.lost === other.lost &&
      this.home === other.home &&
      this.stack === other.stack &&
      sameTexts(this.directories, other.directories) &&
      samePositional(this.positional, other.positional) &&
      this.variables.equals(other.variables, (mine, theirs) => mine.text === theirs.text) &&
      this.descriptors.equals(other.descriptors, (mine, theirs) => mine.text === theirs.text) &&
      this.functions.equals(other.functions, (mine, theirs) => mine === theirs)
    );
  }

  enter(where: Where): void {
    this.moved = true;
    const distinct = [...new Set(where.directories)];
    this.directories = distinct.slice(0, mostDirectories);
    this.lost = where.lost || distinct.length > mostDirectories;
  }

  /** Forgets every value that was assigned: something unknown may have changed it. */
  forget(): void {
    for (const name of this.variables.keys()) this.variables.set(name, unknown());
    this.lost = true;
    this.positional = null;
  }

  /** The variable is the function's own from here on: what it was before comes back when the function ends. */
  makeLocal(name: string): void {
    if (this.locals?.has(name) === false) this.locals.set(name, { value: this.variables.get(name) });
  }

  /** What the functions around the one that ends have made their own, and the values that come back with its end. */
  endFunction(outer: Table<Saved> | null): void {
    for (const name of this.locals?.keys() ?? []) {
      const value = this.locals?.get(name)?.value;
      if (value === undefined) this.variables.delete(name);
      else this.variables.set(name, value);
      if (name === "HOME") this.home = undefined;
    }
    this.locals = outer;
  }

  set(name: string, value: Text): void {
    this.assigned.add(name);
    this.variables.set(name, value);
    if (name === "HOME") this.home = isKnown(value) && value.text.startsWith("/") ? value.text : undefined;
  }
}

const unset: Text = known(mark.unset);

function sameTexts(mine: readonly string[], theirs: readonly string[]): boolean {
  return mine === theirs || (mine.length === theirs.length && mine.every((text, index) => text === theirs[index]));
}

function samePositional(mine: readonly Text[] | null, theirs: readonly Text[] | null): boolean {
  if (mine === null || theirs === null) return mine === theirs;
  return sameTexts(
    mine.map(({ text }) => text),
    theirs.map(({ text }) => text),
  );
}

function isNumber(text: Text): boolean {
  return /^[0-9\uE003]+$/.test(text.text);
}

/** A map whose copies share their entries until one of them is changed: a script makes many copies and few changes. */
export class Table<T> {
  #entries: Map<string, T>;
  #shared = false;

  constructor(from?: Table<T>) {
    this.#entries = new Map();
    if (from !== undefined) this.become(from);
  }

  become(other: Table<T>): void {
    this.#entries = other.#entries;
    this.#shared = other.#shared = true;
  }

  get(name: string): T | undefined {
    return this.#entries.get(name);
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  keys(): readonly string[] {
    return [...this.#entries.keys()];
  }

  set(name: string, value: T): void {
    this.#own().set(name, value);
  }

  delete(name: string): void {
    if (this.#entries.has(name)) this.#own().delete(name);
  }

  /** Every entry that the two do not share becomes what `choose` makes of both. */
  merge(other: Table<T>, choose: (mine: T | undefined, theirs: T | undefined) => T | undefined): void {
    if (this.#entries === other.#entries) return;
    for (const name of new Set([...this.#entries.keys(), ...other.#entries.keys()])) {
      const mine = this.#entries.get(name);
      const theirs = other.#entries.get(name);
      if (mine === theirs) continue;
      const chosen = choose(mine, theirs);
      if (chosen !== undefined && chosen !== mine) this.#own().set(name, chosen);
    }
  }

  /** Whether both hold the same names, each with what counts as the same. */
  equals(other: Table<T>, same: (mine: T, theirs: T) => boolean): boolean {
    if (this.#entries === other.#entries) return true;
    if (this.#entries.size !== other.#entries.size) return false;
    for (const [name, mine] of this.#entries) {
      const theirs = other.#entries.get(name);
      if (theirs === undefined || (mine !== theirs && !same(mine, theirs))) return false;
    }
    return true;
  }

  #own(): Map<string, T> {
    if (this.#shared) {
      this.#entries = new Map(this.#entries);
      this.#shared = false;
    }
    return this.#entries;
  }
}
