import { lstat, readlink, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type * as pathModule from "../facts/path.ts";
import type { DiskFact, FactContext } from "../facts/schema.ts";
import type { ShellFact } from "../facts/shell/findings.ts";
import type * as shellModule from "../facts/shell/shell.ts";
import { isJsonObject, member } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { shareLooks } from "./share-looks.ts";
import { isPattern, matchesPlainFiles } from "./look-up-globs.ts";

export type Disk = Readonly<Record<string, DiskFact>>;

/** What the disk was asked. */
export interface Looked {
  readonly disk: Disk;
  /** The action's own paths, also those of which it would not tell. */
  readonly named: readonly string[];
}

/** What is looked up on the disk, besides the action's own path: where the agent may work, and what is Canopy's. */
export interface PathsOfHost {
  readonly agentCtx: JsonObject;
  readonly ownFiles: readonly string[];
}

/**
 * What the disk says, now, of the paths in a file action or a shell command, and of the directories that they are compared with. Undefined
 * for other actions, which have none. A path that the disk would not tell about is not in `disk`, which leaves the questions about it open.
 */
export async function lookUpPaths(
  actionType: string,
  payload: JsonValue,
  { agentCtx, ownFiles }: PathsOfHost,
): Promise<Looked | undefined> {
  const context: FactContext = { agentCtx, payload, ownFiles };
  const named = await pathsIn(actionType, context);
  if (named === undefined) return undefined;
  const { analysePath } = await loadPathFacts();
  // Where the agent may work comes last: what is not looked at any more then allows nothing.
  const compared = [
    ...ownFiles,
    ...strings(member(agentCtx, "cwd")),
    ...strings(member(agentCtx, "home")),
    ...strings(member(agentCtx, "safe_paths")),
  ];
  const asked = [...named, ...compared.flatMap((directory) => analysePath(directory, { literal: true }).lookups)];
  const found = await Promise.all([...new Set(asked)].slice(0, mostLookups).map(async (each) => [each, await lookUpShared(each)] as const));
  const disk: Record<string, DiskFact> = {};
  for (const [each, fact] of found) {
    if (fact !== undefined) Object.defineProperty(disk, each, { value: fact, enumerable: true });
  }
  return { disk: Object.freeze(disk), named };
}

/** The absolute paths that the action may touch, as far as its text says; undefined where it is not about files. */
async function pathsIn(actionType: string, context: FactContext): Promise<readonly string[] | undefined> {
  const { payload } = context;
  const field = isJsonObject(payload) ? member(payload, actionType === "execute_shell" ? "command" : "path") : undefined;
  if (typeof field !== "string") return undefined;
  if (actionType === "execute_shell") {
    const { shellFacts: facts } = await loadShellFacts();
    const fact = facts.analyse([field], context);
    return "lookups" in fact ? (fact as ShellFact).lookups : undefined;
  }
  if (!fileActions.includes(actionType)) return undefined;
  const { analysePath, pathBase } = await loadPathFacts();
  return analysePath(field, pathBase(context)).lookups;
}

// Imported with the first action that is about files, and held: to import again what is there already costs as much as to read a file's status.
let pathFacts: Promise<typeof pathModule> | undefined;
let shellFacts: Promise<typeof shellModule> | undefined;

async function loadPathFacts(): Promise<typeof pathModule> {
  return await (pathFacts ??= import("../facts/path.ts"));
}

async function loadShellFacts(): Promise<typeof shellModule> {
  return await (shellFacts ??= import("../facts/shell/shell.ts"));
}

const fileActions: readonly string[] = ["read_file", "modify_file", "delete_file"];

/** A context that names more directories than this is not one that a person wrote; what is beyond stays open. */
const mostLookups = 256;

/** As many symlinks as Linux follows on the way to one file before it gives up (ELOOP). */
const mostSymlinks = 40;

const lookUpShared = shareLooks(lookUp);

async function lookUp(path: string): Promise<DiskFact | undefined> {
  try {
    // A pattern stands for whatever it matches: where that may be a link, what is read or written is not known.
    if (isPattern(path) && !(await matchesPlainFiles(path))) return undefined;
    const real = await realOf(path, mostSymlinks);
    return { real, links: await linksOf(real) };
  } catch {
    return undefined;
  }
}

/**
 * The real path of the file, or of where it would be created: a symlink that leads to nothing yet is followed too. What exists of a path is found by
 * halving, because a path that a model made up may go two thousand directories down.
 */
async function realOf(path: string, symlinks: number): Promise<string> {
  const whole = await realOfExisting(path);
  if (whole !== undefined) return whole;
  const above = [path];
  for (let parent = dirname(path); parent !== above.at(-1); parent = dirname(parent)) above.push(parent);
  let missing = 0;
  let existing = above.length - 1;
  let real = await realpath(above[existing] ?? path);
  while (existing - missing > 1) {
    const middle = (missing + existing) >> 1;
    const found = await realOfExisting(above[middle] ?? path);
    if (found === undefined) missing = middle;
    else [existing, real] = [middle, found];
  }
  const names = above.slice(0, missing + 1).map((each) => basename(each));
  const [first = "", ...rest] = names.toReversed();
  const at = join(real, first);
  const target = await readlink(at).catch(() => undefined);
  if (target === undefined) {
    const named = join(at, ...rest);
    // Back out of what is not there yet: by the time of the action it may be, and what stands beside it may be a symlink.
    return rest.includes("..") ? await realOf(named, symlinks) : named;
  }
  if (symlinks === 0) throw new Error("too many symlinks");
  return await realOf(join(resolve(real, target), ...rest), symlinks - 1);
}

async function realOfExisting(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function linksOf(real: string): Promise<number> {
  try {
    const status = await lstat(real);
    return status.isDirectory() ? 1 : status.nlink;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}

function strings(value: JsonValue | undefined): readonly string[] {
  const values: readonly JsonValue[] = Array.isArray(value) ? value : [value ?? null];
  return values.filter((each): each is string => typeof each === "string");
}
