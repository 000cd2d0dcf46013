import { baseName } from "./paths.ts";
import type { Node } from "./script.ts";

/** The name of the first program of a command, where that is plain. */
export function firstName(node: Node): string {
  switch (node.kind) {
    case "simple": {
      const [part, ...more] = node.words[0]?.parts ?? [];
      return part?.kind === "text" && more.length === 0 ? baseName(part.value) : "";
    }
    case "pipeline":
      return node.commands[0] === undefined ? "" : firstName(node.commands[0]);
    case "and-or":
      return firstName(node.first);
    case "redirected":
      return firstName(node.node);
    default:
      return node.kind;
  }
}

/** Whether a command ends the script, export function or loop that it is in. */
export function leaves(node: Node): boolean {
  if (node.kind === "group") {
    const last = node.body.statements.at(-1);
    return last !== undefined && !last.background && leaves(last.node);
  }
  return node.kind === "simple" && ["exit", "return", "break", "continue"].includes(firstName(node));
}

/** A command that changes nothing about the shell; whether it ran is then all the same. */
export function isAssertion(node: Node): boolean {
  return node.kind === "test" || node.kind === "arithmetic";
}

/** Where systems and their package managers keep programs. */
const programDirectories: ReadonlySet<string> = new Set([
  "/bin",
  "/sbin",
  "/usr/bin",
  "/usr/sbin",
  "/usr/local/bin",
  "/usr/local/sbin",
  "/opt/homebrew/bin",
]);

/** Whether a path leads to where programs are kept. */
export function inProgramDirectory(path: string): boolean {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return path.startsWith("/") && programDirectories.has(`/${names.slice(0, -1).join("/")}`);
}

/** Programs that connect their input and output to whoever listens. */
export const talksToAnybody: ReadonlySet<string> = new Set([
  "nc",
  "ncat",
  "netcat",
  "nc.openbsd",
  "nc.traditional",
  "telnet",
  "socat",
  "openssl",
  "websocat",
]);

/** Whether a program is a shell that takes commands from its input. */
export function isShell(name: string): boolean {
  return /^(?:r?ba|da|z|m?k|a|t?c|fi)?sh$/.test(name);
}
