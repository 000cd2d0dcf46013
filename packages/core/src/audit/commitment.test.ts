import { execFileSync } from "node:child_process";

import fc from "fast-check";
import { expect, test } from "vitest";

import type { JsonValue } from "../json.ts";
import { commit, matchesCommitment } from "./commitment.ts";

const json = fc.jsonValue({ noUnicodeString: false }).filter((value) => JSON.stringify(value).isWellFormed()) as fc.Arbitrary<JsonValue>;

test("whoever holds the value can show that it is the one, and nobody can with another", () => {
  fc.assert(
    fc.property(json, json, (value, other) => {
      const commitment = commit(value);
      expect(matchesCommitment(value, JSON.parse(JSON.stringify(commitment)) as JsonValue)).toBe(true);
      expect(matchesCommitment([value, other], commitment)).toBe(false);
    }),
  );
});

test("equal values do not look equal, and a text is not taken for the object that it spells", () => {
  expect(commit("secret").$committed).not.toBe(commit("secret").$committed);
  expect(matchesCommitment({ a: 1 }, commit('{"a":1}'))).toBe(false);
  expect(matchesCommitment({ b: 2, a: 1 }, commit({ a: 1, b: 2 }))).toBe(true);
});

test("what is no commitment or not JSON matches nothing, and does not throw", () => {
  for (const commitment of [null, "x", [], {}, { $committed: 1, salt: "" }, { $committed: "sha256:00", salt: 7 }] as JsonValue[]) {
    expect(matchesCommitment("x", commitment)).toBe(false);
  }
  const cycle: Record<string, unknown> = {};
  cycle["cycle"] = cycle;
  for (const value of [undefined, NaN, cycle, new Date(), 1n, "\ud800"]) expect(matchesCommitment(value, commit("x"))).toBe(false);
});

test.skipIf(process.platform === "win32")("a commitment to a string can be checked in a shell", () => {
  const { $committed, salt } = commit("hello world");
  const out = execFileSync("sh", ["-c", `printf '%s"%s"' "$1" "$2" | sha256sum`, "sh", salt, "hello world"], { encoding: "utf8" });
  expect(`sha256:${out.split(" ", 1)[0]}`).toBe($committed);
});
