import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";

import { onTestFinished } from "vitest";

import { main } from "./main.ts";

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line as a script would: streams, no terminal. */
export async function canopy(argv: readonly string[], input: string | Buffer = "", env: Record<string, string> = {}): Promise<Run> {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  stdin.end(input);
  const output = Promise.all([text(stdout), text(stderr)]);
  const code = await main(argv, { stdin, stdout, stderr, env, interactive: false });
  stdout.end();
  stderr.end();
  const [out, err] = await output;
  return { code, out, err };
}

/** A directory of its own for the test that is running. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "canopy-cli-"));
  onTestFinished(async () => await rm(directory, { recursive: true, force: true }));
  return directory;
}
