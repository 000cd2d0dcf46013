import { hash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { open, rm } from "node:fs/promises";

import { CanopyError } from "@canopy-runtime/core";
import type { JsonObject } from "@canopy-runtime/core";

import { readKeyFile, writeKeyFile } from "./key-file.ts";
import type { KeyFile, KeyRecord } from "./key-file.ts";
import { grantProblem } from "./principal.ts";
import type { Scope } from "./principal.ts";

/** What a new key is for. */
export interface NewKey {
  /** What people call it. */
  readonly name: string;
  /** `authorize` where left out. */
  readonly scopes?: readonly Scope[];
  /** The agent context of every request under this key. An agent's that says nothing of who it is gets the key's name as `agent_id`. */
  readonly agentCtx?: JsonObject;
  /** Fields of a request's own agent context that count beside it. */
  readonly allow?: readonly string[];
  /** `agent` where left out. */
  readonly kind?: "agent" | "host";
  readonly expiresAt?: Date;
}

/** What is known of a key, which is not the key. */
export type KeyInfo = Omit<KeyRecord, "hash">;

/**
 * Makes a key and adds it to the file, which is made where there is none. The key is in the answer and nowhere else: the file has its hash. Throws
 * `INVALID_OPTIONS` for a key that would give its caller more than it may have, and where the file cannot be read or written.
 */
export async function addKey(
  path: string,
  wanted: NewKey,
  now: () => Date = () => new Date(),
): Promise<{ readonly key: string; readonly info: KeyInfo }> {
  const id = randomBytes(8).toString("hex");
  const key = `canopy_${id}_${randomBytes(32).toString("base64url")}`;
  const { name, scopes = ["authorize"], agentCtx = {}, allow = [], kind = "agent", expiresAt } = wanted;
  const info: KeyInfo = {
    id,
    name,
    kind,
    scopes: [...new Set(scopes)],
    agent_ctx: kind === "agent" && scopes.includes("authorize") && !saysWho(agentCtx) ? { agent_id: name, ...agentCtx } : agentCtx,
    allow: [...new Set(allow)],
    created_at: now().toISOString(),
    expires_at: expiresAt?.toISOString() ?? null,
    revoked_at: null,
  };
  if (!/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,128}$/u.test(name) || name.trim() !== name || !name.isWellFormed()) {
    throw new CanopyError("INVALID_OPTIONS", "the name of a key has 1 to 128 visible characters");
  }
  const problem = grantProblem(info);
  if (problem !== undefined) throw new CanopyError("INVALID_OPTIONS", `there is no such key: ${problem}`);
  await change(path, (file) => ({ ...file, keys: [...file.keys, { ...info, hash: hashKey(key) }] }), { version: 1, keys: [] });
  return { key, info };
}

/** The keys in the file, revoked and expired ones too. Throws `INVALID_OPTIONS` where it cannot be read. */
export async function listKeys(path: string): Promise<readonly KeyInfo[]> {
  const { file } = await readKeyFile(path);
  return file.keys.map(({ hash: _hash, ...info }) => info);
}

/** Ends a key, which stays in the file as one that was ended. A gateway that is running takes note within a second. Throws `INVALID_OPTIONS` where there is no such key. */
export async function revokeKey(path: string, id: string, now: () => Date = () => new Date()): Promise<KeyInfo> {
  let revoked: KeyRecord | undefined;
  await change(path, (file) => ({
    ...file,
    keys: file.keys.map((record) => {
      if (record.id !== id) return record;
      revoked = { ...record, revoked_at: record.revoked_at ?? now().toISOString() };
      return revoked;
    }),
  }));
  if (revoked === undefined) throw new CanopyError("INVALID_OPTIONS", `there is no key \`${id}\` in \`${path}\``);
  const { hash: _hash, ...info } = revoked;
  return info;
}

/** Without any of these all agents would be one and the same. */
function saysWho(agentCtx: JsonObject): boolean {
  return ["agent_id", "id", "public_key", "name"].some((field) => Object.hasOwn(agentCtx, field));
}

/** How the file has a key. */
export function hashKey(key: string): string {
  return `sha256:${hash("sha256", key)}`;
}

/** Reads, changes and writes the file while nobody else does. */
async function change(path: string, edit: (file: KeyFile) => KeyFile, otherwise?: KeyFile): Promise<void> {
  const lock = `${path}.lock`;
  let handle;
  try {
    handle = await open(lock, "wx", 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CanopyError(
      "INVALID_OPTIONS",
      code === "EEXIST"
        ? `somebody else is changing \`${path}\`; where nobody is, remove \`${lock}\``
        : `\`${path}\` cannot be changed: ${code ?? "its lock cannot be made"}`,
      { cause: error },
    );
  }
  try {
    const before = otherwise !== undefined && !existsSync(path) ? otherwise : (await readKeyFile(path)).file;
    await writeKeyFile(path, edit(before));
  } finally {
    await handle.close();
    await rm(lock, { force: true });
  }
}
