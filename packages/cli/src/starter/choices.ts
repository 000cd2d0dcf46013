import { resolve } from "node:path";
import { UsageError } from "../usage-error.ts";

/** How freely an agent may act in one area: as the bundled policy says, never without a person, or not at all. */
export type Freedom = "careful" | "ask" | "deny";

export const freedoms: readonly Freedom[] = ["careful", "ask", "deny"];

/** What a starter policy is made from. */
export interface Choices {
  readonly shell: Freedom;
  readonly files: Freedom;
  /** Absolute directories in which the agent may read and write without asking; only with `careful` files. */
  readonly paths: readonly string[];
  readonly apis: Freedom;
  /** Hosts that it may read from without asking, such as `api.example.com` or `*.example.com`; only with `careful` APIs. */
  readonly hosts: readonly string[];
  readonly sql: Freedom;
  /** There is nothing that an agent could pay carefully. */
  readonly payments: "ask" | "deny";
  /** Whether it also runs where changes hurt. */
  readonly production: boolean;
}

export const defaultChoices: Choices = {
  shell: "careful",
  files: "careful",
  paths: [],
  apis: "careful",
  hosts: [],
  sql: "careful",
  payments: "ask",
  production: false,
};

/** Throws a `UsageError` for a word that is none of these. */
export function readFreedom<F extends Freedom>(option: string, text: string, words: readonly F[]): F {
  const found = words.find((word) => word === text);
  if (found === undefined)
    throw new UsageError(`${option} is \`${text}\`, not ${words.slice(0, -1).join(", ")} or ${String(words.at(-1))}`);
  return found;
}

/** The directory as an absolute path, without a slash at its end. Throws a `UsageError` for what names none. */
export function readDirectory(option: string, text: string): string {
  if (text.trim() === "" || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)) throw new UsageError(`${option} is \`${text}\`, not a directory`);
  // The shell would have put the home directory in its place; whose it is when the agent runs, is not known here.
  if (text.startsWith("~")) throw new UsageError(`${option} is \`${text}\`: write the directory in full`);
  return resolve(text);
}

/** The host, in lower case. Throws a `UsageError` for what is none, such as a whole address. */
export function readHost(option: string, text: string): string {
  const host = text.toLowerCase();
  if (/^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/.test(host)) return host;
  throw new UsageError(`${option} is \`${text}\`: write a host's name, such as api.example.com or *.example.com`);
}
