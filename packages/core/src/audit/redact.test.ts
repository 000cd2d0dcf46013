import { readFile } from "node:fs/promises";

import fc from "fast-check";
import { expect, test } from "vitest";

import type { JsonObject, JsonValue } from "../json.ts";
import { decision, open, readEntries, temporaryLogPath } from "./audit.test.fixture.ts";
import { matchesCommitment } from "./commitment.ts";
import { maxLineBytes } from "./entry.ts";
import type { EntryBody } from "./entry.ts";
import { fitBody } from "./fit.ts";
import { memberOf } from "./members.ts";
import { policyEntries } from "./policy-entries.ts";
import { prepareEntry } from "./prepare.ts";
import { redactEntry, redactionRules } from "./redact.ts";
import { scrub } from "./scrub.ts";

const secret = "s3cr3t-value-that-must-not-be-read";

function redactedText(payload: JsonValue, options = {}): string {
  return JSON.stringify(redactEntry(decision({ action_type: "call", payload }), options).body);
}

test("credentials in headers, contents and bodies are not in the log, however they are spelt", () => {
  const named: JsonValue[] = [
    { headers: { Authorization: `Bearer ${secret}` } },
    { headers: { AUTHORIZATION: secret, Accept: "*/*" } },
    { headers: { "Proxy-Authorization": secret } },
    { headers: { proxy_authorization: secret } },
    { headers: { cookie: secret } },
    { headers: { "Set-Cookie": [secret, secret] } },
    { headers: [["Authorization", secret]] },
    { rawHeaders: ["Accept", "*/*", "Authorization", secret] },
    { headers: [{ name: "Cookie", value: secret }] },
    { headers: [{ key: "authorization", value: secret, enabled: true }] },
    { headers: [`Authorization: Bearer ${secret}`, "Accept: */*"] },
    { headers: `Accept: */*\r\nAuthorization: Bearer ${secret}` },
    { request: { options: { headers: { "X-Api-Key": secret } } } },
    { content: secret },
    { content: { parts: [secret] } },
    { body: { user: { password: secret } } },
    { args: { nested: [{ BODY: secret }] } },
    { text: secret + "x".repeat(4096) },
    { content: { $committed: "sha256:00", salt: secret, bytes: 1 } },
    { path: { $committed: secret, salt: "", bytes: 1 } },
  ];
  const announced: JsonValue[] = [
    { headers: { "X-Custom-Token": secret } },
    { headers: { "x-goog-api-key": secret, "X-Auth": secret } },
    { env: { PGPASSWORD: secret, REDISCLI_AUTH: secret, MYSQL_PWD: secret } },
    { environment: { GITHUB_TOKEN: secret, AWS_SECRET_ACCESS_KEY: secret } },
    { email: "ada@a.example", password: secret },
    { login: { accessToken: secret, user: { clientSecret: secret, api_key: secret, "private-key": secret } } },
  ];
  expect([...named, ...announced].filter((payload) => redactedText(payload).includes(secret))).toEqual([]);
  // What has such a name, or such a length, is left out also where nothing is looked for in texts.
  expect(named.filter((payload) => redactedText(payload, { credentials: false }).includes(secret))).toEqual([]);
});

test("how long a string is counts in bytes, however few characters they make", async () => {
  const long = "€".repeat(1400);
  expect(redactedText({ note: long })).not.toContain(long);
  expect(redactedText({ note: long.slice(40) })).toContain(long.slice(40));
  const path = await temporaryLogPath();
  const log = await open(path);
  await log.append(decision({ payload: { command: long } }));
  await log.close();
  expect(await readFile(path, "utf8")).not.toContain(long);
});

