import { describe, expect, it } from "vitest";
import { sedScript } from "./sed.ts";

describe("sedScript", () => {
  it.each([
    "p",
    "1,20p",
    "$p",
    "/a/,/b/p",
    "s/a/b/",
    "s/a\\/b/c/g",
    "s|a/b|c|gI",
    "s/[a]/x/",
    "y/abc/def/",
    "$!N;P;D",
    ":a;N;$!ba;s/\\n/ /g",
    "/x/{s/a/b/;p}",
    "1~2d",
    "/a/,+3d",
    "\\%a%d",
    "a text",
    "/x/i text; e not a command",
    "10q",
    "# e",
    "",
  ])("finds that `%s` only edits", (script) => {
    expect(sedScript(script)).toBe("plain");
  });

  it.each([
    "e",
    "1e id",
    "e id",
    "s/a/b/e",
    "s/a/b/ge",
    "s/a/b/w f",
    "s|a|b|e",
    "w f",
    "/x/w f",
    "W f",
    "r f",
    "R f",
    "p;e",
    "{e id\n}",
    "$!{p;e\n}",
    "s/a/b/;1e",
  ])("finds that `%s` does more", (script) => {
    expect(sedScript(script)).toBe("effects");
  });

  it.each(["s/a/b", "s/[/]/x/", "/a", "k", "s/a/b/k", "pp", "y/a", "/a/,p"])("does not vouch for `%s`", (script) => {
    expect(sedScript(script)).toBe("unknown");
  });
});
