import { mkdir, readFile, rename, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { verifyAuditLog } from "../audit/index.ts";
import { openCanopy } from "../runtime/open-canopy.ts";
import { replayAuditLog } from "./replay.ts";
import type { ReplayReport } from "./replay.ts";
import { forge, record, temporaryFolder } from "./replay.test.fixture.ts";
import type { Asked } from "./replay.test.fixture.ts";

const shop = {
  name: "shop.yaml",
  text: `version: 1
extends: [canopy:default]
rules:
  - { id: small-refund, action_type: refund, allow: true, when_all: ["payload.amount < 50"], reason: "{payload.amount} is little" }
  - { id: large-refund, action_type: refund, deny: true, when_all: ["payload.amount > 500"] }
`,
};
const stricter = {
  name: "stricter.yaml",
  text: `${shop.text}  - { id: no-refunds, action_type: refund, deny: true, when_all: ["agent_ctx.env == 'production'"] }\n`,
};

const asked: readonly Asked[] = [
  ["refund", { amount: 20 }, { agent_id: "a", env: "production" }],
  ["refund", { amount: 100 }, { agent_id: "a", env: "dev" }],
  ["refund", { amount: 1000 }, { agent_id: "a", env: "dev" }],
  ["refund", { amount: 30 }, { agent_id: "b", env: "dev" }],
  ["execute_shell", { command: "ls -la" }],
  ["execute_shell", { command: "rm -rf /" }],
  ["call_external_api", { url: "https://api.example.com/v1" }],
  ["execute_query", { query: "SELECT 1", dialect: "postgres" }],
];

/** All that is set apart, without the zeros. */
function apart({ apart: all }: ReplayReport): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
}

