import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";

import type { JsonObject } from "../json.ts";
import { evaluate } from "./evaluate.ts";
import type { Decision } from "./decision.ts";
import { loadPolicy } from "./load.ts";
import type { Policy } from "./policy.ts";

const agentCtx: JsonObject = { cwd: "/repo", home: "/home/agent", safe_paths: ["/repo/"], safe_hosts: ["api.good.com"] };

let policy: Policy;

beforeAll(async () => {
  policy = await loadPolicy({ name: "root", text: "version: 1\nextends: [canopy:default]\n" });
});

/** The text judged as whatever an analyser may be asked about. */
function judgements(text: string): readonly Decision[] {
  const requests: readonly (readonly [string, JsonObject])[] = [
    ["execute_shell", { command: text }],
    ["read_file", { path: text }],
    ["modify_file", { path: text, content: text }],
    ["delete_file", { path: text }],
    ["call_external_api", { url: text, headers: { [text]: text }, body: text }],
    ["execute_query", { query: text }],
    ["execute_query", { query: text, dialect: "postgres" }],
  ];
  return requests.map(([actionType, payload]) => evaluate(policy, { agentCtx, actionType, payload }).decision);
}

const tokens = fc.constantFrom(
  ..."rm -rf / ls cat ; & | && || ( ) { } [[ ]] if then else fi for in do done while case esac function $ $( ${ $(( )) ` ' \" \\ << <<- EOF <<< > >> <( {a,b} ~ * ? [a] # ! = x=1 $x ${x:-y} $'\\x41' \n \r \t \0 \u202E \u200B \uFF0F é 💥 .. // ../ /etc/passwd C:\\ \\\\?\\ %2e%2e http:// https: @ evil.com 127.0.0.1 0x7f.1 [::1] xn-- : :443 ?q= #f SELECT * FROM users WHERE 1=1 -- /* */ /*!50000 ; DROP TABLE ' \" `x` [x] $$ $a$ E'\\' INTO OUTFILE COPY pg_read_file( xp_cmdshell UNION".split(
    " ",
  ),
);

describe("whatever the text", () => {
  it.each([
    ["any characters", fc.string({ unit: "binary", maxLength: 200 })],
    ["any bytes", fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString("latin1"))],
    ["what any bytes are in UTF-8", fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString())],
    [
      "any string, also one that is not well-formed",
      fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)), maxLength: 60 }),
    ],
    ["words of every language in any order", fc.array(tokens, { maxLength: 40 }).map((parts) => parts.join(" "))],
    ["pieces of every language, run together", fc.array(tokens, { maxLength: 40 }).map((parts) => parts.join(""))],
  ])("every analyser answers, and none throws: %s", (_what, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        for (const decision of judgements(text)) expect(["ALLOW", "REQUIRE_APPROVAL", "DENY"]).toContain(decision);
      }),
      { numRuns: 400 },
    );
  });

  const size = 16 * 1024;
  /** A comment; substitutions of nothing; one long assignment; commands that do nothing. */
  const harmless = ["#", "`", "a=", ":;"];
  const filled = (piece: string): string => piece.repeat(Math.ceil(size / piece.length)).slice(0, size);
  it.each(
    [
      ..."( { [ $( ${ $(( ` ' \" \\ ; & | < > << # ~ * ? {a, {a,b} !( a= $x ${x:- <( >( [[ (( :;".split(" "),
      "if :;then ",
      "for i in ",
      "case x in ",
      "f(){ ",
      "while ",
      "x=$x$x;",
      "eval ",
      "bash -c '",
      "rm -rf / ",
      "sudo ",
      "cat <<A\n",
      "$((1+",
      "{1..9}",
      "a|",
      "../",
      "/./",
      "//",
      "%2e",
      "%25",
      "a.",
      "1.",
      "::",
      "@",
      "/*",
      "--",
      "'||'",
      "$$",
      "/*!",
      "select ",
      "(select ",
      "union ",
      "'a' ",
      "\u0301",
      "\u{10FFFF}",
      "\0",
    ].map((piece) => [piece]),
  )("16 KiB of %j are judged in bounded time and memory, and not allowed to run", (piece) => {
    const text = filled(piece);
    const before = process.memoryUsage().heapUsed;
    const started = performance.now();
    const [shell] = judgements(text);
    // Not a measure of speed: it tells what hangs from what does not.
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(500 * 1024 * 1024);
    expect(shell === "ALLOW" && !harmless.includes(piece)).toBe(false);
  });
});
