import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// Writes docs/facts.md from the descriptions that the engine itself checks conditions against. With `--check` it only says whether that is up to date.
const core = new URL("../packages/core/src/", import.meta.url);
const page = fileURLToPath(new URL("../docs/facts.md", import.meta.url));

interface Type {
  readonly kind: string;
  readonly of?: Type;
  readonly record?: Record_;
}

interface Member {
  readonly kind: "field" | "method";
  readonly type: Type;
  readonly description: string;
  readonly parameters?: readonly { readonly name: string }[];
}

interface Record_ {
  readonly name: string;
  readonly description: string;
  readonly members: Readonly<Record<string, Member>>;
}

interface FactFunction {
  readonly name: string;
  readonly description: string;
  readonly parameters: readonly { readonly name: string; readonly optional?: boolean }[];
  readonly result: Record_;
}

const { factFunctions } = (await import(new URL("facts/index.ts", core).href)) as { readonly factFunctions: readonly FactFunction[] };

function typeName({ kind, of, record }: Type): string {
  if (of !== undefined) return `${kind} of ${typeName(of)}`;
  return record === undefined ? kind : `[${record.name}](#${anchorOf(record.name)})`;
}

function headingOf({ name, parameters }: FactFunction): string {
  return `${name}(${parameters.map((each) => (each.optional === true ? `${each.name}?` : each.name)).join(", ")})`;
}

/** What a function answers stands under the function's heading, every other record under its own name. */
function anchorOf(recordName: string): string {
  const made = factFunctions.find(({ result }) => result.name === recordName);
  return (made === undefined ? recordName : headingOf(made))
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");
}

function recordsOf({ members }: Record_, found: Map<string, Record_>): void {
  for (const { type } of Object.values(members)) {
    for (let at: Type | undefined = type; at !== undefined; at = at.of) {
      if (at.record === undefined || found.has(at.record.name)) continue;
      found.set(at.record.name, at.record);
      recordsOf(at.record, found);
    }
  }
}

function cell(text: string): string {
  return text.replaceAll("|", String.raw`\|`).replaceAll("\n", " ");
}

function table({ members }: Record_): string {
  const rows = Object.entries(members).map(([name, { kind, type, description, parameters = [] }]) => {
    const call = kind === "method" ? `(${parameters.map((each) => each.name).join(", ")})` : "";
    return `| \`${name}${call}\` | ${typeName(type)} | ${cell(description)} |`;
  });
  return ["| Member | Type | What it says |", "| --- | --- | --- |", ...rows].join("\n");
}

/** Without what the formatter decides: blanks, and the rules of tables. */
function normal(each: string): string {
  return each.replaceAll(/[ -]+/g, " ").trim();
}

const others = new Map<string, Record_>();
for (const { result } of factFunctions) recordsOf(result, others);
for (const { result } of factFunctions) others.delete(result.name);

const text = `# Facts

<!-- Made by scripts/write-facts-reference.ts from packages/core/src/facts; edit the descriptions there. -->

What conditions can ask about a payload, once it has been understood. A list is _closed_ when all that it speaks of was found, and _open_ when there may be
more; \`exists\` on an open list is true where something that was found fits, and otherwise open, \`all\` is false where something does not, and otherwise open,
and its size is open. A restrictive rule whose condition is open asks for a person; an ALLOW needs it true. \`canopy explain\` shows the facts of one action.

The commands that are known, with their options and what they do, are tables: \`packages/core/src/facts/shell/commands/\`. A command that is in none of them, or
has an option that its table does not list, opens every list that it could add to.

${factFunctions
  .map((each) => `## ${headingOf(each)}\n\n${each.description} ${each.result.description}\n\n${table(each.result)}\n`)
  .join("\n")}
## What the lists hold

${[...others.values()].map((record) => `### ${record.name}\n\n${record.description}\n\n${table(record)}\n`).join("\n")}`;

if (process.argv.includes("--check")) {
  if (normal(readFileSync(page, "utf8")) !== normal(text)) {
    console.error("docs/facts.md is out of date: run node scripts/write-facts-reference.ts, then oxfmt");
    process.exitCode = 1;
  }
} else {
  writeFileSync(page, text);
}