test("members, environment variables and headers whose names announce no credential stay, and so do those that the host keeps", () => {
  const env = {
    PWD: "/srv/A1",
    GIT_ASKPASS: "/bin/ask",
    SSH_AUTH_SOCK: "/tmp/s",
    TOKENIZERS_PARALLELISM: "false",
    AWS_PROFILE: "dev",
    EMPTY_TOKEN: "",
  };
  const named = { pwd: "/srv", bypass: "no", max_tokens: "12", secret: true, password: "", tokenizer: "a", passport: "P1", keys: ["a"] };
  const payload = { env, headers: { Accept: "*/*", "X-Author": "ada" }, authors: { auth: "x" }, named };
  expect(redactEntry(decision({ action_type: "call", payload })).body["payload"]).toEqual(payload);
  const kept = { env: { CI_TOKEN: secret, DB_PASSWORD: secret }, headers: { "X-Page-Token": secret }, next: { page_token: secret } };
  for (const options of [{ credentials: false }, { keep: ["ci_token", "env.db_password", "X-Page-Token", "next.page_token"] }]) {
    expect(redactEntry(decision({ action_type: "call", payload: kept }), options).body["payload"]).toEqual(kept);
  }
});

test("what was committed under one name is not readable under another name in the arguments of the call", () => {
  const entry = decision({
    payload: { path: "/a", content: secret, args: { file: "/a", text: secret } },
    tool: { name: "write", args: { file: "/a", text: secret, list: [secret] } },
    actions: [{ action_type: "modify_file", payload: { path: "/a", content: secret, args: { text: secret } } }],
  });
  const { body } = redactEntry(entry);
  expect(JSON.stringify(body)).not.toContain(secret);
  expect(body).toMatchObject({ payload: { path: "/a", args: { file: "/a" } } });
});

test("a content cannot be chosen so that it blanks out other evidence", () => {
  const { body } = redactEntry(
    decision({ payload: { path: "/etc/passwd", content: "/etc/passwd" }, agent_ctx: { env: "production", content: "production" } }),
  );
  expect(body).toMatchObject({
    payload: { path: "/etc/passwd" },
    agent_ctx: { env: "production" },
    action_type: "execute_shell",
    decision: "ALLOW",
  });
});

test("the host names more members, or fewer, and how long a string may be", () => {
  expect(redactedText({ token: secret }, { commit: ["Token"] })).not.toContain(secret);
  expect(redactedText({ body: secret }, { keep: ["body"] })).toContain(secret);
  expect(redactedText({ headers: { cookie: secret } }, { keep: ["Cookie"] })).toContain(secret);
  expect(redactedText({ note: secret }, { longestString: 8 })).not.toContain(secret);
});

test("a path names a member by those that it stands in, wherever they stand, and the reason quotes nothing of it", () => {
  const commit = ["Card.number", "customer.address.street"];
  for (const payload of [
    { card: { number: secret } },
    { args: { cards: [], card: [{ number: secret }] } },
    { customer: { address: { street: [secret] } } },
  ]) {
    expect(redactedText(payload, { commit })).not.toContain(secret);
  }
  for (const payload of [{ number: secret }, { card: { holder: { number: secret } } }, { address: { street: secret } }]) {
    expect(redactedText(payload, { commit })).toContain(secret);
  }
  expect(redactedText({ letter: { body: secret }, body: "b" }, { keep: ["letter.body"] })).toContain(secret);
  expect(redactedText({ post: { body: secret } }, { keep: ["letter.body"] })).not.toContain(secret);
  const { body } = redactEntry(decision({ payload: { card: { number: secret } }, reason: `It pays with ${secret}` }), { commit });
  expect(JSON.stringify(body)).not.toContain(secret);
});

test("a credential that is typed into a text is not in the log, and the text is there without it", () => {
  const command = `curl -u ada:${secret} https://a.example && echo done`;
  const entry = decision({
    payload: { command, args: { cmd: command, password: secret } },
    reason: `\`curl\` would send ${secret} to other machines: ${command}`,
  });
  const { body } = redactEntry(entry);
  expect(JSON.stringify(body)).not.toContain(secret);
  const payload = body["payload"] as JsonObject;
  expect(payload["command"]).toMatchObject({ shown: "curl -u ada:… https://a.example && echo done" });
  expect(matchesCommitment(command, payload["command"] ?? null)).toBe(true);
  expect(body["reason"]).toContain("`curl` would send [left out] to other machines");
  expect(JSON.stringify(redactEntry(entry, { credentials: false }).body["payload"])).toContain(secret);
});