describe("replaying a log under the policies that made it", () => {
  it("answers every decision as it was answered, also of several policies, of many parts, and in observe mode", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    await record(path, asked, { policy: shop });
    await record(path, asked, { policy: stricter, mode: "observe" });
    await record(path, asked);
    const before = await readFile(path);
    const report = await replayAuditLog(path);
    expect(report).toMatchObject({
      kind: "reproduce",
      decisions: 24,
      judged: 24,
      same: 24,
      changes: [],
      policyDigest: null,
      strangeLines: 0,
    });
    expect(apart(report)).toEqual({});
    expect(await readFile(path)).toEqual(before);
  });

  it("is a defect where the recorded answer is another than the policy gives, and the entry is named", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    await record(path, asked, { policy: shop });
    await forge(path, (entry) => ({ ...entry, ...(JSON.stringify(entry).includes("rm -rf /") ? { decision: "ALLOW" } : {}) }));
    const report = await replayAuditLog(path);
    expect(report).toMatchObject({ decisions: 8, judged: 8, same: 7 });
    const seq = (await readFile(path, "utf8")).split("\n").findIndex((line) => line.includes('"rm -rf /"'));
    expect(report.changes).toMatchObject([
      { from: "ALLOW", to: "DENY", actionTypes: ["execute_shell"], count: 1, samples: [{ seq, about: "rm -rf /" }] },
    ]);
  });

  it("is a defect where only the rules differ, or only the reason", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    await record(path, asked.slice(0, 2), { policy: shop });
    await forge(path, (entry) => {
      if (entry["type"] !== "decision") return entry;
      return entry["decision"] === "ALLOW"
        ? { ...entry, reason: "2000 is little" }
        : { ...entry, rules: [{ id: "x", decision: "DENY", file: "f", line: 1 }] };
    });
    const { changes } = await replayAuditLog(path);
    expect(changes.map(({ from, to, recordedRules, rules }) => [from, to, recordedRules, rules])).toEqual([
      ["ALLOW", "ALLOW", ["small-refund"], ["small-refund"]],
      ["REQUIRE_APPROVAL", "REQUIRE_APPROVAL", ["x"], []],
    ]);
  });

  it("is none where a policy was only laid out anew, although its rules stand on other lines", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    await record(path, asked, { policy: shop });
    await record(path, asked, { policy: { name: "moved.yaml", text: shop.text.replace("version: 1", "# moved\n\nversion: 1") } });
    expect(await replayAuditLog(path)).toMatchObject({ decisions: 16, same: 16, changes: [] });
  });

  it("takes what the disk said from the log, and never looks at the disk of today", async () => {
    const folder = await temporaryFolder();
    const [path, link, inside] = [join(folder, "audit.log"), join(folder, "work", "link"), join(folder, "work")];
    await mkdir(inside);
    await writeFile(join(folder, "elsewhere"), "");
    await symlink(join(folder, "elsewhere"), link);
    const agentCtx = { cwd: inside, home: folder, safe_paths: [inside] };
    const read: Asked = ["read_file", { path: "link" }, agentCtx];
    await record(path, [read]);
    await unlink(link);
    await record(path, [read]);
    // As if the link were back: what was answered without it is still what is reproduced.
    await symlink(join(folder, "elsewhere"), link);
    expect(await replayAuditLog(path)).toMatchObject({ decisions: 2, same: 2, changes: [] });
    const allowed = {
      name: "all.yaml",
      text: `version: 1\nrules: [{ id: in-work, action_type: read_file, allow: true, when_all: ['path(payload.path).within("${inside}")'] }]`,
    };
    const { changes, same } = await replayAuditLog(path, { policy: allowed });
    expect({ changes, same }).toMatchObject({ changes: [], same: 2 });
  });

  it("knows which files were Canopy's own, wherever the log is read", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "trail.jsonl");
    await writeFile(join(folder, "rules.yaml"), shop.text);
    const agentCtx = { cwd: folder, home: folder, safe_paths: [folder] };
    const touch: readonly Asked[] = ["trail.jsonl", "rules.yaml", "trail.jsonl.head", "other.txt"].map((name) => [
      "modify_file",
      { path: name },
      agentCtx,
    ]);
    await record(path, touch, { policy: join(folder, "rules.yaml") });
    await mkdir(join(folder, "archive"));
    await rename(path, join(folder, "archive", "trail.jsonl"));
    const report = await replayAuditLog(join(folder, "archive", "trail.jsonl"));
    expect(report).toMatchObject({ decisions: 4, same: 4, changes: [] });
    await forge(join(folder, "archive", "trail.jsonl"), (entry) => (entry["type"] === "host.files" ? null : entry));
    expect(apart(await replayAuditLog(join(folder, "archive", "trail.jsonl")))).toEqual({ files_unknown: 4 });
  });

  it("sets apart what it cannot know: other engines, lost policies, no policy, refused requests", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    await record(path, [...asked, ["refund", { amount: 1n }], ["refund", { amount: Number.NaN }]], { policy: shop });
    expect(apart(await replayAuditLog(path))).toEqual({ refused: 2 });
    await forge(path, (entry) => ({
      ...entry,
      ...(entry["seq"] === 9 ? { engine: "9.9.9" } : entry["seq"] === 10 ? { policy_digest: null } : {}),
    }));
    expect(apart(await replayAuditLog(path))).toEqual({ refused: 2, other_engine: 1, no_policy: 1 });
    // Any change to the text of the policy gives another digest.
    await forge(path, (entry) => ({
      ...entry,
      ...(typeof entry["text"] === "string" ? { text: entry["text"].replace("500", "600") } : {}),
    }));
    expect(apart(await replayAuditLog(path))).toEqual({ refused: 2, other_engine: 1, no_policy: 1, policy_unknown: 6 });
  });

  it("reads through the segments of a log, each of which holds what its decisions rest on", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "audit.log");
    for (let round = 0; round < 3; round += 1) {
      await record(path, asked, { policy: shop, audit: { path, durability: "os", segmentBytes: 65_536 * 2 } });
      await record(
        path,
        Array.from({ length: 150 }, (_, index) => ["refund", { amount: index }, { env: "dev" }]),
        {
          policy: stricter,
          audit: { path, durability: "os", segmentBytes: 65_536 * 2 },
        },
      );
    }
    expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid" });
    expect(await replayAuditLog(path)).toMatchObject({ decisions: 474, same: 474, changes: [] });
    const last = join(folder, "last", "audit.log");
    await mkdir(join(folder, "last"));
    await rename(path, last);
    const { decisions, same, apart: others } = await replayAuditLog(last);
    expect(decisions).toBeLessThan(474);
    // The decision with which a segment begins may stand before what is recorded anew for it.
    expect(same + others.policy_unknown).toBe(decisions);
    expect(others.policy_unknown).toBeLessThanOrEqual(1);
  });
});

