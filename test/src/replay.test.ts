import { mkdtemp, mkdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createChecker, openCanopy, replayAuditLog, verifyAuditLog } from "@canopy-runtime/core";
import type { AgentContext, AuthorizationRequest, Decision } from "@canopy-runtime/core";
import { afterAll, beforeAll, expect, test } from "vitest";

const decisions = process.env["CANOPY_TEST_LONG"] === "1" ? 100_000 : 2000;

/** Numbers that look random and are the same in every run (a linear congruential generator). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const oldPolicies = [
  { name: "bundled.yaml", text: "version: 1\nextends: [canopy:default]\n" },
  {
    name: "strict.yaml",
    text: `version: 1
default: DENY
extends: [canopy:default]
rules:
  - { id: prod-asks, action_type: "*", require_approval: true, when_all: ['agent_ctx.env == "production"'] }
  - { id: big, action_type: refund, deny: true, when_all: ["payload.amount > 300"] }
  - { id: little, action_type: refund, allow: true, when_all: ["payload.amount <= 300"] }
`,
  },
  {
    name: "own.yaml",
    text: `version: 1
default: ALLOW
rules:
  - { id: no-rm, action_type: execute_shell, deny: true, when_all: ['shell(payload.command).programs.exists(p, p == "rm")'] }
  - { id: no-secrets, action_type: modify_file, deny: true, when_all: ['payload.content contains "password"'] }
`,
  },
];

const tried = {
  name: "tried.yaml",
  text: `version: 1
extends: [canopy:default]
except:
  api-unlisted: ['url(payload.url).host_in(["api.example.com"])']
rules:
  - { id: own-api, action_type: call_external_api, allow: true, when_all: ['url(payload.url).host_in(["api.example.com"])'] }
  - { id: no-git, action_type: execute_shell, deny: true, when_all: ['shell(payload.command).programs.exists(p, p == "git")'] }
  - { id: refunds, action_type: refund, allow: true, when_all: ["payload.amount < 400"] }
  - { id: content, action_type: modify_file, require_approval: true, when_all: ['agent_ctx.agent_id == "b"', 'payload.content contains "export"'] }
`,
};

let folder = "";
let work = "";

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "canopy-replay-")));
  work = join(folder, "work");
  await mkdir(work);
  await writeFile(join(folder, "outside.txt"), "");
  await symlink(join(folder, "outside.txt"), join(work, "link"));
});

afterAll(async () => await rm(folder, { recursive: true, force: true }));

function makeRequest(random: (below: number) => number): AuthorizationRequest {
  const pick = <T>(items: readonly [T, ...T[]]): T => items[random(items.length)] ?? items[0];
  const agentCtx: AgentContext = {
    agent_id: pick(["a", "b", "c"]),
    env: pick(["production", "staging", "dev"]),
    cwd: work,
    home: "/home/agent",
    safe_paths: pick<readonly string[]>([[work], [], ["/tmp"]]),
  };
  const action = (): { actionType: string; payload: object; open?: readonly string[] } => {
    switch (random(8)) {
      case 0:
        return {
          actionType: "execute_shell",
          payload: { command: pick(["ls -la", "git status", "git push", "rm -rf build", "rm x", "$CMD", "cat link", "cat *"]) },
        };
      case 1:
        return { actionType: "read_file", payload: { path: pick(["src/a.ts", "link", "../outside.txt", "/etc/shadow", "~/.ssh/id_rsa"]) } };
      case 2:
        return {
          actionType: "modify_file",
          payload: { path: pick(["a.ts", "link", "package.json", "/etc/passwd"]), content: pick(["export {}", "password", "x"]) },
        };
      case 3:
        return { actionType: "delete_file", payload: { path: pick(["a.ts", "link", "/srv/x"]) } };
      case 4:
        return {
          actionType: "call_external_api",
          payload: {
            url: pick(["https://api.example.com/v1", "http://10.0.0.1/", "https://other.example/"]),
            ...(random(3) === 0 ? { headers: { authorization: "Bearer secret" } } : {}),
          },
        };
      case 5:
        return {
          actionType: "execute_query",
          payload: { query: pick(["SELECT 1", "DROP TABLE x", "DELETE FROM t WHERE id = 1"]), dialect: pick(["postgres", "sqlite"]) },
        };
      case 6:
        return { actionType: "refund", payload: { amount: random(600) } };
      default:
        return { actionType: "read_file", payload: { path: "a.ts" }, open: ["argument `mode` is neither bound nor ignored"] };
    }
  };
  const first = action();
  const more = random(6) === 0 ? [action()] : [];
  const tool = random(3) === 0 ? { tool: { name: "bash", args: { cmd: "ls", content: "secret" } } } : {};
  return { agentCtx, actions: [first, ...more], ...tool };
}

/** A log of several agents, policies and modes, through the real engine; beside it what was asked, in order. */
async function writeLog(path: string): Promise<readonly { readonly request: AuthorizationRequest; readonly answer: Decision }[]> {
  const random = numbers(7);
  const asked: { request: AuthorizationRequest; answer: Decision }[] = [];
  const rounds = 5;
  for (let round = 0; round < rounds; round += 1) {
    const policy = oldPolicies[round % oldPolicies.length] ?? oldPolicies[0];
    const mode = round % 2 === 0 ? "enforce" : "observe";
    await using canopy = await openCanopy({
      ...(policy === undefined ? {} : { policy }),
      mode,
      approvals: false,
      audit: { path, durability: "os", segmentBytes: 1024 * 1024 },
    });
    for (let from = 0; from < decisions / rounds; from += 100) {
      const requests = Array.from({ length: Math.min(100, decisions / rounds - from) }, () => makeRequest(random));
      const answers = await Promise.all(requests.map(async (request) => await canopy.authorize(request)));
      for (const [index, request] of requests.entries()) {
        const answer = answers[index];
        if (answer !== undefined) asked.push({ request, answer: answer.would ?? answer.decision });
      }
    }
  }
  return asked;
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

test(
  `replaying ${decisions} decisions agrees with asking anew for each, whatever is redacted, and changes nothing`,
  { timeout: 1_200_000 },
  async () => {
    const path = join(folder, "audit.log");
    const asked = await writeLog(path);
    expect(asked).toHaveLength(decisions);

    const reproduced = await replayAuditLog(path);
    expect(reproduced).toMatchObject({ decisions, changes: [], strangeLines: 0 });
    expect(reproduced.same).toBe(reproduced.judged);
    // Only what a condition asks for is missed: the content of files under `own.yaml`, and the headers of calls.
    expect(reproduced.judged).toBe(decisions - reproduced.apart.redacted);
    expect(reproduced.apart.redacted).toBeLessThan(decisions / 5);
    expect(reproduced.judgedRedacted).toBeGreaterThan(decisions / 50);

    // The same requests, asked anew of the new policy, with nothing redacted and the disk as it was.
    const report = await replayAuditLog(path, { policy: tried, samples: decisions > 10_000 ? 3 : 1000 });
    const checker = createChecker({ policy: tried });
    const expected = new Map<string, number>();
    for (const { request, answer } of asked) {
      const { decision } = await checker.check(request);
      if (decision !== answer) expected.set(`${answer} → ${decision}`, (expected.get(`${answer} → ${decision}`) ?? 0) + 1);
    }
    const found = new Map<string, number>();
    for (const { from, to, count } of report.changes) found.set(`${from} → ${to}`, (found.get(`${from} → ${to}`) ?? 0) + count);
    expect(report.judged + report.apart.redacted).toBe(decisions);
    expect(total(found) + report.same).toBe(report.judged);
    // Each that was set apart may or may not have changed: no more may be missing than those, of any kind.
    for (const [change, count] of expected) {
      expect([change, (found.get(change) ?? 0) <= count, count - (found.get(change) ?? 0) <= report.apart.redacted]).toEqual([
        change,
        true,
        true,
      ]);
    }
    expect([...found.keys()].filter((change) => !expected.has(change))).toEqual([]);
    expect(total(expected)).toBeGreaterThan(decisions / 20);

    // Where nothing is left out of the log, the counts are the same to the last one.
    const open = join(folder, "open.log");
    const again = await rewrite(open, asked);
    const whole = await replayAuditLog(open, { policy: tried });
    const exact = new Map<string, number>();
    for (const { from, to, count } of whole.changes) exact.set(`${from} → ${to}`, (exact.get(`${from} → ${to}`) ?? 0) + count);
    expect(whole.apart.redacted).toBe(0);
    expect(exact).toEqual(again);
    expect(await verifyAuditLog(path)).toMatchObject({ kind: "valid" });
  },
);

/** The same requests into a log that keeps everything; what a checker answers otherwise under the new policy, counted. */
async function rewrite(path: string, asked: readonly { readonly request: AuthorizationRequest }[]): Promise<ReadonlyMap<string, number>> {
  const redact = { keep: ["content", "body", "authorization"] };
  const expected = new Map<string, number>();
  const some = asked.slice(0, decisions > 10_000 ? 20_000 : 1000);
  const checker = createChecker({ policy: tried });
  await using canopy = await openCanopy({ policy: "canopy:default", approvals: false, audit: { path, durability: "os", redact } });
  for (let from = 0; from < some.length; from += 100) {
    const requests = some.slice(from, from + 100);
    const answers = await Promise.all(requests.map(async ({ request }) => await canopy.authorize(request)));
    for (const [index, { request }] of requests.entries()) {
      const { decision } = await checker.check(request);
      const change = `${answers[index]?.decision ?? ""} → ${decision}`;
      if (answers[index]?.decision !== decision) expected.set(change, (expected.get(change) ?? 0) + 1);
    }
  }
  return expected;
}
