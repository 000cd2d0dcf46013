import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { styleText } from "node:util";

/** What a command reads from and writes to; tests bring their own. */
export interface Terminal {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a person looks at `stdout`: only then is there colour and progress. */
  readonly interactive: boolean;
  /** Whether a person can be asked: they type at `stdin` and see `stderr`. */
  readonly canAsk?: boolean;
}

export type Style = Parameters<typeof styleText>[0];

export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  const interactive = stdout.isTTY && env["NO_COLOR"] === undefined && env["TERM"] !== "dumb";
  return { stdin, stdout, stderr, env, interactive, canAsk: stdin.isTTY && stderr.isTTY };
}

/**
 * Writes, and waits until it is written, so that a long stream does not pile up in memory. False where it could not be: the reader is gone, or the
 * disk is full. The command goes on all the same, because its exit code is an answer too.
 */
export async function print(terminal: Terminal, text: string): Promise<boolean> {
  const error = await new Promise<unknown>((resolve) => terminal.stdout.write(text, resolve));
  if (error === undefined || error === null) return true;
  // The stream says so to its listeners a moment after it says so here.
  await new Promise((resolve) => setImmediate(resolve));
  return false;
}

/** What the person types in answer, without its line feed; empty where the input ends. */
export async function askLine({ stdin, stderr }: Pick<Terminal, "stdin" | "stderr">, question: string): Promise<string> {
  stderr.write(question);
  const reader = createInterface({ input: stdin, crlfDelay: Infinity });
  try {
    return await new Promise((resolve) => {
      reader.once("line", resolve);
      reader.once("close", () => resolve(""));
    });
  } finally {
    reader.close();
  }
}

/** Tells people what is wrong; what it quotes of files and of the command line is spelt out. */
export function complain(terminal: Terminal, text: string): void {
  terminal.stderr.write(`${text.split("\n").map(visible).join("\n")}\n`);
}

export function paint(terminal: Pick<Terminal, "interactive">, style: Style, text: string): string {
  return terminal.interactive ? styleText(style, text, { validateStream: false }) : text;
}

/** The text with control and direction-changing characters spelt out, so that what is printed is what a person sees. */
export function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    return escaped === character ? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}` : escaped;
  });
}