test("options that make no sense are refused when the log is opened", async () => {
  const path = await temporaryLogPath();
  for (const redact of [{ longestString: -1 }, { longestString: 1e9 }, { commit: "token" as unknown as string[] }]) {
    await expect(open(path, undefined, { redact })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  }
});

function zeros(size: number): Uint8Array {
  return new Uint8Array(size);
}

test("the quick look that spares most entries the slow one overlooks nothing", () => {
  const odd = fc.constantFrom(
    "content",
    "BODY",
    "Set_Cookie",
    "coo\u212aie",
    "x-api_key",
    'to"ken',
    "a.b",
    "headers",
    "args",
    "name",
    "x",
    "a",
    "b",
  );
  const value = fc.letrec((tie) => ({
    json: fc.oneof(
      fc.constantFrom<JsonValue>(secret, "Cookie: a", "Authorization", "y".repeat(30), "curl -u a:bcd", "A_TOKEN=x", "x://a:b@c"),
      fc.array(tie("json"), { maxLength: 3 }),
      fc.dictionary(odd, tie("json")),
    ),
  })).json as fc.Arbitrary<JsonValue>;
  const options = { commit: ['to"ken', "a.b"], keep: ["x.content"], longestString: 40 };
  const always = { ...redactionRules(options), suspicious: /(?:)/ };
  fc.assert(
    fc.property(odd, value, (key, found) => {
      const entry = { type: "approval.x", [key]: found } as EntryBody;
      expect(prepareEntry(entry, redactionRules(options), zeros)).toBe(prepareEntry(entry, always, zeros));
    }),
    { numRuns: 2000 },
  );
});

test("a commitment in the log matches the value that it stands for", () => {
  const value = { deep: [1, "two", null] };
  const { body, committed } = redactEntry(decision({ payload: { body: value, content: "text" } }));
  const payload = body["payload"] as JsonObject;
  expect(matchesCommitment(value, payload["body"] ?? null)).toBe(true);
  expect(matchesCommitment("text", payload["content"] ?? null)).toBe(true);
  expect(committed).toEqual(["deep", "two", "text"]);
});

test("the reason keeps its words and loses what it quotes of a secret", () => {
  expect(scrub("`rm -rf /` found in `echo hi; rm -rf /`, rule `no-rm` decided", ["echo hi; rm -rf /"])).toBe(
    "`[left out]` found in `[left out]`, rule `no-rm` decided",
  );
  expect(scrub(`body is ${secret}`, [secret])).toBe("body is [left out]");
  expect(scrub(`body is ${secret.slice(0, 20)}… and more`, [secret])).toBe("body is [left out]… and more");
  expect(scrub('says "line\\nbreak here" now', ["line\nbreak here"])).toBe('says "[left out]" now');
  expect(scrub("a rule decided", ["a", "e", ""])).toBe("a rule decided");
  expect(scrub("quotes `a secret beginn…` here", ["a secret beginning"])).toBe("quotes `[left out]` here");
});

test("no secret of 4 or more characters survives in a reason that quotes it", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 4 }), fc.string(), fc.string(), (quoted, before, after) => {
      const { body } = redactEntry(decision({ payload: { content: quoted }, reason: `${before} ${quoted} ${after}` }));
      const reason = body["reason"];
      fc.pre(!"[left out]".includes(quoted) && !`${before} [left out] ${after}`.includes(quoted));
      expect(reason).not.toContain(quoted);
    }),
  );
});

test("a member with more secrets than fit on a line is committed as a whole, and none of them is lost or shown", () => {
  const headers = Array.from({ length: 90_000 }, (_, index) => ["cookie", `${secret}${index}`]);
  const { body, committed } = redactEntry(
    decision({
      agent_ctx: { env: "test", content: secret },
      payload: { headers, args: { headers } },
      tool: { name: "t", args: { content: secret } },
    }),
  );
  expect(JSON.stringify(body)).not.toContain(secret);
  expect(matchesCommitment({ headers, args: { headers } }, body["payload"] ?? null)).toBe(true);
  expect(committed).toContain(`${secret}89999`);
  expect(body).toMatchObject({ agent_ctx: { env: "test" }, action_type: "execute_shell" });
  expect(matchesCommitment({ name: "t", args: { content: secret } }, body["tool"] ?? null)).toBe(true);
});

test("a reason that is too long to stand is cut, and committed to in full", () => {
  const { body } = redactEntry(decision({ reason: "because ".repeat(2000) }));
  expect(body["reason"]).toHaveLength(1001);
  expect(matchesCommitment("because ".repeat(2000), body["reason_in_full"] ?? null)).toBe(true);
});

