import { constants } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { randomBytes } from "node:crypto";

import { CanopyError, parseJson } from "@canopy-runtime/core";
import type { JsonObject } from "@canopy-runtime/core";
import { z } from "zod";

import { jsonObject } from "../wire/json.ts";
import { issueText } from "../wire/validate.ts";
import { grantProblem, scopes } from "./principal.ts";
import type { Scope } from "./principal.ts";

const time = z.iso.datetime();

/** What the gateway keeps of a key: enough to know it again, and not the key. */
export interface KeyRecord {
  /** 16 hex digits, a part of the key. */
  readonly id: string;
  /** What people call it. */
  readonly name: string;
  /** `sha256:` and the SHA-256 of the whole key, in hex. A key is 256 random bits, which nobody finds by trying; a slow hash would add nothing. */
  readonly hash: string;
  readonly kind: "agent" | "host";
  readonly scopes: readonly Scope[];
  readonly agent_ctx: JsonObject;
  readonly allow: readonly string[];
  /** RFC 3339. */
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
}

export interface KeyFile {
  readonly version: 1;
  readonly keys: readonly KeyRecord[];
}

const keyRecord: z.ZodType<KeyRecord> = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  name: z.string().min(1).max(128),
  hash: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  kind: z.enum(["agent", "host"]),
  scopes: z.array(z.enum(scopes)),
  agent_ctx: jsonObject,
  allow: z.array(z.string().min(1).max(128)),
  created_at: time,
  expires_at: time.nullable(),
  revoked_at: time.nullable(),
});

const keyFile: z.ZodType<KeyFile> = z.strictObject({ version: z.literal(1), keys: z.array(keyRecord).max(100_000) });

/** What tells one state of a file from the next. */
export type FileState = string;

const largestFile = 64 * 1024 * 1024;

/**
 * The keys in the file, and its state. Throws `INVALID_OPTIONS` where it is missing, where anybody but its owner may read it, and where anything in it
 * cannot be understood or would give a caller more than it may have: none of the keys then counts.
 */
export async function readKeyFile(path: string): Promise<{ readonly file: KeyFile; readonly state: FileState }> {
  let handle;
  try {
    // Not blocking: a named pipe would wait for a writer for ever.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const status = await handle.stat({ bigint: true });
    if (!status.isFile()) throw invalid(path, "is not a file");
    if (process.platform !== "win32" && (status.mode & 0o077n) !== 0n)
      throw invalid(path, "can be read or written by others than its owner: chmod 600");
    if (status.size > largestFile) throw invalid(path, `is longer than ${largestFile} bytes`);
    return { file: parseKeyFile(path, await handle.readFile("utf8")), state: stateOf(status) };
  } catch (error) {
    if (error instanceof CanopyError) throw error;
    throw invalid(path, `cannot be read: ${(error as NodeJS.ErrnoException).code ?? "reading it failed"}`, error);
  } finally {
    await handle?.close();
  }
}

export function stateOf({ dev, ino, size, mtimeNs, ctimeNs }: Record<"dev" | "ino" | "size" | "mtimeNs" | "ctimeNs", bigint>): FileState {
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}

function parseKeyFile(path: string, text: string): KeyFile {
  let value;
  try {
    value = parseJson(text);
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : "is not JSON", error);
  }
  const read = keyFile.safeParse(value);
  if (!read.success) throw invalid(path, `cannot be understood: ${issueText(read.error)}`);
  const ids = new Set<string>();
  for (const record of read.data.keys) {
    if (ids.has(record.id)) throw invalid(path, `names the key \`${record.id}\` twice`);
    ids.add(record.id);
    const problem = grantProblem(record);
    if (problem !== undefined) throw invalid(path, `gives the key \`${record.id}\` what it may not have: ${problem}`);
  }
  return read.data;
}

/** Puts the file in place as a whole, readable by its owner alone, and durable. */
export async function writeKeyFile(path: string, file: KeyFile): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString("hex")}.tmp`;
  try {
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(file, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw invalid(path, `cannot be written: ${(error as NodeJS.ErrnoException).code ?? "writing it failed"}`, error);
  }
}

async function syncDirectory(path: string): Promise<void> {
  // Windows syncs no directories.
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function invalid(path: string, what: string, cause?: unknown): CanopyError {
  return new CanopyError("INVALID_OPTIONS", `the key file \`${path}\` ${what}`, { cause });
}
