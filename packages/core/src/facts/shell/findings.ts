import { Effects } from "../effects.ts";
import type { PathFact } from "../path.ts";
import type { Unknown } from "../unknown.ts";

/** One program that the script starts. */
export interface ShellCommand {
  /** The last name of the path that it is started by. */
  readonly program: string | Unknown;
  readonly args: readonly (string | Unknown)[];
  /** Program and arguments without quoting, joined by spaces. */
  readonly text: string | Unknown;
  readonly wrapped_by: readonly string[];
  readonly recognized: boolean;
}

export interface FileEffect {
  readonly path: PathFact | Unknown;
  readonly recursive: boolean;
  readonly glob: boolean;
  readonly program: string;
}

export interface NetworkUse {
  readonly program: string;
  readonly host: string | Unknown;
}

/** Something that a program does, sorted by kind. */
export interface Finding {
  readonly kind: string;
  readonly program: string;
}

/** What a script does, as far as it was understood. The description of each member is in `record.ts`. */
export interface ShellFact {
  readonly complete: boolean;
  readonly programs: Effects<string>;
  readonly commands: Effects<ShellCommand>;
  readonly deletes: Effects<FileEffect>;
  readonly writes: Effects<FileEffect>;
  readonly reads: Effects<FileEffect>;
  readonly network: Effects<NetworkUse>;
  readonly installs: Effects<Finding>;
  readonly privileges: Effects<Finding>;
  readonly code: Effects<Finding>;
  readonly changes: Effects<Finding>;
  readonly secrets: Effects<Finding>;
  readonly hazards: Effects<Finding>;
  readonly environment: Effects<{ readonly name: string }>;
  readonly background: Effects<Finding>;
  readonly unrecognized: Effects<string>;
  readonly suspicious_text: Effects<string>;
  /** The absolute paths that a disk would have to be asked about for this command; not part of the record. */
  readonly lookups: readonly string[];
}

/** The members of the fact that are lists, with what each holds. */
export type Lists = { readonly [K in Exclude<keyof ShellFact, "complete" | "lookups">]: ShellFact[K] extends Effects<infer T> ? T : never };

export type ListName = keyof Lists;

export const listNames: readonly ListName[] = [
  "programs",
  "commands",
  "deletes",
  "writes",
  "reads",
  "network",
  "installs",
  "privileges",
  "code",
  "changes",
  "secrets",
  "hazards",
  "environment",
  "background",
  "unrecognized",
  "suspicious_text",
];

/** The lists that a program which does anything it likes may add to. What the script itself says (its text, its assignments) it cannot change. */
const reachable: readonly ListName[] = listNames.filter((name) => name !== "suspicious_text" && name !== "unrecognized");

/** The most items of one list; past it the list is open. */
const most = 4096;

const nothing: Effects<never> = new Effects<never>([]);

/** Collects what is found while a script is walked. Finding the same twice is finding it once. */
export class Findings {
  readonly #items: { [K in ListName]?: Map<string, Lists[K]> } = {};
  readonly #open: Partial<Record<ListName, string>> = {};

  /** Adds `item` to a list; `key` tells items apart. */
  add<K extends ListName>(list: K, key: string, item: Lists[K]): void {
    const items: Map<string, Lists[K]> = this.#items[list] ?? new Map<string, Lists[K]>();
    if (items.size === 0) (this.#items as Record<K, Map<string, Lists[K]>>)[list] = items;
    else if (items.has(key)) return;
    if (items.size >= most) this.open(list, "there are too many to list");
    else items.set(key, item);
  }

  /** Says that a list may have more items, and why. The first reason is kept. */
  open(list: ListName, why: string): void {
    this.#open[list] ??= why;
  }

  /** Something runs that may do anything. */
  openAll(why: string): void {
    for (const list of reachable) this.open(list, why);
  }

  /** The text itself was not understood to its end. */
  openEverything(why: string): void {
    for (const list of listNames) this.open(list, why);
  }

  /** Whether a list has any item yet. */
  has(list: ListName): boolean {
    return this.#items[list] !== undefined;
  }

  /** What was found, frozen. `lookups` is asked for the paths that were come across. */
  fact(lookups: () => readonly string[]): ShellFact {
    const list = <K extends ListName>(name: K): Effects<Lists[K]> => {
      const items: ReadonlyMap<string, Lists[K]> | undefined = this.#items[name];
      const why = this.#open[name];
      return items === undefined && why === undefined ? nothing : new Effects([...(items?.values() ?? [])], why ?? null);
    };
    return Object.freeze({
      complete: listNames.every((name) => this.#open[name] === undefined),
      programs: list("programs"),
      commands: list("commands"),
      deletes: list("deletes"),
      writes: list("writes"),
      reads: list("reads"),
      network: list("network"),
      installs: list("installs"),
      privileges: list("privileges"),
      code: list("code"),
      changes: list("changes"),
      secrets: list("secrets"),
      hazards: list("hazards"),
      environment: list("environment"),
      background: list("background"),
      unrecognized: list("unrecognized"),
      suspicious_text: list("suspicious_text"),
      get lookups() {
        return lookups();
      },
    });
  }
}
