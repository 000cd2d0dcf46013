import { describe, expect, it } from "vitest";

import { rememberAuthorizations } from "./authorizations.ts";

describe("who was allowed what", () => {
  it("lets the one who asked report how it ended, once, and nobody else", () => {
    const known = rememberAuthorizations();
    known.decided("1-a", "key:1", true);
    expect(() => known.claim("1-a", "key:2")).toThrow("asked for by another caller");
    known.claim("1-a", "key:1");
    expect(() => known.claim("1-a", "key:1")).toThrow("on record already");
    known.decided("2-b", "key:1", false);
    expect(() => known.claim("2-b", "key:1")).toThrow("was not allowed");
  });

  it("gives the right back where the outcome could not be recorded, also of what it had not known", () => {
    const known = rememberAuthorizations();
    known.decided("1-a", "key:1", true);
    for (const id of ["1-a", "9-z"]) {
      known.claim(id, "key:1").undo();
      known.claim(id, "key:1");
      expect(() => known.claim(id, "key:1")).toThrow("on record already");
    }
  });

  it("forgets the oldest when there are very many", () => {
    const known = rememberAuthorizations();
    for (let number = 0; number <= 100_000; number += 1) known.decided(`${number}-a`, "key:1", false);
    expect(() => known.claim("1-a", "key:1")).toThrow("was not allowed");
    known.claim("0-a", "key:2");
  });

  it("does not forget what it decided for ids that somebody makes up", () => {
    const known = rememberAuthorizations();
    known.decided("0-a", "key:1", false);
    for (let number = 1; number <= 100_001; number += 1) known.claim(`${number}-a`, "key:2");
    expect(() => known.claim("0-a", "key:1")).toThrow("was not allowed");
    expect(() => known.claim("100001-a", "key:2")).toThrow("on record already");
    known.claim("1-a", "key:2");
  });
});
