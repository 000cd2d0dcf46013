import type { Node, ParseDocument } from "./document.ts";
import { nearest } from "./nearest.ts";
import { defaultPolicyName } from "./policy.ts";
import type { PolicySource } from "./policy.ts";
import type { PolicyProblem, Report } from "./problems.ts";
import { quoted } from "./problems.ts";
import type { PolicyFile } from "./read-policy.ts";
import { readPolicy } from "./read-policy.ts";

/** Reads a file that a policy extends; `name` is already resolved against `from`, the file that names it. Rejects where there is none. */
export type ReadSource = (name: string, from: string) => Promise<PolicySource>;

/** One file of a policy, read. */
export interface LoadedFile {
  readonly source: PolicySource;
  readonly document: Node;
  readonly file: PolicyFile;
  readonly report: Report;
}

const filesInAll = 64;

/** Reads the root and all that it extends, each file once; the root comes first. What is wrong goes to `problems`; `bundled` is the text of `canopy:default`. */
export async function readSources(
  root: PolicySource,
  read: ReadSource | undefined,
  parse: ParseDocument,
  problems: PolicyProblem[],
  bundled: string,
): Promise<readonly LoadedFile[]> {
  const loaded: LoadedFile[] = [];
  const seen = new Set<string>();

  async function visit(source: PolicySource, above: readonly string[]): Promise<void> {
    seen.add(source.name);
    const report: Report = (at, message, suggestion) => {
      problems.push({ file: source.name, ...at, message, ...(suggestion === undefined ? {} : { suggestion }) });
    };
    const document: Node | null = parse(source.text, report);
    if (document === null) return;
    const file = readPolicy(document, report);
    loaded.push({ source, document, file, report });
    for (const { name, at } of file.extends) {
      const resolved = resolve(name, source.name);
      if (resolved === source.name || above.includes(resolved)) {
        report(at, `${quoted(name)} extends itself, through ${[...above, source.name].map(quoted).join(", ")}`);
      } else if (!seen.has(resolved)) {
        if (seen.size >= filesInAll) {
          report(at, `a policy has at most ${filesInAll} files`);
          return;
        }
        const found = await find(resolved, source.name, (message, suggestion) => report(at, message, suggestion));
        // A host may know the file by another name than the one it was asked for.
        if (found !== undefined && [...above, source.name].includes(found.name)) report(at, `${quoted(name)} extends itself`);
        else if (found !== undefined && !seen.has(found.name)) await visit(found, [...above, source.name]);
      }
    }
  }

  async function find(
    name: string,
    from: string,
    report: (message: string, suggestion?: string) => void,
  ): Promise<PolicySource | undefined> {
    if (name === defaultPolicyName) return { name, text: bundled };
    if (name.startsWith("canopy:")) {
      report(`there is no bundled policy ${quoted(name)}`, nearest(name, [defaultPolicyName]));
      return undefined;
    }
    if (read === undefined) {
      report(`${quoted(name)} cannot be read: no \`read\` was given to load it with`);
      return undefined;
    }
    try {
      const source = await read(name, from);
      if (typeof source?.name === "string" && typeof source.text === "string") return { name: source.name, text: source.text };
      report(`${quoted(name)} cannot be read: \`read\` gave no policy source`);
    } catch (error) {
      const [why = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
      report(`${quoted(name)} cannot be read: ${why}`);
    }
    return undefined;
  }

  if (typeof root?.name === "string" && typeof root.text === "string") await visit({ name: root.name, text: root.text }, []);
  else problems.push({ file: "the policy", line: 1, column: 1, message: "a policy source has a `name` and a `text`" });
  return loaded;
}

/** `entry` as seen from the file `from`: absolute names and `canopy:` stay, others are relative to the directory of `from`. Lexical. */
export function resolve(entry: string, from: string): string {
  if (entry.startsWith("canopy:") || /^(?:[A-Za-z]:)?[\\/]/.test(entry) || /^[A-Za-z][A-Za-z0-9+.-]+:/.test(entry)) return entry;
  const directory = from.replace(/[^\\/]*$/, "");
  const root = /^(?:[A-Za-z][A-Za-z0-9+.-]*:)?[\\/]*/.exec(directory)?.[0] ?? "";
  const segments: string[] = [];
  for (const segment of `${directory.slice(root.length)}${entry}`.split(/[\\/]/)) {
    if (segment === "" || segment === ".") continue;
    if (segment === ".." && segments.length > 0 && segments.at(-1) !== "..") segments.pop();
    else if (segment !== ".." || root === "") segments.push(segment);
  }
  return `${root}${segments.join("/")}`;
}