describe("decisions that people had a part in", () => {
  const policy = { name: "p.yaml", text: "version: 1\nrules: [{ id: big, action_type: refund, require_approval: true }]\n" };

  it("are judged as policy judged them: approved, refused by a person, and asked about for the first time and again", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    {
      await using canopy = await openCanopy({ policy, audit: { path, durability: "os" } });
      const ask = async (amount: number): Promise<string> => {
        const result = await canopy.authorizeAction({ agent_id: "a" }, "refund", { amount });
        return result.decision === "REQUIRE_APPROVAL" ? result.approvalId : result.decision;
      };
      const [yes, no] = [await ask(1), await ask(2)];
      await canopy.approvals.decide(yes, { decision: "approve", by: "Ann" });
      await canopy.approvals.decide(no, { decision: "deny", by: "Ann", note: "ask first" });
      expect([await ask(1), await ask(2)]).toEqual(["ALLOW", "DENY"]);
      await ask(1);
    }
    expect(await replayAuditLog(path)).toMatchObject({ decisions: 5, judged: 5, same: 5, changes: [] });
    const denied = { ...policy, text: policy.text.replace("require_approval", "deny") };
    expect((await replayAuditLog(path, { policy: denied })).changes).toMatchObject([{ from: "REQUIRE_APPROVAL", to: "DENY", count: 5 }]);
    // Recorded before there was a word for it.
    await forge(path, ({ judged: _judged, ...entry }) => entry);
    expect((await replayAuditLog(path, { filter: { decision: "ALLOW" } })).same).toBe(1);
  });
});

describe("values that are redacted", () => {
  const agentCtx = { cwd: "/srv/app", home: "/home/agent", safe_paths: ["/srv/app"] };

  it("do not keep a decision from being judged that does not ask for them", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    await record(path, [
      ["modify_file", { path: "src/a.ts", content: "secret" }, agentCtx],
      ["modify_file", { path: "/etc/passwd", content: "secret" }, agentCtx],
    ]);
    expect(await replayAuditLog(path)).toMatchObject({ judged: 2, same: 2, judgedRedacted: 2 });
  });

  it.each([
    'payload.content == "x"',
    'payload contains "x"',
    "has(payload.content)",
    "size(payload.content) > 3",
    "payload.nested.list[1].body > 3",
    'payload.nested.list.exists(l, l.body == "x")',
    "url(payload.url).internal",
  ])("set a decision apart that rests on them: %s", async (condition) => {
    const path = join(await temporaryFolder(), "audit.log");
    const policy = {
      name: "p.yaml",
      text: `version: 1\nrules: [{ id: reads, action_type: mine, deny: true, when_all: ['${condition}'] }]`,
    };
    const payload = { content: "x", url: "https://a.example/", headers: { authorization: "Bearer 1" }, nested: { list: [1, { body: 4 }] } };
    await record(path, [["mine", payload, agentCtx]], { policy });
    expect(apart(await replayAuditLog(path))).toEqual({ redacted: 1 });
    expect(apart(await replayAuditLog(path, { policy: { ...policy, text: policy.text.replace("deny", "require_approval") } }))).toEqual({
      redacted: 1,
    });
  });

  it("set a decision apart where a whole payload, the context or what the disk said is committed", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    const long = "x".repeat(70_000);
    await record(path, [
      ["mine", Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`k${index}`, "y".repeat(2000)])), agentCtx],
      ["mine", { a: 1 }, Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`k${index}`, "y".repeat(2000)]))],
      ["mine", { a: long }, agentCtx],
    ]);
    const report = await replayAuditLog(path);
    expect(report.judged + (report.apart.redacted ?? 0)).toBe(3);
    expect(report.apart.redacted).toBeGreaterThanOrEqual(2);
    expect(report.changes).toEqual([]);
  });
});

