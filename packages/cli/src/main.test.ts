import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { openCanopy } from "@canopy-runtime/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { main } from "./main.ts";

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "canopy-cli-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Runs one command line as a script would: streams, no terminal. */
async function canopy(argv: readonly string[], input: string | Buffer = "", env: Record<string, string> = {}): Promise<Run> {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  stdin.end(input);
  const output = Promise.all([text(stdout), text(stderr)]);
  const code = await main(argv, { stdin, stdout, stderr, env, interactive: false });
  stdout.end();
  stderr.end();
  const [out, err] = await output;
  return { code, out, err };
}

async function checkJson(action: string, payload: object, agent: object = {}): Promise<{ code: number; answer: Record<string, unknown> }> {
  const { code, out } = await canopy([
    "check",
    "--action",
    action,
    "--payload",
    JSON.stringify(payload),
    "--agent",
    JSON.stringify(agent),
    "--json",
  ]);
  return { code, answer: JSON.parse(out) as Record<string, unknown> };
}

/** A log with six entries: its start, the policy, four decisions. */
async function writtenLog(): Promise<string> {
  const path = join(folder, "audit.log");
  await using runtime = await openCanopy({ audit: path });
  for (const command of ["ls", "pwd", "rm -rf /", "whoami"])
    await runtime.authorizeAction({ env: "production" }, "execute_shell", { command });
  return path;
}

describe("canopy", () => {
  it("prints its version and its help, and knows each command's help three ways", async () => {
    expect((await canopy(["--version"])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await canopy(["--help"])).out).toContain("Exit codes");
    for (const command of ["check", "verify", "demo"]) {
      const { code, out } = await canopy([command, "--help"]);
      expect(code).toBe(0);
      expect(out).toContain(`canopy ${command}`);
      expect((await canopy(["help", command])).out).toBe(out);
      expect((await canopy([command, "-h"])).out).toBe(out);
    }
  });

  it.each([
    [[], "Usage"],
    [["chekc"], "unknown command `chekc`"],
    [["check"], "--action is missing"],
    [["check", "--action", "execute_shell"], "--payload is missing"],
    [["check", "--action", "execute_shell", "--payload", "{"], "--payload: not JSON at 1:2: "],
    [["check", "--action", "execute_shell", "--payload", "ls"], '; write it as \'{"command":"ls -la"}\''],
    [["check", "--action", "execute_shell", "--payload", '{"a":1,"a":2}'], "stands twice"],
    [["check", "--action", "execute_shell", "--payload", "{}", "--agent", "x"], "--agent: not JSON"],
    [["check", "--polcy", "x"], "canopy: unknown option `--polcy`, see canopy check --help\n"],
    [
      ["check", "--action"],
      "canopy: option `--action` has no value (one that begins with a dash is written `--action=-…`), see canopy check --help\n",
    ],
    [["check", "--action", "--payload", "{}"], "canopy: option `--action` has no value (one "],
    [["check", "execute_shell"], "canopy: unexpected argument `execute_shell`, see canopy check --help\n"],
    [["check", "--policy", "", "--action", "x", "--payload", "{}"], "the name of the policy file is empty"],
    [["check", "--jsonl", "--action", "x"], "--action does not go with --jsonl"],
    [["check", "--action", "a", "--action"], "--action"],
    // As a payload, a word that asks for help must not end with the code of ALLOW.
    [["check", "--action", "execute_shell", "--payload", "--help"], "--payload"],
    [["check", "--action", "-h", "--payload", "{}"], "--action"],
    [["check", "--action", "execute_shell", "--payload", "{}", "-h"], "-h"],
    [["verify", "--help", "audit.log"], "--help"],
    [["verify", "a", "b"], "one log at a time"],
    [["verify", "a\u001b]0;x\u0007.log"], "a\\u001b]0;x\\u0007.log"],
    [["demo", "--safe-path", ""], "--safe-path is empty"],
    [["demo", "--safe-path", import.meta.filename], "cannot be used as a directory (EEXIST)"],
    [["demo", "--safe-path", join(import.meta.filename, "below")], "cannot be used as a directory (ENOTDIR)"],
    [["verify", "no-such-file.log"], "no-such-file.log"],
  ])("ends %j with exit code 2 and says why on standard error", async (argv, message) => {
    const { code, out, err } = await canopy(argv);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(out).toBe("");
  });
});

