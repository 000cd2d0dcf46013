import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { avid } from "./avid.ts";

describe("avid", () => {
  it("is `AVID-` and the SHA-256 of the canonical identity fields, so that anyone can compute it", () => {
    const hash = createHash("sha256").update('{"agent_id":"a-1","name":"Tidy"}').digest("hex");
    expect(avid({ name: "Tidy", env: "production", agent_id: "a-1" })).toBe(`AVID-${hash}`);
  });

  it("does not change with what the agent does, where it runs, or the order of keys", () => {
    const agent = { agent_id: "a-1", public_key: "k", created_at: "2026-01-01" };
    expect(avid({ env: "dev", cwd: "/x", ...agent })).toBe(
      avid({ created_at: "2026-01-01", public_key: "k", agent_id: "a-1", env: "production" }),
    );
  });

  it("digests the whole context where no identity field is there, key order aside at every depth", () => {
    expect(avid({ env: "dev", tags: { a: 1, b: 2 } })).toBe(avid({ tags: { b: 2, a: 1 }, env: "dev" }));
    expect(avid({ env: "dev" })).not.toBe(avid({ env: "production" }));
  });

  it("tells apart identities that differ in any field, or in a value's type", () => {
    expect(avid({ id: "1" })).not.toBe(avid({ id: 1 }));
    expect(avid({ id: "1" })).not.toBe(avid({ agent_id: "1" }));
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        fc.pre(one !== other && one.isWellFormed() && other.isWellFormed());
        expect(avid({ agent_id: one })).not.toBe(avid({ agent_id: other }));
      }),
    );
  });
});
