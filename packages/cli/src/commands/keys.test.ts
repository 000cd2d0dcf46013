import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, it } from "vitest";

import { canopy, temporaryDirectory } from "../cli.test.fixture.ts";

it("canopy keys makes a key, shows it once, lists it without, and ends it", async () => {
  const env = { CANOPY_KEYS_FILE: join(await temporaryDirectory(), "keys.json") };
  const made = await canopy(
    ["keys", "add", "ci", "--agent", '{"agent_id":"ci","env":"production"}', "--allow", "session_id", "--expires", "30d"],
    "",
    env,
  );
  expect(made.code).toBe(0);
  expect(made.out).toMatch(/^canopy_[0-9a-f]{16}_[A-Za-z0-9_-]{43}\n$/);
  expect(made.err).toContain("the only time");
  const [, id = "", secret = ""] = /^canopy_([0-9a-f]{16})_(.{43})/.exec(made.out) ?? [];
  const listed = await canopy(["keys", "list"], "", env);
  expect(listed.out).toMatch(new RegExp(`^${id}  counts   authorize  agent  ci  `));
  expect(listed.out + (await readFile(env.CANOPY_KEYS_FILE, "utf8"))).not.toContain(secret);
  const row = JSON.parse((await canopy(["keys", "list", "--json"], "", env)).out) as Record<string, unknown>;
  expect(row).toMatchObject({
    id,
    state: "counts",
    scopes: ["authorize"],
    agent_ctx: { agent_id: "ci", env: "production" },
    allow: ["session_id"],
  });
  expect(row).not.toHaveProperty("hash");
  expect((await canopy(["keys", "revoke", id], "", env)).out).toBe(`${id} (ci) is revoked\n`);
  expect((await canopy(["keys", "list"], "", env)).out).toContain("revoked");
});

it("canopy keys add --json is one line for programs", async () => {
  const env = { CANOPY_KEYS_FILE: join(await temporaryDirectory(), "keys.json") };
  const { out, err } = await canopy(["keys", "add", "auditor", "--scope", "audit", "--scope", "admin", "--json"], "", env);
  expect(JSON.parse(out)).toMatchObject({ key: expect.stringMatching(/^canopy_/) as string, scopes: ["audit", "admin"], kind: "agent" });
  expect(err).toBe("");
});

it.each([
  [["keys"], "a command is missing, one of "],
  [["keys", "make"], "unknown command `keys make`"],
  [["keys", "add"], "one name is needed"],
  [["keys", "add", "a", "b"], "one name is needed"],
  [["keys", "add", "a", "--scope", "root"], "unknown scope `root`"],
  [["keys", "add", "a", "--scope", "authorize", "--scope", "approve"], "`authorize` stands alone"],
  [["keys", "add", "a", "--allow", "env"], "an agent cannot be allowed to say its own `env`"],
  [["keys", "add", "a", "--agent", "{"], "--agent: not JSON"],
  [["keys", "add", "a", "--agent", "[]"], "--agent: not a JSON object"],
  [["keys", "add", "a", "--expires", "soon"], "--expires is `soon`"],
  [["keys", "add", "a", "--expires", "2001-01-01T00:00:00Z"], "not to come"],
  [["keys", "list"], "cannot be read"],
  [["keys", "list", "x"], "takes no name"],
  [["keys", "revoke"], "one id is needed"],
  [["keys", "revoke", "0000000000000000"], "cannot be read"],
])("canopy %j ends with 2 and says why", async (argv, message) => {
  const env = { CANOPY_KEYS_FILE: join(await temporaryDirectory(), "keys.json") };
  const { code, err, out } = await canopy(argv, "", env);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain(message);
});
