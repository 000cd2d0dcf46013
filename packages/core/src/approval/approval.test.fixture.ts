import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { onTestFinished } from "vitest";

import type { JsonObject } from "../json.ts";
import type { AuthorizationRequest, AuthorizationResult } from "../runtime/authorizer.ts";
import type { Canopy } from "../runtime/canopy.ts";
import { openCanopy } from "../runtime/open-canopy.ts";
import type { CanopyOptions } from "../runtime/open-canopy.ts";
import { policy, refund } from "./approval.test.fixture.request.ts";

export { policy, refund } from "./approval.test.fixture.request.ts";

export async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "canopy-approvals-")));
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function open(log: string, options: CanopyOptions = {}): Promise<Canopy> {
  const canopy = await openCanopy({ policy, audit: log, ...options });
  onTestFinished(async () => await canopy.close());
  return canopy;
}

/** A runtime on a log of its own. */
export async function runtime(options: CanopyOptions = {}): Promise<{ readonly canopy: Canopy; readonly log: string }> {
  const log = join(await temporaryFolder(), "audit.log");
  return { canopy: await open(log, options), log };
}

export async function asked(canopy: Canopy, request: AuthorizationRequest = refund()): Promise<string> {
  const answer = await canopy.authorize(request);
  return idOf(answer);
}

export function idOf(answer: AuthorizationResult): string {
  if (answer.decision !== "REQUIRE_APPROVAL") throw new Error(`${answer.decision}: ${answer.reason}`);
  return answer.approvalId;
}

/** Asked about, and approved by Ann. */
export async function approved(canopy: Canopy, request: AuthorizationRequest = refund()): Promise<string> {
  const id = await asked(canopy, request);
  await canopy.approvals.decide(id, { decision: "approve", by: "Ann" });
  return id;
}

export async function entries(log: string, type: string): Promise<readonly JsonObject[]> {
  const text = await readFile(log, "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as JsonObject)
    .filter((entry) => entry["type"] === type);
}

/** Decisions that an approval allowed. */
export async function uses(log: string): Promise<readonly JsonObject[]> {
  return (await entries(log, "decision")).filter((entry) => entry["approval"] !== undefined);
}

/** Changes the store as somebody would who is not Canopy. */
export function tamper(log: string, sql: string, ...values: (string | number)[]): void {
  const database = new DatabaseSync(`${log}.approvals.db`, { timeout: 2000 });
  try {
    const changes = database.prepare(sql).run(...values).changes;
    if (Number(changes) === 0) throw new Error("nothing was changed");
  } finally {
    database.close();
  }
}