test("no entry is too long for a line, and what an entry is stays readable", async () => {
  const path = await temporaryLogPath();
  const log = await open(path);
  const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`key${index}`, "v"]));
  const wide = Array.from({ length: 100 }, () => "\u0001".repeat(4000));
  await log.append(decision({ payload: many }));
  await log.append(decision({ payload: wide, agent_ctx: many, tool: { name: "t", args: wide } }));
  await log.append({ type: "approval.requested", ...many });
  await log.append(decision({ payload: { text: "é".repeat(3_000_000) } }));
  const lines = (await readFile(path)).toString().split("\n");
  for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(maxLineBytes);
  const entries = await readEntries(path);
  expect(entries.slice(1).map(({ type }) => type)).toEqual(["decision", "decision", "approval.requested", "decision"]);
  expect(entries[1]).toMatchObject({ decision: "ALLOW", action_type: "execute_shell", agent_ctx: { env: "test" } });
  expect(matchesCommitment(many, entries[1]?.["payload"] ?? null)).toBe(true);
  expect(matchesCommitment(many, entries[3]?.["committed"] ?? null)).toBe(true);
});

test("any JSON fits on a line", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 7 }), fc.jsonValue()), fc.integer({ min: 1, max: 30_000 }), (members, repeat) => {
      const all = Object.entries({ big: "é\u0000".repeat(repeat), ...(members as JsonObject) });
      const body = { type: "approval.x", members: all.map(([key, value]) => memberOf(key, value)) };
      expect(Buffer.byteLength(fitBody(body, zeros))).toBeLessThan(maxLineBytes - 300);
    }),
  );
});

test("a policy's text stands in the log in full, in as many parts as it needs", async () => {
  const text = `${"rules: \u0007😀\n".repeat(9000)}end`;
  const entries = policyEntries("digest", "policy.yaml", text);
  const path = await temporaryLogPath();
  const log = await open(path);
  await Promise.all(entries.map((entry) => log.append(entry)));
  const read = (await readEntries(path)).slice(1);
  expect(read.map((entry) => entry["text"] as string).join("")).toBe(text);
  expect(read.map((entry) => entry["part"])).toEqual(entries.map((_, index) => index + 1));
  expect(policyEntries("d", "n", "")).toMatchObject([{ part: 1, parts: 1, text: "" }]);
});

test.each([
  [{ headers: ["Authorization", `Bearer ${secret}`, "Accept", "*/*"] }],
  [{ headers: ["Accept", "*/*", "Authorization", `Bearer ${secret}`] }],
  [{ rawHeaders: ["Accept", "*/*", "Cookie", secret] }],
  [{ header: `Authorization: Bearer ${secret}` }],
  [{ header: [`Accept: text/plain`, `Cookie: a=${secret}`] }],
  [
    {
      headers: [
        { header: "Cookie", val: secret },
        { field: "Set-Cookie", values: [secret] },
      ],
    },
  ],
])("commits the header in %j, whatever form it has", (payload) => {
  expect(redactedText(payload)).not.toContain(secret);
  expect(prepareEntry(decision({ payload }), redactionRules({}), (size) => new Uint8Array(size))).not.toContain(secret);
});

test("commits arguments that a committed value was made of, or that were made of one, and no others", () => {
  const tool = {
    name: "t",
    args: { token: secret, raw: `Authorization: Bearer ${secret}; more`, note: "nothing to hide", user: "Bearer" },
  };
  const payload = { url: "https://example.com", headers: { authorization: `Bearer ${secret}` }, args: tool.args };
  const text = JSON.stringify(redactEntry(decision({ payload, tool })).body);
  expect(text).not.toContain(secret);
  expect(text.match(/nothing to hide/g)).toHaveLength(2);
  expect(text.match(/"user":"Bearer"/g)).toHaveLength(2);
});

test("compares no longer than it has time for, and then leaves out more", () => {
  const content = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, `${index} `.repeat(40)]));
  const args = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`a${index}`, `${index}-`.repeat(40)]));
  const { body } = redactEntry(decision({ payload: { content, args } }));
  expect(JSON.stringify(body).length).toBeLessThan(10_000);
});
