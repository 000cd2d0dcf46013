import type { CommandSpec, CommandTable } from "../grammar.ts";
import { archiveCommands } from "./archives.ts";
import { buildCommands } from "./build.ts";
import { builtinCommands } from "./builtins.ts";
import { fileCommands } from "./files.ts";
import { gitCommands } from "./git.ts";
import { infoCommands } from "./info.ts";
import { interpreterCommands } from "./interpreters.ts";
import { networkCommands } from "./network.ts";
import { searchCommands } from "./search.ts";
import { systemCommands } from "./system.ts";
import { textCommands } from "./text.ts";
import { variableCommands } from "./variables.ts";
import { wrapperCommands } from "./wrappers.ts";

const tables: readonly CommandTable[] = [
  builtinCommands,
  variableCommands,
  fileCommands,
  textCommands,
  searchCommands,
  infoCommands,
  gitCommands,
  wrapperCommands,
  interpreterCommands,
  networkCommands,
  archiveCommands,
  buildCommands,
  systemCommands,
];

/** Names that carry a version or a variant behind what they are: `python3.12`, `mkfs.ext4`. */
const families: readonly (readonly [RegExp, string])[] = [
  [/^python[23]?(?:\.\d+)?t?$/, "python"],
  [/^pip[23]?(?:\.\d+)?$/, "pip"],
  [/^(?:ruby|perl|php|lua|node|tclsh|wish|guile|irb)-?\d[\d.]*$/, "interpreter"],
  [/^mk(?:e2)?fs(?:\.\w+)?$/, "mkfs"],
  [/^fsck(?:\.\w+)?$/, "fsck"],
  [/^ld(?:-linux|-musl|64)?[-.\w]*\.so(?:\.\d+)*$/, "ld.so"],
  [/^(?:gcc|g\+\+|clang|clang\+\+)-?\d*$/, "compiler"],
];

let specs: Map<string, CommandSpec> | undefined;

/** What is known of the program of this name. */
export function lookUp(name: string): CommandSpec | undefined {
  specs ??= new Map(
    tables.flatMap((table) => Object.entries(table).flatMap(([names, spec]) => names.split(" ").map((one) => [one, spec] as const))),
  );
  const found = specs.get(name);
  if (found !== undefined) return found;
  const family = families.find(([pattern]) => pattern.test(name));
  return family === undefined ? undefined : specs.get(family[1]);
}
