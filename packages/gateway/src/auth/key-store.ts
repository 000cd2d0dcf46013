import { hash, timingSafeEqual } from "node:crypto";
import { stat } from "node:fs/promises";

import type { JsonObject } from "@canopy-runtime/core";

import { readKeyFile, stateOf } from "./key-file.ts";
import type { KeyRecord } from "./key-file.ts";
import type { Principal } from "./principal.ts";

/** The keys that count now. */
export interface KeyStore {
  /** Who holds this key; undefined where no key that counts is it. Rejects where the file cannot be read any more: then none counts. */
  find(presented: string): Promise<Principal | undefined>;
  /** Rejects where the file cannot be read. */
  check(): Promise<void>;
}

/** A file that changed is noticed after so long. */
const staleMs = 1000;

/** Opens the file of keys, and reads it again whenever it changed, so that a key that was revoked ends at once. */
export async function openKeyStore(path: string, now: () => Date = () => new Date()): Promise<KeyStore> {
  let state = "";
  let records: ReadonlyMap<string, KeyRecord> = new Map();
  let lastLook = 0;
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    const at = performance.now();
    if (state !== "" && stateOf(await stat(path, { bigint: true })) === state) {
      lastLook = at;
      return;
    }
    // INVARIANT: between here and the end no key counts.
    state = "";
    const read = await readKeyFile(path);
    records = new Map(read.file.keys.map((record) => [record.id, record]));
    state = read.state;
    lastLook = at;
  }

  async function fresh(): Promise<void> {
    if (state !== "" && performance.now() - lastLook < staleMs) return;
    looking ??= look().finally(() => {
      looking = undefined;
    });
    await looking;
  }

  await look();
  return {
    async find(presented) {
      await fresh();
      const [, id = ""] = keyForm.exec(presented) ?? [];
      const record = records.get(id);
      // Hashes are compared, whose common beginnings tell nothing of the key; in constant time all the same.
      const given = hash("sha256", presented, "buffer");
      const known = Buffer.from(record?.hash.slice("sha256:".length) ?? "00".repeat(32), "hex");
      if (!timingSafeEqual(given, known) || record === undefined || record.revoked_at !== null) return undefined;
      if (record.expires_at !== null && !(now().getTime() < Date.parse(record.expires_at))) return undefined;
      return principalOf(record);
    },
    check: fresh,
  };
}

const keyForm = /^canopy_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;

const principals = new WeakMap<KeyRecord, Principal>();

function principalOf(record: KeyRecord): Principal {
  let principal = principals.get(record);
  if (principal === undefined) {
    const agentCtx: JsonObject = record.agent_ctx;
    principal = { id: `key:${record.id}`, name: record.name, scopes: new Set(record.scopes), agentCtx, passes: new Set(record.allow) };
    principals.set(record, principal);
  }
  return principal;
}
