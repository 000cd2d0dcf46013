import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { resolve } from "node:path";
import { CanopyError } from "../errors.ts";
import type { Policy, PolicySource } from "../policy/policy.ts";
import { loadPolicy } from "../policy/load.ts";
import { defaultPolicyName } from "../policy/policy.ts";

/** No policy is this long; a device or a log that is named by mistake is not read to its end. */
const largestFile = 4 * 1024 * 1024;

/**
 * Loads the policy that the host names: a file, `canopy:default`, or a source at hand. Files that it extends are found beside the file that
 * names them. Rejects with `POLICY_INVALID` for whatever keeps it from being in force; nothing of a broken policy is. The absolute path of each
 * file that it asks for is added to `files`.
 */
export async function loadPolicyFrom(policy: string | PolicySource, files: Set<string> = new Set()): Promise<Policy> {
  const read = async (name: string): Promise<PolicySource> => {
    files.add(resolve(name));
    return await readPolicyFile(name);
  };
  const root = typeof policy === "string" ? await rootSource(policy, read) : policy;
  return await loadPolicy(root, { read });
}

async function rootSource(name: string, read: (name: string) => Promise<PolicySource>): Promise<PolicySource> {
  if (name === defaultPolicyName) return { name: "the host's choice", text: `version: 1\nextends: [${defaultPolicyName}]\n` };
  return await read(name);
}

/** One file as text. Rejects with `POLICY_INVALID` where it is no file, is longer than 4 MiB, is not UTF-8, or cannot be read. */
export async function readPolicyFile(path: string): Promise<PolicySource> {
  let file;
  try {
    // Not blocking: a named pipe would wait for a writer for ever.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const status = await file.stat();
    if (!status.isFile()) throw new CanopyError("POLICY_INVALID", `\`${path}\` is not a file`);
    const bytes = await readWhole(file, status.size);
    if (bytes.length > largestFile) throw new CanopyError("POLICY_INVALID", `\`${path}\` is longer than ${largestFile} bytes`);
    const after = await file.stat();
    // A part of a policy may be a policy too, and a looser one.
    if (bytes.length !== status.size || after.size !== status.size || after.mtimeMs !== status.mtimeMs) {
      throw new CanopyError("POLICY_INVALID", `\`${path}\` was changed while it was read, try again`);
    }
    return { name: path, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    if (error instanceof CanopyError) throw error;
    throw new CanopyError("POLICY_INVALID", `cannot read the policy file \`${path}\`: ${why(error)}`, { cause: error });
  } finally {
    await file?.close();
  }
}

/** All of the file, or as much of it as shows that it is too long, or longer than it was said to be. */
async function readWhole(file: FileHandle, size: number): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.min(size, largestFile) + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

function why(error: unknown): string {
  if (error instanceof TypeError) return "it is not UTF-8";
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === "ENOENT" ? "there is no such file" : (code ?? "reading it failed");
}
