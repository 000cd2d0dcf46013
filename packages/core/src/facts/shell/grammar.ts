import type { Call } from "./call.ts";
import type { Text } from "./text.ts";

/**
 * What a program does with an argument:
 * - `text`: nothing that matters here; `list`: looks at a file's name and attributes; `read`, `write`, `delete`: the file that it names;
 * - `script`: runs it as a shell script; `program`: runs it as a program that is not looked into.
 */
export type Role = "text" | "list" | "read" | "write" | "delete" | "script" | "program";

/** What running a program means beyond its arguments: a list of the fact and the kind of finding in it. */
export type Effect = "network" | "unrecognized" | `${"code" | "install" | "privilege" | "change" | "secret" | "hazard"}:${string}`;

/** A program: which options it knows, what it does with its arguments, and what it does besides. Data, save where only a function can say. */
export interface CommandSpec {
  /**
   * The options that it knows, two blanks or a line end between them. Each has its spellings, comma-separated; `=` for a value that must
   * follow, `[=]` for one that may be attached; then, after one blank, what it does with the value or besides: `-o,--output= write`.
   * `-[abc]` is short for three that do nothing, `-NUM` stands for digits. What is not listed makes a command unrecognized. Left out,
   * together with `operands`, for a program whose arguments do not matter beside what it does anyway, or are read by `run`.
   */
  readonly options?: string;
  /** Where the first operand ends the options (POSIX), as with programs that run another one. */
  readonly ordered?: boolean;
  /** Options are whole words behind one dash (`find -name`, `go -run`): no clusters, no abbreviations. */
  readonly words?: boolean;
  /** For each operand in turn; the last one goes for all that follow. `text` where it is left out. */
  readonly operands?: Role | readonly Role[];
  readonly effects?: readonly Effect[];
  /** What options and operands do beyond their roles; it answers what the program writes to its output, where that is known. */
  readonly run?: (call: Call) => Text | undefined;
  /** Also with `--version` or `--help` alone it is not harmless. */
  readonly noHelp?: boolean;
}

/** Names, separated by blanks where several programs are alike, and what they do. */
export type CommandTable = Readonly<Record<string, CommandSpec>>;

export interface OptionSpec {
  /** The first spelling: what the code calls it. */
  readonly name: string;
  readonly value: "none" | "needed" | "attached";
  readonly role: Role;
  readonly effects: readonly Effect[];
}

export interface Grammar {
  readonly exact: ReadonlyMap<string, OptionSpec>;
  /** Sorted long spellings, for abbreviations. */
  readonly long: readonly string[];
  readonly number: OptionSpec | undefined;
  readonly ordered: boolean;
  readonly words: boolean;
  /** The lists that some option adds to: what a word that may be an option leaves open. */
  readonly reach: readonly string[];
}

const roles: ReadonlySet<string> = new Set<Role>(["text", "list", "read", "write", "delete", "script", "program"]);

const compiled = new WeakMap<CommandSpec, Grammar>();

/** The grammar of a program's options, read once. */
export function grammarOf(spec: CommandSpec): Grammar {
  let grammar = compiled.get(spec);
  if (grammar === undefined) compiled.set(spec, (grammar = compile(spec)));
  return grammar;
}

/** `-[abc]` as the options that it is short for. */
function spelledOut(entry: string): readonly string[] {
  if (entry === "") return [];
  const letters = /^-\[(.+)\]$/.exec(entry)?.[1];
  return letters === undefined ? [entry] : letters.split("").map((letter) => `-${letter}`);
}

function compile(spec: CommandSpec): Grammar {
  const exact = new Map<string, OptionSpec>();
  const reach = new Set<string>();
  for (const entry of (spec.options ?? "").split(/\s*\n\s*| {2,}/).flatMap(spelledOut)) {
    const [head = "", ...words] = entry.split(" ");
    const value = head.endsWith("[=]") ? "attached" : head.endsWith("=") ? "needed" : "none";
    const names = head.replace(/(?:\[=\]|=)$/, "").split(",");
    const role = words.find((word): word is Role => roles.has(word)) ?? "text";
    const effects = words.filter((word) => !roles.has(word)) as Effect[];
    const option: OptionSpec = { name: names[0] ?? "", value, role, effects };
    for (const name of names) exact.set(name, option);
    for (const effect of effects) reach.add(effect.replace(/:.*/, ""));
    if (role !== "text") reach.add(role);
  }
  return {
    exact,
    long: [...exact.keys()].filter((name) => name.startsWith("--")).toSorted(),
    number: exact.get("-NUM"),
    ordered: spec.ordered === true,
    words: spec.words === true,
    reach: [...reach],
  };
}
