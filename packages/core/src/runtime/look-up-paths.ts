import { lstat, readlink, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { DiskFact } from "../facts/schema.ts";
import { isJsonObject, member } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";

export type Disk = Readonly<Record<string, DiskFact>>;

/** What is looked up on the disk, besides the action's own path: where the agent may work, and what is Canopy's. */
export interface PathsOfHost {
  readonly agentCtx: JsonObject;
  readonly ownFiles: readonly string[];
}

const fileActions: readonly string[] = ["read_file", "modify_file", "delete_file"];

/**
 * What the disk says, now, of the path in a file action and of the directories that it is compared with. Undefined for other actions: they
 * are judged by their text. A path that the disk would not tell about is left out, which leaves the questions about it open.
 */
export async function lookUpPaths(actionType: string, payload: JsonValue, { agentCtx, ownFiles }: PathsOfHost): Promise<Disk | undefined> {
  const path = isJsonObject(payload) ? member(payload, "path") : undefined;
  if (!fileActions.includes(actionType) || typeof path !== "string") return undefined;
  const { analysePath, pathBase } = await import("../facts/path.ts");
  const base = pathBase({ agentCtx, payload, ownFiles });
  const compared = [
    ...strings(member(agentCtx, "safe_paths")),
    ...strings(member(agentCtx, "cwd")),
    ...strings(member(agentCtx, "home")),
    ...ownFiles,
  ];
  const asked = [...analysePath(path, base).lookups, ...compared.flatMap((directory) => analysePath(directory, { literal: true }).lookups)];
  const found = await Promise.all([...new Set(asked)].slice(0, mostLookups).map(async (each) => [each, await lookUp(each)] as const));
  const disk: Record<string, DiskFact> = {};
  for (const [each, fact] of found) {
    if (fact !== undefined) Object.defineProperty(disk, each, { value: fact, enumerable: true });
  }
  return Object.freeze(disk);
}

/** A context that names more directories than this is not one that a person wrote; what is beyond stays open. */
const mostLookups = 256;

/** As many symlinks as Linux follows on the way to one file before it gives up (ELOOP). */
const mostSymlinks = 40;

async function lookUp(path: string): Promise<DiskFact | undefined> {
  try {
    const real = await realOf(path, mostSymlinks);
    return { real, links: await linksOf(real) };
  } catch {
    return undefined;
  }
}

/** The real path of the file, or of where it would be created: a symlink that leads to nothing yet is followed too. */
async function realOf(path: string, symlinks: number): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const parent = await realOf(dirname(path), symlinks);
  const at = join(parent, basename(path));
  const target = await readlink(at).catch(() => undefined);
  if (target === undefined) return at;
  if (symlinks === 0) throw new Error("too many symlinks");
  return await realOf(resolve(parent, target), symlinks - 1);
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
