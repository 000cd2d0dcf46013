import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { policyEntries } from "../audit/index.ts";
import type { AuditLog } from "../audit/index.ts";
import type { Policy } from "../policy/policy.ts";

/**
 * Puts the text of every source of the policy on record, so that each decision can be judged again later; not again where it stands among the
 * last entries of the log, as when a short-lived process opens it for each call.
 */
export async function recordPolicy(log: AuditLog, policy: Policy): Promise<void> {
  const entries = [...policy.sources].flatMap(([name, text]) => policyEntries(policy.digest, name, text));
  // From the start of a line on: an agent's payload may hold the same words.
  const entry = new RegExp(`^\\{"v":\\d+,"seq":\\d+,"ts":"[^"]*","type":"policy\\.loaded","policy_digest":"${policy.digest}"`, "gm");
  if ((await countRecent(log.path, entry)) >= entries.length) return;
  await Promise.all(entries.map(async (each) => await log.append(each)));
}

/** How far back is looked. A policy that stands further up is recorded again, which costs its length once in so many bytes. */
const lookBackBytes = 256 * 1024;

async function countRecent(path: string, entry: RegExp): Promise<number> {
  // Not blocking: a named pipe in its place would wait for a writer for ever.
  const file = await open(path, constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0));
  try {
    const { size } = await file.stat();
    const length = Math.min(size, lookBackBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString("latin1", 0, bytesRead).match(entry)?.length ?? 0;
  } finally {
    await file.close();
  }
}