/** An output that fails at the first write. */
function failing(reason: string): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(`write ${reason}`), { code: reason })) });
}

const ask = (command: string): readonly string[] => ["check", "--action", "execute_shell", "--payload", JSON.stringify({ command })];

/** The exit code where the output fails so. */
async function codeWhere(argv: readonly string[], failure: string, input = ""): Promise<number> {
  const stdin = new PassThrough();
  stdin.end(input);
  return await main(argv, { stdin, stdout: failing(failure), stderr: failing("EPIPE"), env: {}, interactive: false });
}

describe("canopy, when its output cannot be written", () => {
  it("ends with the code of the answer also where nobody reads it", async () => {
    expect(await codeWhere(ask("rm -rf /"), "EPIPE")).toBe(4);
    expect(await codeWhere(ask("curl https://example.com"), "EPIPE")).toBe(3);
    expect(await codeWhere(ask("ls"), "EPIPE")).toBe(0);
    const log = await writtenLog();
    await writeFile(log, (await readFile(log, "utf8")).replace("whoami", "whoam1"));
    expect(await codeWhere(["verify", log], "EPIPE")).toBe(1);
    expect(await codeWhere(["check", "--nonsense"], "EPIPE")).toBe(2);
  });

  it("is no ALLOW where the disk is full", async () => {
    expect(await codeWhere(ask("rm -rf /"), "ENOSPC")).toBe(4);
    expect(await codeWhere(ask("ls"), "ENOSPC")).toBe(70);
  });

  it("stops asking where a stream's reader is gone", async () => {
    const request = '{"action_type":"execute_shell","action_payload":{"command":"ls"}}\n';
    expect(await codeWhere(["check", "--jsonl"], "EPIPE", request.repeat(3))).toBe(0);
    expect(await codeWhere(["check", "--jsonl"], "ENOSPC", request.repeat(3))).toBe(70);
  });

  it("ends with 2 where the input cannot be read", async () => {
    const stdin = new PassThrough();
    stdin.destroy(Object.assign(new Error("EISDIR: illegal operation on a directory, read"), { code: "EISDIR" }));
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    expect(await main(["check", "--jsonl"], { stdin, stdout, stderr, env: {}, interactive: false })).toBe(2);
    expect(String(stderr.read())).toContain("EISDIR");
  });
});

