import { execFileSync } from "node:child_process";
import { link, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { verifyAuditLog } from "../audit/index.ts";
import { createMemoryAuditSink, openAuditLog } from "../audit/index.ts";
import type { AuditSink } from "../audit/index.ts";
import { CanopyError } from "../errors.ts";
import type { Policy } from "../policy/policy.ts";
import type { AuthorizationRequest, Outcome } from "./authorizer.ts";
import { Canopy } from "./canopy.ts";
import { createChecker, openCanopy } from "./open-canopy.ts";

const shellPolicy = {
  name: "shell.yaml",
  text: `
version: 1
default: DENY
rules:
  - id: list
    action_type: execute_shell
    when_all: ['payload.command == "ls"']
    allow: true
    reason: Listing is harmless
  - id: fetch
    action_type: execute_shell
    when_all: ['payload.command == "curl"']
    require_approval: true
  - id: refund
    action_type: refund
    allow: true
`,
};

const parts = { approvals: null, mode: "enforce", resolvePaths: false, ownFiles: () => [] } as const;

interface Entry {
  readonly type: string;
  readonly [key: string]: unknown;
}

let folder = "";
let log = "";

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "canopy-runtime-")));
  log = join(folder, "audit.log");
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function entries(type: string): Promise<readonly Entry[]> {
  const text = await readFile(log, "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Entry)
    .filter((entry) => entry.type === type);
}

function entriesOf({ lines }: { readonly lines: readonly string[] }): readonly Entry[] {
  return lines.map((line) => JSON.parse(line) as Entry);
}

describe("a runtime", () => {
  it("answers as the policy says, and each answer names the entry that records it", async () => {
    await using canopy = await openCanopy({ policy: shellPolicy, audit: log });
    const allowed = await canopy.authorizeAction({ agent_id: "a" }, "execute_shell", { command: "ls" });
    const denied = await canopy.authorizeAction({ agent_id: "a" }, "execute_shell", { command: "rm" });
    const asked = await canopy.authorizeAction({ agent_id: "a" }, "execute_shell", { command: "curl" });
    expect([allowed.decision, denied.decision, asked.decision]).toEqual(["ALLOW", "DENY", "REQUIRE_APPROVAL"]);
    expect(allowed.rules).toEqual([{ id: "list", decision: "ALLOW", file: "shell.yaml", line: 5 }]);
    expect(allowed.reason).toContain("Listing is harmless");
    expect(asked).toHaveProperty("approvalId", expect.stringMatching(/^APR-[0-9a-f]{32}$/));
    expect(denied).not.toHaveProperty("approvalId");
    const recorded = await entries("decision");
    expect(recorded.map(({ decision }) => decision)).toEqual(["ALLOW", "DENY", "REQUIRE_APPROVAL"]);
    expect(recorded.map(({ seq, entry_hash: hash }) => `${String(seq)}-${String(hash).slice(0, 32)}`)).toEqual(
      [allowed, denied, asked].map(({ authorizationId }) => authorizationId),
    );
    expect(recorded[0]).toMatchObject({
      avid: allowed.avid,
      policy_digest: allowed.policyDigest,
      trace_id: allowed.traceId,
      enforced: true,
    });
  });

  it("records the policy's text once, before the first decision, and not again when the log is opened anew", async () => {
    for (let run = 0; run < 3; run += 1) {
      await using canopy = await openCanopy({ policy: shellPolicy, audit: log });
      await Promise.all([1, 2, 3].map(async () => await canopy.authorizeAction({}, "execute_shell", { command: "ls" })));
    }
    const [loaded, ...more] = await entries("policy.loaded");
    expect(more).toEqual([]);
    expect(loaded).toMatchObject({ seq: 1, name: "shell.yaml", text: shellPolicy.text });
    expect(await entries("host.files")).toHaveLength(1);
    expect(await verifyAuditLog(log)).toMatchObject({ kind: "valid", entries: 12 });
  });

  it("records which files counted as its own, once for each list, and each decision names its list", async () => {
    const file = join(folder, "canopy.policy.yaml");
    await writeFile(file, shellPolicy.text);
    for (const policy of [shellPolicy, file, shellPolicy, file]) {
      await using canopy = await openCanopy({ policy, audit: log });
      await canopy.authorizeAction({}, "execute_shell", { command: "ls" });
    }
    const lists = await entries("host.files");
    expect(lists.map(({ files }) => files)).toEqual([[log], [log, file]]);
    const [one, other] = lists.map(({ digest }) => digest);
    expect((await entries("decision")).map(({ own_files: list }) => list)).toEqual([one, other, one, other]);
  });

  it("records the policy again where an agent's payload only looks like that entry", async () => {
    const { digest } = await createChecker({ policy: shellPolicy }).policy();
    {
      await using other = await openCanopy({
        policy: { name: "other.yaml", text: "version: 1\ndefault: DENY\nrules: [{ id: a, action_type: a, allow: true }]" },
        audit: log,
      });
      await other.authorizeAction({}, "anything", { type: "policy.loaded", policy_digest: digest });
    }
    await using canopy = await openCanopy({ policy: shellPolicy, audit: log });
    await canopy.authorizeAction({}, "execute_shell", { command: "ls" });
    expect((await entries("policy.loaded")).map(({ name }) => name)).toEqual(["other.yaml", "shell.yaml"]);
  });

  it("lets through and says what it would have answered when it only observes", async () => {
    await using canopy = await openCanopy({ policy: shellPolicy, audit: log, mode: "observe" });
    const answer = await canopy.authorizeAction({}, "execute_shell", { command: "rm" });
    expect(answer).toMatchObject({ decision: "ALLOW", would: "DENY", enforced: false });
    expect(await canopy.authorizeAction({}, "execute_shell", { command: "ls" })).toMatchObject({ decision: "ALLOW", enforced: true });
    expect((await entries("decision"))[0]).toMatchObject({ decision: "ALLOW", would: "DENY", enforced: false });
  });

  it("denies what is not JSON, and what has no action or no context, and records the attempt", async () => {
    await using canopy = await openCanopy({ policy: shellPolicy, audit: log });
    const requests: unknown[] = [
      { agentCtx: {}, actions: [{ actionType: "refund", payload: { amount: 1n } }] },
      { agentCtx: {}, actions: [{ actionType: "refund", payload: undefined }] },
      { agentCtx: { key: () => 1 }, actions: [{ actionType: "refund", payload: {} }] },
      { agentCtx: [], actions: [{ actionType: "refund", payload: {} }] },
      { agentCtx: null, actions: [{ actionType: "refund", payload: {} }] },
      { agentCtx: {}, actions: [] },
      { agentCtx: {}, actions: [{ actionType: "", payload: {} }] },
      { agentCtx: {}, actions: [{ actionType: 7, payload: {} }] },
      { agentCtx: {}, actions: [null] },
      { agentCtx: {}, actions: Array.from({ length: 1000 }, () => ({ actionType: "refund", payload: {} })) },
      { agentCtx: {}, actions: [{ actionType: "refund", payload: {}, open: "x" }] },
      { agentCtx: {}, actions: [{ actionType: "refund", payload: {} }], refused: "the arguments are not JSON" },
      { agentCtx: {}, actions: [{ actionType: "refund", payload: {} }], tool: { name: "refund", args: new Map() } },
      { agentCtx: {}, actions: [{ actionType: "refund", payload: {} }], tool: { name: "r".repeat(257), args: {} } },
      { agentCtx: {}, actions: [{ actionType: "refund", payload: {} }], tool: { name: "\ud800", args: {} } },
      { agentCtx: {}, actions: [{ actionType: "refund", payload: {} }], tool: { name: "refund", args: {}, callId: "" } },
      {},
      null,
      "refund",
      new Proxy(
        {},
        {
          get: () => {
            throw new Error("boom");
          },
        },
      ),
    ];
    for (const request of requests) {
      const answer = await canopy.authorize(request as AuthorizationRequest);
      expect(answer.decision).toBe("DENY");
      expect(answer.authorizationId).not.toBeNull();
    }
    expect(await entries("decision")).toHaveLength(requests.length);
    expect(await verifyAuditLog(log)).toMatchObject({ kind: "valid" });
  });

  it("judges every action of a call, and the strictest answer wins in one entry", async () => {
    await using canopy = await openCanopy({ policy: shellPolicy, audit: log });
    const answer = await canopy.authorize({
      agentCtx: {},
      actions: [
        { actionType: "refund", payload: { id: 1 } },
        { actionType: "execute_shell", payload: { command: "curl" } },
      ],
      tool: { name: "refund_and_tell", args: { id: 1 }, callId: "call-1" },
    });
    expect(answer.decision).toBe("REQUIRE_APPROVAL");
    expect(answer.rules.map(({ id }) => id)).toEqual(["fetch"]);
    expect(answer.reason).toContain("execute_shell");
    const [entry] = await entries("decision");
    expect(entry).toMatchObject({
      actions: [{ decision: "ALLOW" }, { decision: "REQUIRE_APPROVAL" }],
      tool: { name: "refund_and_tell", call_id: "call-1" },
    });
  });

  it("asks for approval at least where a call holds more than its actions show", async () => {
    await using canopy = await openCanopy({ policy: shellPolicy, audit: log });
    const open = ["argument `mode` is neither bound nor ignored"];
    const answer = await canopy.authorize({ agentCtx: {}, actions: [{ actionType: "refund", payload: {}, open }] });
    expect(answer.decision).toBe("REQUIRE_APPROVAL");
    expect(answer.reason).toContain("`mode`");
    expect((await canopy.authorize({ agentCtx: {}, actions: [{ actionType: "unknown", payload: {}, open }] })).decision).toBe("DENY");
  });

  it("gives the same approval id for the same action of the same agent, and another for anything else", async () => {
    await using canopy = await openCanopy({ policy: shellPolicy, audit: log });
    const ask = async (agentCtx: object, payload: { command: string; env?: Record<string, string> }): Promise<unknown> => {
      const answer = await canopy.authorizeAction({ ...agentCtx }, "execute_shell", payload);
      return answer.decision === "REQUIRE_APPROVAL" ? answer.approvalId : undefined;
    };
    const first = await ask({ agent_id: "a", env: "dev" }, { command: "curl" });
    expect(first).toBeDefined();
    expect(await ask({ env: "dev", agent_id: "a" }, { command: "curl" })).toBe(first);
    expect(await ask({ agent_id: "b", env: "dev" }, { command: "curl" })).not.toBe(first);
    expect(await ask({ agent_id: "a", env: "dev" }, { command: "curl", env: { A: "1" } })).not.toBe(first);
  });

  it("names the action type that was probably meant", async () => {
    await using canopy = await openCanopy({ policy: shellPolicy, audit: log });
    const answer = await canopy.authorizeAction({}, "execute_shel", { command: "ls" });
    expect(answer.reason).toContain("so the default of the policy does; `");
    expect(answer.reason).toContain("did you mean `execute_shell`?");
  });

  it("denies after it was closed, and finishes what was under way", async () => {
    const canopy = await openCanopy({ policy: shellPolicy, audit: log });
    const underWay = [1, 2, 3].map(async () => await canopy.authorizeAction({}, "execute_shell", { command: "ls" }));
    await Promise.all([canopy.close(), canopy.close()]);
    expect((await Promise.all(underWay)).map(({ decision }) => decision)).toEqual(["ALLOW", "ALLOW", "ALLOW"]);
    expect(await canopy.authorizeAction({}, "execute_shell", { command: "ls" })).toMatchObject({ decision: "DENY", authorizationId: null });
    await expect(
      canopy.recordOutcome({ authorizationId: "x", traceId: "t", status: "success", outputHash: null, durationMs: 1 }),
    ).rejects.toMatchObject({
      code: "AUDIT_LOG_CLOSED",
    });
  });

  it("denies what it cannot put on record, whatever policy says", async () => {
    const broken = await openAuditLog({ path: log });
    await broken.close();
    const { policy } = createChecker({ policy: shellPolicy });
    const loaded = await createChecker({ policy: shellPolicy }).policy();
    expect(typeof policy).toBe("function");
    const canopy = new Canopy({
      policy: async () => await Promise.resolve(loaded),
      log: broken,
      approvals: null,
      mode: "observe",
      resolvePaths: true,
      ownFiles: () => [],
    });
    const answer = await canopy.authorizeAction({}, "execute_shell", { command: "ls" });
    expect(answer).toMatchObject({ decision: "DENY", authorizationId: null });
    expect(answer.reason).toContain("could not be put on record");
  });

  it("denies and records while no policy loads, and answers once one does", async () => {
    const file = join(folder, "policy.yaml");
    await writeFile(file, "version: 1\nrules: [{ action_type: execute_shell, decison: DENY }]");
    await expect(openCanopy({ policy: file, audit: log })).rejects.toMatchObject({ code: "POLICY_INVALID" });
    const { startCanopy } = await import("./open-canopy.ts");
    const { loadPolicyFrom } = await import("./policy-file.ts");
    await using canopy = await startCanopy({ audit: log }, async () => await loadPolicyFrom(file), new Set());
    const denied = await canopy.authorizeAction({}, "execute_shell", { command: "ls" });
    expect(denied).toMatchObject({ decision: "DENY", policyDigest: null });
    expect(denied.reason).toMatch(/no policy is in force: [^]*policy\.yaml:2:\d+: unknown key `decison`[^]*did you mean `decision`/);
    expect(denied.authorizationId).not.toBeNull();
    await writeFile(file, shellPolicy.text);
    expect((await canopy.authorizeAction({}, "execute_shell", { command: "ls" })).decision).toBe("ALLOW");
  });

  it("tries again to record the policy where that failed, and denies until it is on record", async () => {
    const memory = createMemoryAuditSink();
    let isFull = true;
    const sink: AuditSink = {
      append: async (body) =>
        isFull && body.type === "policy.loaded" ? await Promise.reject(new Error("full")) : await memory.append(body),
      close: async () => await memory.close(),
    };
    const loaded = await createChecker({ policy: shellPolicy }).policy();
    const canopy = new Canopy({ ...parts, policy: async () => await Promise.resolve(loaded), log: sink });
    const ask = async (): Promise<string> => (await canopy.authorizeAction({}, "execute_shell", { command: "ls" })).decision;
    expect([await ask(), await ask()]).toEqual(["DENY", "DENY"]);
    isFull = false;
    expect([await ask(), await ask()]).toEqual(["ALLOW", "ALLOW"]);
    expect(entriesOf(memory).map(({ type }) => type)).toEqual(["policy.loaded", "decision", "decision"]);
  });

  it("puts a policy in force only once it is on record, and keeps the one before where it cannot be", async () => {
    const memory = createMemoryAuditSink();
    let isFull = false;
    const sink: AuditSink = {
      append: async (body) => (isFull ? await Promise.reject(new Error("full")) : await memory.append(body)),
      close: async () => await memory.close(),
    };
    const [before, after] = await Promise.all(
      [shellPolicy, { name: "open.yaml", text: "default: ALLOW" }].map(async (policy) => await createChecker({ policy }).policy()),
    );
    const next = [before, after, after];
    const canopy = new Canopy({
      ...parts,
      policy: async () => await Promise.resolve(next.shift() ?? Promise.reject(new Error())),
      log: sink,
    });
    expect((await canopy.authorizeAction({}, "execute_shell", { command: "rm" })).decision).toBe("DENY");
    isFull = true;
    await expect(canopy.reloadPolicy()).rejects.toThrow("full");
    isFull = false;
    expect(await canopy.policy()).toBe(before);
    await canopy.reloadPolicy();
    expect(await canopy.policy()).toBe(after);
    const digests = entriesOf(memory).flatMap((entry) => (entry.type === "policy.loaded" ? entry["policy_digest"] : []));
    expect(digests).toEqual([before?.digest, after?.digest]);
  });

  it("keeps what a reload put in force while the first policy still failed to load", async () => {
    const loaded = await createChecker({ policy: shellPolicy }).policy();
    const { promise: first, reject: fail } = Promise.withResolvers<Policy>();
    const answers = [first, Promise.resolve(loaded)];
    const canopy = new Canopy({
      ...parts,
      policy: async () => await (answers.shift() ?? Promise.reject(new Error("asked once too often"))),
      log: createMemoryAuditSink(),
    });
    const asked = canopy.policy();
    await canopy.reloadPolicy();
    fail(new Error("too late"));
    await expect(asked).rejects.toThrow("too late");
    expect(await canopy.policy()).toBe(loaded);
  });

  it("records how an allowed call ended, linked to its decision", async () => {
    await using canopy = await openCanopy({ policy: shellPolicy, audit: log });
    const { authorizationId, traceId } = await canopy.authorizeAction({}, "execute_shell", { command: "ls" });
    await canopy.recordOutcome({ authorizationId: authorizationId ?? "", traceId, status: "error", outputHash: null, durationMs: 12.5 });
    expect(await entries("outcome")).toMatchObject([
      { authorization_id: authorizationId, trace_id: traceId, status: "error", duration_ms: 12.5 },
    ]);
    const again = { authorizationId: authorizationId ?? "", traceId, outputHash: null, durationMs: 0 };
    await canopy.recordOutcome({ ...again, status: "error", errorClass: "TypeError" });
    await canopy.recordOutcome({ ...again, status: "error", errorClass: "could not read /etc/shadow" });
    await canopy.recordOutcome({ ...again, status: "not_run" });
    const [, typed, messy, none] = await entries("outcome");
    expect([typed?.["error_class"], messy?.["error_class"], none?.["status"]]).toEqual(["TypeError", undefined, "not_run"]);
  });
});

describe("an outcome", () => {
  it.each([[null], [{}], [{ authorizationId: 5, traceId: "t" }], [{ authorizationId: "", traceId: "t" }], [{ authorizationId: "1-a" }]])(
    "that names no decision is refused: %j",
    async (outcome) => {
      await using canopy = await openCanopy({ policy: shellPolicy, audit: log });
      await expect(canopy.recordOutcome(outcome as unknown as Outcome)).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
      expect(await entries("outcome")).toEqual([]);
    },
  );
});

describe("the bundled policy in a runtime", () => {
  it("takes a symlink for what it leads to", async () => {
    await using canopy = await openCanopy({ audit: log });
    const safe = join(folder, "safe");
    await mkdir(safe);
    await symlink("/etc", join(safe, "door"));
    const context = { cwd: safe, home: "/home/agent", safe_paths: [safe] };
    expect((await canopy.authorizeAction(context, "modify_file", { path: "notes.txt" })).decision).toBe("ALLOW");
    expect((await canopy.authorizeAction(context, "modify_file", { path: "door/cron.d/x" })).decision).toBe("DENY");
    const [, entry] = await entries("decision");
    expect(entry).toMatchObject({ details: { disk: { [join(safe, "door", "cron.d", "x")]: { real: "/etc/cron.d/x" } } } });
  });

  it("goes up from where a link leads to, as the system does, and not from where the link stands", async () => {
    const safe = join(folder, "safe");
    await mkdir(safe);
    await symlink("/etc/ssl", join(safe, "link"));
    await using canopy = await openCanopy({ audit: log });
    const context = { cwd: safe, safe_paths: [safe] };
    expect((await canopy.authorizeAction(context, "modify_file", { path: "link/../passwd" })).decision).toBe("DENY");
    expect((await canopy.authorizeAction(context, "execute_shell", { command: "echo x > link/../passwd" })).decision).toBe("DENY");
    expect((await canopy.authorizeAction(context, "modify_file", { path: "none/../notes.txt" })).decision).toBe("ALLOW");
  });

  it("asks about a file that has another name, which may stand anywhere", async () => {
    const safe = join(folder, "safe");
    await mkdir(safe);
    await writeFile(join(folder, "elsewhere.txt"), "");
    await link(join(folder, "elsewhere.txt"), join(safe, "notes.txt"));
    await using canopy = await openCanopy({ audit: log });
    const context = { cwd: safe, safe_paths: [safe] };
    expect((await canopy.authorizeAction(context, "modify_file", { path: "notes.txt" })).decision).toBe("REQUIRE_APPROVAL");
  });

  it("looks anew at each call, so that what was a file and is a link now is judged as the link", async () => {
    const safe = join(folder, "safe");
    await mkdir(safe);
    await writeFile(join(safe, "notes.txt"), "");
    await using canopy = await openCanopy({ audit: log });
    const ask = async (): Promise<string> =>
      (await canopy.authorizeAction({ cwd: safe, safe_paths: [safe] }, "modify_file", { path: "notes.txt" })).decision;
    expect(await ask()).toBe("ALLOW");
    await rm(join(safe, "notes.txt"));
    await symlink("/etc/passwd", join(safe, "notes.txt"));
    expect(await ask()).toBe("DENY");
    await rm(join(safe, "notes.txt"));
    await writeFile(join(safe, "notes.txt"), "");
    expect(await ask()).toBe("ALLOW");
  });

  it("takes a symlink in a command for what it leads to", async () => {
    await using canopy = await openCanopy({ audit: log });
    const safe = join(folder, "safe");
    await mkdir(safe);
    await writeFile(join(safe, "notes.txt"), "n");
    await symlink("/etc/shadow", join(safe, "readme.txt"));
    await symlink("/etc", join(safe, "build"));
    const context = { cwd: safe, home: "/home/agent", safe_paths: [safe] };
    expect((await canopy.authorizeAction(context, "execute_shell", { command: "cat notes.txt" })).decision).toBe("ALLOW");
    expect((await canopy.authorizeAction(context, "execute_shell", { command: "cat readme.txt" })).decision).toBe("REQUIRE_APPROVAL");
    expect((await canopy.authorizeAction(context, "execute_shell", { command: "rm -rf build/cron.d" })).decision).toBe("DENY");
    expect((await canopy.authorizeAction(context, "execute_shell", { command: "echo x > build/passwd" })).decision).toBe("DENY");
  });

  it("keeps the agent from its own log and policy, whatever they are called", async () => {
    const elsewhere = join(folder, "records.jsonl");
    const file = join(folder, "rules.txt");
    await writeFile(file, "version: 1\nextends: [canopy:default]\n");
    await using canopy = await openCanopy({ policy: file, audit: elsewhere });
    const context = { cwd: folder, safe_paths: [folder] };
    const beside = ["lock", "head", "tree", "checkpoint", "new", "000000000000", "torn-20260101", "broken-20260101/records.jsonl"];
    for (const path of [elsewhere, ...beside.map((name) => `${elsewhere}.${name}`), file, "records.jsonl"]) {
      expect((await canopy.authorizeAction(context, "modify_file", { path })).decision, path).toBe("DENY");
      expect((await canopy.authorizeAction(context, "delete_file", { path })).decision, path).toBe("DENY");
    }
  });
});

describe("Canopy's own files", () => {
  it("include the files that the policy extends, in a runtime and in a checker", async () => {
    const root = join(folder, "rules.yaml");
    const base = join(folder, "team", "base.yaml");
    await mkdir(join(folder, "team"));
    await writeFile(base, "version: 1\nextends: [canopy:default]\n");
    await writeFile(root, "version: 1\nextends: [team/base.yaml]\n");
    const agentCtx = { cwd: folder, safe_paths: [folder] };
    await using canopy = await openCanopy({ policy: root, audit: log });
    const checker = createChecker({ policy: root });
    for (const path of [root, base]) {
      for (const [actionType, payload] of [
        ["modify_file", { path, content: "version: 1\ndefault: ALLOW\n" }],
        ["execute_shell", { command: `echo 'default: ALLOW' >> ${path}` }],
      ] as const) {
        expect((await canopy.authorizeAction(agentCtx, actionType, payload)).decision, `${actionType} ${path}`).toBe("DENY");
        expect((await checker.check({ agentCtx, actions: [{ actionType, payload }] })).decision, `${actionType} ${path}`).toBe("DENY");
      }
    }
  });

  it("may be pipes that nobody writes to, and nothing waits for them", async () => {
    const first = await openCanopy({ policy: shellPolicy, audit: log });
    await first.authorizeAction({}, "execute_shell", { command: "ls" });
    await first.close();
    await rm(`${log}.head`);
    execFileSync("mkfifo", [`${log}.head`]);
    expect(await verifyAuditLog(log)).toMatchObject({ kind: "valid", head: "damaged" });
    await using canopy = await openCanopy({ policy: shellPolicy, audit: log });
    await rm(log);
    execFileSync("mkfifo", [log]);
    expect(await canopy.authorizeAction({}, "execute_shell", { command: "ls" })).toMatchObject({ decision: "DENY" });
    await expect(openCanopy({ policy: shellPolicy, audit: log })).rejects.toMatchObject({ code: "AUDIT_LOG_UNAVAILABLE" });
  });
});

describe("openCanopy", () => {
  it.each([
    [{ polcy: "x" }, "unknown option `polcy`, did you mean `policy`?"],
    [{ mode: "observ" }, "unknown mode `observ`"],
    [{ resolvePaths: "no" }, "`resolvePaths` is true or false"],
    [{ policy: null }, "`policy` is not"],
    [{ policy: 5 }, "`policy` is not"],
    [{ policy: "" }, "`policy` is not"],
    [{ policy: { name: "x" } }, "`policy` is not"],
    [{ audit: null }, "`audit` is not"],
    [{ audit: 5 }, "`audit` is not"],
    [{ audit: "" }, "`audit` is not"],
    [{ audit: { path: null } }, "`path` is not the name of a file"],
    [{ audit: { path: "" } }, "`path` is not the name of a file"],
    [{ audit: { pth: "x" } }, "the audit log has no option `pth`"],
    [{ audit: { redact: { comit: ["token"] } } }, "`redact` has no option `comit`"],
    [{ audit: { redact: null } }, "the options of `redact` are not an object"],
  ])("refuses the options %j", async (options, message) => {
    const opening = openCanopy({ audit: log, ...options } as object);
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toBeInstanceOf(CanopyError);
  });

  it("refuses a policy that is not there, a directory, and one that is not text", async () => {
    await expect(openCanopy({ policy: join(folder, "none.yaml"), audit: log })).rejects.toThrow("there is no such file");
    await expect(openCanopy({ policy: folder, audit: log })).rejects.toThrow("is not a file");
    await writeFile(join(folder, "latin.yaml"), Buffer.from([0x61, 0xe4, 0x0a]));
    await expect(openCanopy({ policy: join(folder, "latin.yaml"), audit: log })).rejects.toThrow("it is not UTF-8");
  });
});

describe("a host's tests", () => {
  afterEach(() => vi.useRealTimers());

  it("get their answers with a clock that stands still", async () => {
    vi.useFakeTimers();
    await using canopy = await openCanopy({ policy: shellPolicy, audit: log });
    const { decision } = await canopy.authorizeAction({}, "execute_shell", { command: "ls" });
    expect(decision).toBe("ALLOW");
  });
});
