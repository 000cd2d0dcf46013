import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** How far back is looked. What stands further up is recorded again, which costs its length once in so many bytes. */
const lookBackBytes = 256 * 1024;

/** Whether the end of the log at `path` holds as many `policy.loaded` entries of the policy, as when a short-lived process opens it for each call. */
export async function holdsPolicy(path: string, policyDigest: string, entries: number): Promise<boolean> {
  return (await countEntries(path, `"type":"policy\\.loaded","policy_digest":"${policyDigest}"`)) >= entries;
}

/** The same of the `host.files` entry with this digest. */
export async function holdsFiles(path: string, digest: string): Promise<boolean> {
  return (await countEntries(path, `"type":"host\\.files","digest":"${digest}"`)) > 0;
}

/** How many entries near the end begin with these members, given as the source of a regular expression. */
async function countEntries(path: string, members: string): Promise<number> {
  // From the start of a line on: an agent's payload may hold the same words.
  const entry = new RegExp(`^\\{"v":\\d+,"seq":\\d+,"ts":"[^"]*",${members}`, "gm");
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
