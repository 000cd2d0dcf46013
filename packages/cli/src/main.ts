import { readFileSync } from "node:fs";
import type { Command } from "./command.ts";
import { approvals } from "./commands/approvals.ts";
import { audit } from "./commands/audit.ts";
import { check } from "./commands/check.ts";
import { demo } from "./commands/demo.ts";
import { explain } from "./commands/explain.ts";
import { init } from "./commands/init.ts";
import { keys } from "./commands/keys.ts";
import { lint } from "./commands/lint.ts";
import { prove } from "./commands/prove.ts";
import { replay } from "./commands/replay.ts";
import { report } from "./commands/report.ts";
import { serve } from "./commands/serve.ts";
import { test } from "./commands/test.ts";
import { verify } from "./commands/verify.ts";
import { exitCodes } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { complain, print, processTerminal } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

const commands: readonly Command[] = [check, explain, test, lint, replay, report, approvals, verify, audit, prove, serve, keys, init, demo];

/** Runs one command line, `argv` without the program's name, and answers with the exit code. Never rejects. */
export async function main(argv: readonly string[], terminal: Terminal = processTerminal()): Promise<ExitCode> {
  let unwritten: NodeJS.ErrnoException | undefined;
  terminal.stdout.on("error", (error: NodeJS.ErrnoException) => {
    unwritten ??= error;
  });
  terminal.stderr.on("error", () => undefined);
  const code = await answer(argv, terminal);
  // A reader that has had enough (`| head`) is no error of ours, and no reason to end with another code than the answer's.
  if (unwritten === undefined || unwritten.code === "EPIPE") return code;
  complain(terminal, `canopy: the output could not be written: ${unwritten.message}`);
  return code === exitCodes.ok ? exitCodes.internal : code;
}

async function answer(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    return await dispatch(argv, terminal);
  } catch (error) {
    if (error instanceof UsageError || isParseArgsError(error)) {
      const message = error instanceof UsageError ? error.message : parseArgsMessage(error, argv);
      complain(terminal, `canopy: ${message.replaceAll("\n", " ")}`);
      return exitCodes.usage;
    }
    complain(terminal, `canopy: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return exitCodes.internal;
  }
}

async function dispatch(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [first, ...rest] = argv;
  if (first === undefined) {
    terminal.stderr.write(overview());
    return exitCodes.usage;
  }
  if (first === "--version" || first === "-V") {
    await print(terminal, `${version()}\n`);
    return exitCodes.ok;
  }
  if (first === "--help" || first === "-h" || (first === "help" && rest.length === 0)) {
    await print(terminal, overview());
    return exitCodes.ok;
  }
  const name = first === "help" ? rest[0] : first;
  const command = commands.find((each) => each.name === name);
  if (command === undefined)
    throw new UsageError(`unknown command \`${String(name)}\`, the commands are ${commands.map((each) => each.name).join(", ")}`);
  // Alone and nowhere else: as somebody's payload it must not end with the code that says ALLOW.
  if (first === "help" || (rest.length === 1 && (rest[0] === "--help" || rest[0] === "-h"))) {
    await print(terminal, command.help);
    return exitCodes.ok;
  }
  return await command.run(rest, terminal);
}

function overview(): string {
  const list = commands.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}\n`).join("");
  return `canopy ${version()}: authorize every agent action before it runs, and keep a record that can be trusted

Usage: canopy COMMAND [OPTION…]

${list}
canopy COMMAND --help says more about one; canopy --version prints the version.

Exit codes: 0 ok or ALLOW, 1 a negative finding, 2 bad usage or input, 3 REQUIRE_APPROVAL, 4 DENY, 70 internal error
`;
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { readonly version: string };
  return manifest.version;
}

/** What `parseArgs` of `node:util` throws for an unknown option or a missing value. */
function isParseArgsError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("ERR_PARSE_ARGS_");
}

/** Such an error in our words, and where the options are listed. */
function parseArgsMessage(error: Error, argv: readonly string[]): string {
  const [sentence = ""] = error.message.split(/\.(?:\s|$)/);
  const [name = ""] = argv;
  const [, option] = /^Option '(?:-\w, )?(--[^ ']+)[^']*' argument (?:missing|is ambiguous)/.exec(sentence) ?? [];
  const words = `${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`.replaceAll("'", "`");
  const problem =
    option === undefined ? words : `option \`${option}\` has no value (one that begins with a dash is written \`${option}=-…\`)`;
  return `${problem}, see canopy ${name} --help`;
}
