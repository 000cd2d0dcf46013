import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { onTestFinished } from "vitest";

import type { JsonObject } from "../json.ts";
import type { AuthorizationRequest } from "../runtime/authorizer.ts";
import { openCanopy } from "../runtime/open-canopy.ts";
import type { CanopyOptions } from "../runtime/open-canopy.ts";

/** A folder of its own for the test that is running, by its real path. */
export async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "canopy-replay-")));
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }));
  return folder;
}

export type Asked = readonly [actionType: string, payload: unknown, agentCtx?: JsonObject];

/** Has a runtime answer these requests one after the other, into the log at `path`. */
export async function record(path: string, asked: readonly (Asked | AuthorizationRequest)[], options: CanopyOptions = {}): Promise<void> {
  await using canopy = await openCanopy({ audit: { path, durability: "os" }, ...options });
  for (const each of asked) {
    if ("actions" in each) await canopy.authorize(each);
    else await canopy.authorize({ agentCtx: each[2] ?? {}, actions: [{ actionType: each[0], payload: each[1] }] });
  }
}

/** Rewrites the entries of a log, as whoever can write the file may; null takes a line out. */
export async function forge(path: string, change: (entry: Record<string, unknown>) => unknown): Promise<void> {
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  const changed = lines.map((line) => change(JSON.parse(line) as Record<string, unknown>)).filter((entry) => entry !== null);
  await writeFile(path, changed.map((entry) => `${typeof entry === "string" ? entry : JSON.stringify(entry)}\n`).join(""));
}
