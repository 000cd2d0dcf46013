import { isKnown } from "./text.ts";
import type { Field } from "./text.ts";

/** Programs that run the command which an argument names. */
const launchers: ReadonlySet<string> = new Set([
  "npx",
  "pnpx",
  "bunx",
  "npm",
  "pnpm",
  "yarn",
  "corepack",
  "node",
  "nodejs",
  "bun",
  "deno",
  "tsx",
  "ts-node",
  "volta",
  "fnm",
  "nvm",
  "mise",
  "asdf",
]);

/** Canopy's own command by its name, by its package, or by a file of either. */
const command =
  /^(?:npm:)?(?:.*[/\\])?(?:canopy(?:-demo|-verify)?(?:\.[cm]?js)?|@canopy-runtime[/\\]cli(?:@[^/\\]*)?(?:[/\\].*)?)(?:@[^/\\]*)?$/i;

/** What a request for approval is called, which is nothing else's name. */
const approvalId = /^APR-[0-9a-f]{32}$/i;

/** Whether the word is Canopy's own command. */
export function namesCanopy(word: Field): boolean {
  return isKnown(word) && command.test(word.text);
}

/**
 * Whether a program that is not looked into, given these words, runs one of Canopy's commands: it launches what it is given, or the words go on as such
 * a command does, whatever runs them and whatever the command is called there.
 */
export function runsCanopy(program: string, args: readonly Field[]): boolean {
  if (launchers.has(program) && args.some(namesCanopy)) return true;
  const words = args.flatMap((arg) => (isKnown(arg) ? arg.text.split(/[\s'"`=;&|(){}]+/) : [""])).filter((word) => word !== "");
  const at = words.indexOf("approvals");
  if (at < 0) return false;
  return words.slice(0, at).some((word) => command.test(word)) || words.slice(at).some((word) => approvalId.test(word));
}
