import { describe, expect, it } from "vitest";
import { isPlainAwk } from "./awk.ts";

describe("isPlainAwk", () => {
  it.each([
    "{print $1}",
    "$3 > 5",
    "$3 > 5 {print}",
    "{ if ($3 > 5) print }",
    "/a|b/ {n++} END {print n}",
    '{print "a|b > c"}',
    "a || b",
    "{print $1 # > x\n}",
    "$1 ~ /x>y/",
    "{s = (a > b) ? a : b; print s}",
  ])("finds nothing beyond the output in `%s`", (program) => {
    expect(isPlainAwk(program)).toBe(true);
  });

  it.each([
    'BEGIN{system("id")}',
    '{print > "f"}',
    "{print > f}",
    "{print 1,\n2 > f}",
    "{print >> f}",
    '{printf("%s", $1) > "f"}',
    "{print (1) > f}",
    'BEGIN{for(print 1 > "f";;) exit}',
    '{print | "sh"}',
    '"id" | getline',
    'BEGIN{while (getline < "f") print}',
    "BEGIN{print ENVIRON[1]}",
    '@include "x"',
    "BEGIN{@f(1)}",
    'BEGIN { ARGV[1] = "x" }',
    '/"/ { print "a" > "b" } /"/',
    '{ x = 1 / 2; print | "sh" } # /',
    '{ x = y\n/"/; system("id"); z = 1\n/"/ }',
    '{ x = 2 \\\n/1; system("id"); y = 1/ 1 }',
    '{ x = 5./2; system("id"); y = 5./2 }',
    `{ x = 1${" ".repeat(99)}/1; system("id"); y = 1 / 1 }`,
    '{ x = $/"/; system("id"); y = $/"/ }',
    '{ x++ /"/; system("id"); y++ /"/ }',
    `{ x = ${"(1)/2/".repeat(40)}3 }`,
    '"unterminated',
    "/unterminated",
  ])("finds more in `%s`, or does not vouch for it", (program) => {
    expect(isPlainAwk(program)).toBe(false);
  });

  it("vouches for no program that is not known", () => {
    expect(isPlainAwk(undefined)).toBe(false);
  });
});
