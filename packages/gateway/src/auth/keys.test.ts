import { chmod, readFile, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { temporaryFolder } from "../gateway.test.fixture.ts";
import { openKeyStore } from "./key-store.ts";
import { addKey, hashKey, listKeys, revokeKey } from "./keys.ts";

async function keyFile(): Promise<string> {
  return join(await temporaryFolder(), "keys.json");
}

describe("a file of keys", () => {
  it("holds hashes and not keys, and only its owner may read it", async () => {
    const path = await keyFile();
    const { key, info } = await addKey(path, { name: "ci", agentCtx: { agent_id: "ci" } });
    expect(key).toMatch(/^canopy_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
    const text = await readFile(path, "utf8");
    expect(text).not.toContain(key.slice(24));
    expect(text).toContain(hashKey(key));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await listKeys(path)).toEqual([info]);
    expect((await readdir(join(path, ".."))).toSorted()).toEqual(["keys.json"]);
  });

  it("gives an agent that says nothing of who it is the name of its key, so that no two agents are one", async () => {
    const path = await keyFile();
    const contexts = [{}, { env: "dev" }, { agent_id: "x" }, { name: "n" }];
    const made = await contexts.reduce<Promise<unknown[]>>(
      async (before, agentCtx) => [...(await before), (await addKey(path, { name: "ci", agentCtx })).info.agent_ctx],
      Promise.resolve([]),
    );
    expect(made).toEqual([{ agent_id: "ci" }, { agent_id: "ci", env: "dev" }, { agent_id: "x" }, { name: "n" }]);
    expect((await addKey(path, { name: "pep", kind: "host", allow: ["agent_id"] })).info.agent_ctx).toEqual({});
    expect((await addKey(path, { name: "ann", scopes: ["approve"] })).info.agent_ctx).toEqual({});
  });

  it("makes another key each time", async () => {
    const path = await keyFile();
    const keys = [];
    for (let count = 0; count < 5; count += 1) keys.push((await addKey(path, { name: "same" })).key);
    expect(new Set(keys).size).toBe(5);
    expect(await listKeys(path)).toHaveLength(5);
  });

  it("keeps a key that was revoked as one that was, and says so of one that is not there", async () => {
    const path = await keyFile();
    const { info } = await addKey(path, { name: "ci" });
    const first = await revokeKey(path, info.id, () => new Date("2026-01-01T00:00:00Z"));
    expect(first.revoked_at).toBe("2026-01-01T00:00:00.000Z");
    expect((await revokeKey(path, info.id)).revoked_at).toBe(first.revoked_at);
    await expect(revokeKey(path, "0000000000000000")).rejects.toThrow("there is no key");
  });

  it.each([
    ["authorize with approve", { scopes: ["authorize", "approve"] as const }],
    ["authorize with audit", { scopes: ["authorize", "audit"] as const }],
    ["authorize with admin", { scopes: ["authorize", "admin"] as const }],
    ["no scope", { scopes: [] }],
    ["an agent that says who it is", { allow: ["agent_id"] }],
    ["an agent that says where it is", { allow: ["env"] }],
    ["an agent that says what it may", { allow: ["safe_paths"] }],
    ["an agent that says a safe_… that is not known yet", { allow: ["safe_tables"] }],
    ["the same in other letters", { allow: ["safePaths"] }],
    ["the same in other letters still", { allow: ["Agent-ID"] }],
    ["a full-width role", { allow: ["ｒｏｌｅ"] }],
    ["a field that would never pass", { agentCtx: { team: "a" }, allow: ["team"] }],
    ["no name", { name: " " }],
    ["a name that hides something", { name: "an\u202en" }],
  ])("takes no key with %s", async (_name, wanted) => {
    const path = await keyFile();
    await expect(addKey(path, { name: "x", ...wanted })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
    await expect(stat(path)).rejects.toThrow("ENOENT");
  });

  it("lets the key of a host program say who its agents are", async () => {
    const path = await keyFile();
    const { info } = await addKey(path, { name: "host", kind: "host", allow: ["agent_id", "env"] });
    expect(info).toMatchObject({ kind: "host", allow: ["agent_id", "env"] });
  });

  it("loses no key where two are added at once: one of the two is told to wait", async () => {
    const path = await keyFile();
    const added = await Promise.allSettled(Array.from({ length: 8 }, async (_each, index) => await addKey(path, { name: `k${index}` })));
    const made = added.filter(({ status }) => status === "fulfilled");
    expect(made.length).toBeGreaterThan(0);
    expect(await listKeys(path)).toHaveLength(made.length);
    const refused = added.filter((each) => each.status === "rejected").map(({ reason }) => String(reason));
    for (const reason of refused) expect(reason).toContain("somebody else is changing");
  });

  it("is not read where others could have read or written it", async () => {
    const path = await keyFile();
    await addKey(path, { name: "ci" });
    for (const mode of [0o644, 0o660, 0o601]) {
      await chmod(path, mode);
      await expect(listKeys(path)).rejects.toThrow("chmod 600");
      await expect(openKeyStore(path)).rejects.toThrow("chmod 600");
    }
  });

  it.each([
    ["nothing", ""],
    ["half of it", '{"version":1,"keys":[{"id":"'],
    ["another version", '{"version":2,"keys":[]}'],
    ["a member that nobody knows", '{"version":1,"keys":[],"mode":"open"}'],
    ["a key that stands twice", '{"version":1,"version":1,"keys":[]}'],
    ["a list", "[]"],
  ])("is not in force at all where it holds %s", async (_name, text) => {
    const path = await keyFile();
    await writeFile(path, text, { mode: 0o600 });
    await expect(openKeyStore(path)).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
    await expect(addKey(path, { name: "x" })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
    expect(await readFile(path, "utf8")).toBe(text);
  });

  it("is not in force where somebody wrote into it what canopy keys would not", async () => {
    const path = await keyFile();
    await addKey(path, { name: "ci" });
    const text = await readFile(path, "utf8");
    for (const [from, to] of [
      ['"authorize"', '"authorize", "approve"'],
      ['"allow": []', '"allow": ["role"]'],
      ['"sha256:', '"md5:'],
      ['"revoked_at": null', '"revoked_at": ""'],
    ] as const) {
      expect(text).toContain(from);
      await writeFile(path, text.replace(from, to), { mode: 0o600 });
      await expect(openKeyStore(path)).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
    }
  });

  it("may be a directory, a pipe or nothing: each is told", async () => {
    const folder = await temporaryFolder();
    await expect(openKeyStore(folder)).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
    await expect(openKeyStore(join(folder, "none"))).rejects.toThrow("ENOENT");
    await symlink(join(folder, "nowhere"), join(folder, "link"));
    await expect(openKeyStore(join(folder, "link"))).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  });
});

describe("a store of keys", () => {
  it("knows a key by the whole of it, and nobody by a part", async () => {
    const path = await keyFile();
    const { key, info } = await addKey(path, { name: "ci", agentCtx: { agent_id: "ci" }, allow: ["session_id"] });
    const store = await openKeyStore(path);
    expect(await store.find(key)).toMatchObject({ id: `key:${info.id}`, agentCtx: { agent_id: "ci" } });
    const { key: other } = await addKey(path, { name: "other" });
    for (const presented of ["", "canopy_", key.slice(0, -1), `${key} `, key.toUpperCase(), key.slice(0, 24) + other.slice(24)]) {
      expect([presented, await store.find(presented)]).toEqual([presented, undefined]);
    }
  });

  it("ends a key at the moment that was set", async () => {
    const path = await keyFile();
    const { key } = await addKey(path, { name: "ci", expiresAt: new Date("2030-01-01T00:00:00Z") });
    let now = new Date("2029-12-31T23:59:59.999Z");
    const store = await openKeyStore(path, () => now);
    expect(await store.find(key)).toBeDefined();
    now = new Date("2030-01-01T00:00:00Z");
    expect(await store.find(key)).toBeUndefined();
    now = new Date(Number.NaN);
    expect(await store.find(key)).toBeUndefined();
  });
});