describe("canopy check", () => {
  it("takes a stream with Windows line ends and a byte order mark", async () => {
    const request = '{"action_type":"execute_shell","action_payload":{"command":"ls"}}';
    const { out } = await canopy(["check", "--jsonl"], `\ufeff${request}\r\n${request}\r\n`);
    expect(out.match(/^\{"decision":"ALLOW"/gm)).toHaveLength(2);
  });

  it("spells out control characters in what it says of a policy that does not load", async () => {
    const { err } = await canopy(["check", "--action", "x", "--payload", "{}", "--policy", "no\u001b[31m"]);
    expect(err).toContain("`no\\u001b[31m`");
  });

  it.each([
    ["execute_shell", { command: "rm -rf /tmp/logs" }, { env: "production" }, "DENY", 4],
    ["execute_shell", { command: "ls -la" }, {}, "ALLOW", 0],
    ["execute_shell", { command: "curl https://example.com" }, {}, "REQUIRE_APPROVAL", 3],
    ["call_external_api", { url: "https://api.stripe.com/v1/charges" }, {}, "REQUIRE_APPROVAL", 3],
    ["modify_file", { path: "/etc/passwd" }, {}, "DENY", 4],
    ["modify_file", { path: "/repo/x.ts" }, { safe_paths: ["/repo/"] }, "ALLOW", 0],
    ["modify_file", { path: "/repo/x.ts" }, {}, "REQUIRE_APPROVAL", 3],
    ["launch_rocket", {}, {}, "REQUIRE_APPROVAL", 3],
    ["execute_shell", { command: 7 }, {}, "DENY", 4],
    ["execute_shell", {}, {}, "DENY", 4],
    ["modify_file", { path: "/repo/x.ts" }, [], "DENY", 4],
  ])("answers %s %j for the agent %j with %s, exit code %d", async (action, payload, agent, decision, expected) => {
    const { code, answer } = await checkJson(action, payload, agent);
    expect(answer["decision"]).toBe(decision);
    expect(code).toBe(expected);
    expect(answer["reason"]).toMatch(/\w/);
    expect(answer["avid"]).toMatch(/^AVID-[0-9a-f]{64}$/);
    // Nobody is asked, so there is no request to name.
    expect("approval_id" in answer).toBe(false);
  });

  it("leaves nothing behind", async () => {
    const before = process.cwd();
    process.chdir(folder);
    try {
      await checkJson("execute_shell", { command: "ls" });
      expect(await readdir(folder)).toEqual([]);
    } finally {
      process.chdir(before);
    }
  });

  it("prints text for people, with control characters spelt out", async () => {
    const { out } = await canopy(["check", "--action", "x\u001b[2J", "--payload", "{}"]);
    expect(out).toMatch(/^REQUIRE_APPROVAL x\\u001b\[2J\n {2}reason/);
    expect(out).not.toContain("\u001b");
  });

  it("takes the policy from --policy, else from CANOPY_POLICY_FILE", async () => {
    const strict = join(folder, "strict.yaml");
    await writeFile(strict, "version: 1\ndefault: DENY\nrules:\n  - id: reads\n    action_type: read_file\n    allow: true\n");
    const request = ["check", "--action", "execute_shell", "--payload", '{"command":"ls"}'];
    expect((await canopy([...request, "--policy", strict])).code).toBe(4);
    expect((await canopy(request, "", { CANOPY_POLICY_FILE: strict })).code).toBe(4);
    expect((await canopy(request)).code).toBe(0);
  });

  it("answers DENY under a policy that does not load, and tells every problem with its place", async () => {
    const broken = join(folder, "broken.yaml");
    await writeFile(
      broken,
      "version: 1\nrules:\n  - action_type: execute_shell\n    decision: ALOW\n  - action_tipe: read_file\n    allow: true\n",
    );
    const { code, out, err } = await canopy([
      "check",
      "--action",
      "execute_shell",
      "--payload",
      '{"command":"ls"}',
      "--policy",
      broken,
      "--json",
    ]);
    expect(code).toBe(4);
    expect(JSON.parse(out)).toMatchObject({ decision: "DENY", policy_digest: null });
    expect(err).toContain(`${broken}:4:15: unknown decision \`ALOW\`, did you mean \`ALLOW\`?`);
    expect(err).toMatch(/broken\.yaml:5:5: unknown key `action_tipe` in a rule, did you mean `action_type`\?/);
  });

  it("says what loads and was hardly meant, and answers all the same", async () => {
    const file = join(folder, "slip.yaml");
    await writeFile(file, "version: 1\nrules: [{ action_type: execute_shel, deny: true }]\n");
    const { code, out, err } = await canopy(["check", "--action", "execute_shell", "--payload", '{"command":"ls"}', "--policy", file]);
    expect([code, out.split(" ", 1)]).toEqual([3, ["REQUIRE_APPROVAL"]]);
    expect(err).toBe(`warning: ${file}:2:24: \`execute_shel\` is not a standard action type, did you mean \`execute_shell\`?\n`);
  });

  it("answers a stream line by line, in order, and a bad line on its own line with DENY", async () => {
    const input = [
      '{"agent_ctx":{},"action_type":"execute_shell","action_payload":{"command":"ls"}}',
      "not json",
      "",
      '{"agent_ctx":{},"action_type":"execute_shell"}',
      '{"action_type":"execute_shell","action_payload":{"command":"ls"},"actor":1}',
      '{"action_type":"execute_shell","action_payload":{"command":"ls","command":"rm -rf /"}}',
      "[]",
      '{"agent_ctx":{"env":"production"},"action_type":"execute_shell","action_payload":{"command":"rm -rf /"}}',
      '{"action_type":"launch_rocket","action_payload":{}}',
    ];
    const { code, out } = await canopy(["check", "--jsonl"], input.join("\n"));
    const answers = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { decision: string; error?: string });
    expect(code).toBe(0);
    expect(answers.map(({ decision }) => decision)).toEqual([
      "ALLOW",
      "DENY",
      "DENY",
      "DENY",
      "DENY",
      "DENY",
      "DENY",
      "DENY",
      "REQUIRE_APPROVAL",
    ]);
    expect(answers.map(({ error }) => error?.replace(/:.*/, ""))).toEqual([
      undefined,
      "line 2",
      "line 3",
      "line 4",
      "line 5",
      "line 6",
      "line 7",
      undefined,
      undefined,
    ]);
  });

  it("answers a line that is too long or not UTF-8 without keeping it, and goes on", async () => {
    const good = '{"action_type":"execute_shell","action_payload":{"command":"ls"}}';
    const input = Buffer.concat([
      Buffer.alloc(17 * 1024 * 1024, "a"),
      Buffer.from(`\n${good}\n`),
      Buffer.from([0xff, 0xfe, 0x0a]),
      Buffer.from(good),
    ]);
    const { code, out } = await canopy(["check", "--jsonl"], input);
    const answers = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { decision: string; error?: string });
    expect(code).toBe(0);
    expect(answers.map(({ decision }) => decision)).toEqual(["DENY", "ALLOW", "DENY", "ALLOW"]);
    expect(answers[0]?.error).toContain("line 1: longer than");
    expect(answers[2]?.error).toBe("line 3: not UTF-8");
  });
});

