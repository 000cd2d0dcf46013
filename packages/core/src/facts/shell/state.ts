import type { Node } from "./script.ts";
import { empty, isKnown, unknown } from "./text.ts";
import type { Text } from "./text.ts";

/** The most directories that a script is thought to be in at once. */
const mostDirectories = 8;

export interface Where {
  readonly directories: readonly string[];
  readonly lost: boolean;
}

/** What a running shell would know, as far as the script tells. A copy is what a subshell gets. */
export class State {
  /** Absolute directories that this may be in; a `cd` that may have failed leaves both. */
  directories: readonly string[];
  /** It left the directory that it started in. */
  moved = false;
  /** It may be in another directory as well. */
  lost: boolean;
  home: string | undefined;
  variables: Map<string, Text>;
  positional: readonly Text[] | null = null;
  functions: Map<string, Node>;
  /** What the script itself put in files, by absolute path. */
  files: Map<string, Text>;
  stdin: Text = unknown();
  /** Directories of `pushd`. */
  stack: Where[] = [];
  /** What is read from descriptors that `exec` opened. */
  descriptors: Map<number, Text>;

  constructor(directory: string | undefined, home: string | undefined) {
    this.directories = directory === undefined ? [] : [directory];
    this.lost = directory === undefined;
    this.home = home;
    this.variables = new Map();
    this.functions = new Map();
    this.files = new Map();
    this.descriptors = new Map();
  }

  copy(): State {
    const copy = new State(undefined, this.home);
    copy.directories = this.directories;
    copy.lost = this.lost;
    copy.moved = this.moved;
    copy.descriptors = new Map(this.descriptors);
    copy.variables = new Map(this.variables);
    copy.functions = new Map(this.functions);
    // Files outlive a subshell: one map for all.
    copy.files = this.files;
    copy.positional = this.positional;
    copy.stdin = this.stdin;
    copy.stack = [...this.stack];
    return copy;
  }

  /** Takes over what `other` knows. */
  become(other: State): void {
    this.directories = other.directories;
    this.lost = other.lost;
    this.moved = other.moved;
    this.descriptors = other.descriptors;
    this.home = other.home;
    this.variables = other.variables;
    this.functions = other.functions;
    this.positional = other.positional;
    this.stack = other.stack;
  }

  /** Afterwards this is either what it was or what `other` is: what differs is no longer known. */
  merge(other: State): void {
    const moved = this.moved || other.moved;
    this.enter({ directories: [...this.directories, ...other.directories], lost: this.lost || other.lost });
    this.moved = moved;
    if (this.home !== other.home) this.home = undefined;
    for (const name of new Set([...this.variables.keys(), ...other.variables.keys()])) {
      const mine = this.variables.get(name);
      const theirs = other.variables.get(name);
      if (mine !== undefined && theirs !== undefined && mine.text === theirs.text && isKnown(mine)) continue;
      this.variables.set(name, unknown((mine ?? empty).sources | (theirs ?? empty).sources));
    }
    for (const [name, body] of other.functions) if (!this.functions.has(name)) this.functions.set(name, body);
    if (this.positional !== other.positional) this.positional = null;
    if (this.stack.length !== other.stack.length) this.stack = [];
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

  set(name: string, value: Text): void {
    this.variables.set(name, value);
    if (name === "HOME") this.home = isKnown(value) && value.text.startsWith("/") ? value.text : undefined;
  }
}