describe("what another policy would answer", () => {
  it("is grouped by what changes, by action type and by the rules before and after, with samples", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    await record(path, [...asked, ...asked], { policy: shop });
    const loose = {
      name: "loose.yaml",
      text: "version: 1\ndefault: DENY\nrules:\n  - { id: every-refund, action_type: refund, allow: true }\n",
    };
    const report = await replayAuditLog(path, { policy: loose, samples: 1 });
    expect(report).toMatchObject({ kind: "what_if", decisions: 16, judged: 16, same: 6 });
    expect(report.policyDigest).toMatch(/^[0-9a-f]{64}$/);
    const rows = report.changes.map(({ from, to, actionTypes, recordedRules, rules, count, samples }) => [
      `${from} → ${to}`,
      actionTypes.join(),
      recordedRules.join(),
      rules.join(),
      count,
      samples.length,
    ]);
    expect(rows).toHaveLength(5);
    expect(rows).toEqual(
      expect.arrayContaining([
        ["DENY → ALLOW", "refund", "large-refund", "every-refund", 2, 1],
        ["REQUIRE_APPROVAL → ALLOW", "refund", "", "every-refund", 2, 1],
        ["ALLOW → DENY", "execute_shell", "shell-read-only", "", 2, 1],
        ["REQUIRE_APPROVAL → DENY", "call_external_api", "api-unlisted", "", 2, 1],
        ["ALLOW → DENY", "execute_query", "sql-read", "", 2, 1],
      ]),
    );
  });

  it("compares with what policy answered, where the runtime only observed", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    await record(path, asked, { policy: shop, mode: "observe" });
    expect(await replayAuditLog(path, { policy: shop })).toMatchObject({ judged: 8, same: 8 });
  });

  it("says how many of the answers were given by another version of the engine", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    await record(path, asked, { policy: shop });
    await forge(path, (entry) => (entry["action_type"] === "refund" ? { ...entry, engine: "0.0.1" } : entry));
    expect(await replayAuditLog(path, { policy: shop })).toMatchObject({ judged: 8, judgedOtherEngine: 4 });
    expect(await replayAuditLog(path)).toMatchObject({ judged: 4, judgedOtherEngine: 0 });
  });

  it("is asked only of the decisions that the filter wants, by the policies that stand before them", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    await record(path, asked, { policy: shop });
    expect(await replayAuditLog(path, { filter: { actionType: "refund" } })).toMatchObject({ decisions: 4, judged: 4 });
    expect(await replayAuditLog(path, { filter: { decision: "DENY" } })).toMatchObject({ decisions: 2, judged: 2 });
    expect(await replayAuditLog(path, { filter: { since: new Date(Date.now() + 60_000) } })).toMatchObject({ decisions: 0, judged: 0 });
    expect(await replayAuditLog(path, { filter: { type: "outcome" } })).toMatchObject({ decisions: 0 });
  });

  it("is not given for a policy that does not load, a log that is not there, or samples that are no count", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    await record(path, asked, { policy: shop });
    await expect(replayAuditLog(path, { policy: { name: "p", text: "nonsense: [" } })).rejects.toMatchObject({ code: "POLICY_INVALID" });
    await expect(replayAuditLog(`${path}.none`)).rejects.toMatchObject({ code: "AUDIT_LOG_UNAVAILABLE" });
    await expect(replayAuditLog(path, { samples: -1 })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  });

  it("tells how far it is, and stops when it is aborted", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    await record(
      path,
      Array.from({ length: 1200 }, (_, index) => ["refund", { amount: index }]),
      { policy: shop },
    );
    const heard: (readonly [number, number])[] = [];
    const abort = new AbortController();
    const onProgress = (bytes: number, ofBytes: number): void => {
      heard.push([bytes, ofBytes]);
      abort.abort();
    };
    const { decisions } = await replayAuditLog(path, { onProgress, signal: abort.signal });
    expect(heard).toHaveLength(1);
    expect(heard[0]?.[0]).toBeLessThan(heard[0]?.[1] ?? 0);
    expect(decisions).toBeLessThan(1200);
  });
});