describe("canopy verify", () => {
  it("ends with 0 on an untouched log", async () => {
    const { code, out } = await canopy(["verify", await writtenLog()]);
    expect(out).toContain("valid");
    expect(code).toBe(0);
  });

  it("ends with 1 and names the line, whichever line is changed, deleted, doubled or swapped with the next", async () => {
    const path = await writtenLog();
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    expect(lines.length).toBeGreaterThanOrEqual(6);
    const attacks = lines.flatMap((line, index) => {
      const next = lines[index + 1];
      return [
        lines.with(index, line.replace('"v":1', '"v":2')),
        lines.toSpliced(index, 1),
        lines.toSpliced(index, 0, line),
        ...(next === undefined ? [] : [lines.with(index, next).with(index + 1, line)]),
      ];
    });
    for (const attack of attacks) {
      await writeFile(path, `${attack.join("\n")}\n`);
      const { code, out } = await canopy(["verify", path, "--json"]);
      expect(code).toBe(1);
      const first = lines.findIndex((line, index) => attack[index] !== line);
      expect(JSON.parse(out)).toMatchObject({ line: first < 0 ? attack.length : first + 1 });
    }
  });
});

describe("canopy demo", () => {
  it("runs its story, and every claim that it makes is so", async () => {
    const { code, out } = await canopy(["demo", "--safe-path", join(folder, "work")]);
    expect(out).not.toContain("NOT SO");
    expect(out.match(/^ {2}ok /gm)).toHaveLength(6);
    expect(code).toBe(0);
    expect(await readdir(join(folder, "work"))).toEqual(["canopy-demo.txt"]);
  });

  it.each(["/proc/x", "/proc/x/y", "/etc/hostname"])("refuses the safe path %s", async (path) => {
    const { code, err } = await canopy(["demo", "--safe-path", path]);
    expect(code).toBe(2);
    expect(err).toContain("cannot be used as a directory");
  });

  it("refuses to replace the file that it would leave", async () => {
    await writeFile(join(folder, "canopy-demo.txt"), "mine");
    const { code, err } = await canopy(["demo", "--safe-path", folder]);
    expect([code, err]).toEqual([2, expect.stringContaining("is there already")]);
    expect(await readFile(join(folder, "canopy-demo.txt"), "utf8")).toBe("mine");
  });
});
