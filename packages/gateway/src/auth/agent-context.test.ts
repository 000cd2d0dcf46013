import type { JsonObject } from "@canopy-runtime/core";
import fc from "fast-check";
import { expect, it } from "vitest";

import { agentContextFor } from "./agent-context.ts";
import { isKeptFromAgents } from "./principal.ts";
import type { Principal } from "./principal.ts";

const fields = fc.oneof(
  fc.constantFrom(
    "agent_id",
    "id",
    "name",
    "env",
    "role",
    "cwd",
    "home",
    "safe_paths",
    "session_id",
    "__proto__",
    "constructor",
    "toString",
    "",
  ),
  fc.string(),
);
// A JSON object as a parser makes it, `__proto__` a member like any other.
const contexts = fc
  .dictionary(fields, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 8 })
  .map((object) => JSON.parse(JSON.stringify(object)) as JsonObject);

const principal = (agentCtx: JsonObject, passes: readonly string[]): Principal => ({
  id: "key:x",
  name: "x",
  scopes: new Set(["authorize"]),
  agentCtx,
  passes: new Set(passes),
});

it("what the gateway holds is never changed, what a key may not say never passes, and what did not count is named", () => {
  fc.assert(
    fc.property(contexts, contexts, fc.array(fields, { maxLength: 6 }), (held, said, passes) => {
      const { agentCtx, ignored } = agentContextFor(principal(held, passes), said);
      for (const [key, value] of Object.entries(held)) expect(Object.getOwnPropertyDescriptor(agentCtx, key)?.value).toEqual(value);
      for (const key of Object.keys(agentCtx))
        expect(Object.hasOwn(held, key) || (passes.includes(key) && Object.hasOwn(said, key))).toBe(true);
      for (const [key, value] of Object.entries(said)) {
        const counted = JSON.stringify(Object.getOwnPropertyDescriptor(agentCtx, key)?.value) === JSON.stringify(value);
        expect(ignored.includes(key)).toBe(!counted);
      }
      expect(Object.getPrototypeOf(agentCtx)).toBe(Object.prototype);
    }),
  );
});

it("identity, env, role, cwd, home and safe_… are an agent's in no spelling", () => {
  const kept = [
    "agent_id",
    "agentId",
    "AGENT-ID",
    "id",
    "public_key",
    "name",
    "created_at",
    "env",
    "Env",
    "role",
    "ROLE",
    "cwd",
    "home",
    "safe_paths",
    "safe_hosts",
    "safeThings",
    "ｅｎｖ",
    "ｅnv",
    "ＡＧＥＮＴ_id",
    "r_o_l_e",
    "",
  ];
  for (const field of kept) expect([field, isKeptFromAgents(field)]).toEqual([field, true]);
  for (const field of ["session_id", "tenant", "run", "environment_label", "homework", "unsafe"])
    expect([field, isKeptFromAgents(field)]).toEqual([field, false]);
});
