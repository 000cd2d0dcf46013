import { lstat, readdir } from "node:fs/promises";
import type { Dirent } from "node:fs";
import { join } from "node:path";

/** Beyond this, what a pattern matches is not looked at, and stays open. */
const mostEntries = 10_000;
const mostDirectories = 200;

/** Whether the shell would take the path for a pattern. A name that is meant as it stands may look like one too; then this is stricter than need be. */
export function isPattern(path: string): boolean {
  return /[*?[]/.test(path);
}

/**
 * Whether all that the pattern matches on this machine, now, are files and directories under no other name: no symlink on the way or at its end, no
 * file with a second name. Nothing that matches is fine too. False where there is more than can be looked at, or a directory cannot be read.
 */
export async function matchesPlainFiles(pattern: string): Promise<boolean> {
  const names = pattern.split("/").filter((name) => name !== "" && name !== ".");
  const first = names.findIndex((name) => isPattern(name));
  if (!pattern.startsWith("/") || first < 0 || names.includes("..")) return false;
  const budget = { entries: mostEntries, directories: mostDirectories };
  try {
    return await plainBelow(`/${names.slice(0, first).join("/")}`, names.slice(first), budget);
  } catch {
    return false;
  }
}

async function plainBelow(directory: string, names: readonly string[], budget: { entries: number; directories: number }): Promise<boolean> {
  const [name, ...rest] = names;
  if (name === undefined) return true;
  if ((budget.directories -= 1) < 0) return false;
  const matches = isPattern(name) ? await matching(directory, name, budget) : await named(directory, name);
  for (const entry of matches) {
    if (entry.isSymbolicLink()) return false;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      if (!(await plainBelow(path, rest, budget))) return false;
    } else if (rest.length === 0 && (await lstat(path)).nlink > 1) {
      return false;
    }
  }
  return true;
}

type Entry = Pick<Dirent, "name" | "isSymbolicLink" | "isDirectory">;

async function matching(directory: string, name: string, budget: { entries: number }): Promise<readonly Entry[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(absent);
  if ((budget.entries -= entries.length) < 0) throw new Error("too many entries");
  const parts = partsOf(name);
  return entries.filter((entry) => matchesName(parts, entry.name) && (name.startsWith(".") || !entry.name.startsWith(".")));
}

async function named(directory: string, name: string): Promise<readonly Entry[]> {
  try {
    const status = await lstat(join(directory, name));
    return [{ name, isSymbolicLink: () => status.isSymbolicLink(), isDirectory: () => status.isDirectory() }];
  } catch (error) {
    return absent(error);
  }
}

/** What is not there matches nothing. */
function absent(error: unknown): readonly [] {
  const code = (error as { code?: unknown }).code;
  if (code === "ENOENT" || code === "ENOTDIR") return [];
  throw error;
}

/**
 * Whether the shell's pattern matches the name, or might: what stands in brackets may be any character, and case does not count. Takes at most as
 * many steps as there are pairs of a character of each.
 */
function matchesName(pattern: readonly string[], name: string): boolean {
  const characters = Array.from(name.toLowerCase());
  let at = 0;
  let next = 0;
  /** Where the last `*` stands, and how far it reaches so far. */
  let star = -1;
  let reached = 0;
  while (at < characters.length) {
    const part = pattern[next];
    if (part === "*") {
      star = next;
      reached = at;
      next += 1;
    } else if (part !== undefined && (part === "?" || part === characters[at])) {
      at += 1;
      next += 1;
    } else if (star >= 0) {
      reached += 1;
      at = reached;
      next = star + 1;
    } else {
      return false;
    }
  }
  return pattern.slice(next).every((part) => part === "*");
}

/** The pattern's parts: `*`, `?` for any one character, or a character. */
function partsOf(pattern: string): readonly string[] {
  const parts = pattern.toLowerCase().match(/\[[!^]?\]?[^\]]*\]|\\[^]|[^]/gu) ?? [];
  return parts.map((part) =>
    part.length > 1 && part.startsWith("[") ? "?" : part.length > 1 && part.startsWith("\\") ? part.slice(1) : part,
  );
}
