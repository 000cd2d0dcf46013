import { constants } from "node:fs";
import type { Dirent } from "node:fs";
import { access, readdir, stat } from "node:fs/promises";
import { dirname, join, normalize, resolve } from "node:path";
import { readPolicyFile } from "@canopy-runtime/core";
import { UsageError } from "./usage-error.ts";

/** The policies and the files of policy tests that a command line names. */
export interface PolicyFiles {
  readonly policies: readonly FoundFile[];
  readonly tests: readonly FoundFile[];
  /** Every folder that was looked through, or in which a file was named. */
  readonly folders: readonly string[];
}

export interface FoundFile {
  readonly path: string;
  /** Whether the command line names it itself, and not a folder that it lies in. */
  readonly named: boolean;
}

export const bundledPolicy = "canopy:default";

/**
 * A file is what its name says it is: `NAME.test.yaml` holds tests, anything else is a policy. In a folder, and in the folders below, these are YAML
 * files that begin like a policy: `version: 1` and rules, or what goes with rules. Folders whose name begins with a dot, `node_modules`, and links to folders
 * are left out. Throws `UsageError` for a name that leads nowhere.
 */
export async function findPolicyFiles(names: readonly string[]): Promise<PolicyFiles> {
  const policies: FoundFile[] = [];
  const tests: FoundFile[] = [];
  const folders = new Set<string>();
  const add = (path: string, named: boolean): void => {
    const list = isTestFile(path) ? tests : policies;
    const place = list.findIndex((each) => sameFile(each.path, path));
    if (place < 0) list.push({ path, named });
    else if (named) list[place] = { path, named };
  };
  for (const name of names) {
    if (name === "") throw new UsageError("the name of a file is empty");
    if (name === bundledPolicy) {
      add(name, true);
      continue;
    }
    const path = normalize(name);
    if (await isFolder(path)) {
      for (const found of await walk(path, folders)) add(found, false);
    } else {
      folders.add(dirname(path));
      add(path, true);
    }
  }
  return { policies, tests, folders: [...folders] };
}

/** Whether two paths name one file by their text; the bundled policy is no path. */
export function sameFile(a: string, b: string): boolean {
  return a === b || (a !== bundledPolicy && b !== bundledPolicy && resolve(a) === resolve(b));
}

const testEnding = /\.test\.ya?ml$/;

export function isTestFile(path: string): boolean {
  return testEnding.test(path);
}

/** The policy that a file of tests is beside: `NAME.yaml` for `NAME.test.yaml`, or `NAME.yml` where there is only that. */
export async function policyBeside(tests: string): Promise<string> {
  const [yaml = "", yml = ""] = [".yaml", ".yml"].map((ending) => tests.replace(testEnding, ending));
  return (await exists(yaml)) || !(await exists(yml)) ? yaml : yml;
}

/** The file of tests beside a policy, where there is one. */
export async function testsBeside(policy: string): Promise<string | null> {
  const name = policy.replace(/\.ya?ml$/, "");
  for (const ending of [".test.yaml", ".test.yml"]) if (policy !== bundledPolicy && (await exists(name + ending))) return name + ending;
  return null;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new UsageError(`\`${path}\`: there is no such file or folder`, { cause: error });
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

async function walk(folder: string, folders: Set<string>): Promise<readonly string[]> {
  folders.add(folder);
  const found: string[] = [];
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules") found.push(...(await walk(path, folders)));
    else if (/\.ya?ml$/.test(entry.name) && (await isFile(entry, path)) && (isTestFile(path) || (await isPolicy(path)))) found.push(path);
  }
  return found;
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return (await readdir(folder, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw new UsageError(`the folder \`${folder}\` cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** Mounted configuration is links to files. */
async function isFile(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isFile();
  return await stat(path).then(
    (status) => status.isFile(),
    () => false,
  );
}

/** By its text, so that a policy that cannot be parsed is not passed over in silence; nor is a file that nobody lets us look into. */
async function isPolicy(path: string): Promise<boolean> {
  try {
    const { text } = await readPolicyFile(path);
    return /^version: *1 *(?:#.*)?$/m.test(text) && likePolicy.test(text);
  } catch (error) {
    const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
    return cause?.code === "EACCES" || cause?.code === "EPERM";
  }
}

/** A key that goes with rules, also where another key beside it is misspelt. */
const likePolicy =
  /^(?:rules|extends|except|default|actions):|[\s{](?:action_type|decision|when_all|when_any|when_not|deny_if|require_approval_if|allow_if):/m;
