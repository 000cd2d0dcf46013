import { readFileSync, writeFileSync } from "node:fs";
import { chmod, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { openAuditLog } from "@canopy-runtime/core";
import { describe, expect, it, vi } from "vitest";

import { shell, temporaryFolder, testGateway, testPolicy } from "../gateway.test.fixture.ts";

const ready = { ready: true, policy: "in force", log: "verified", keys: "readable", stopping: false };
const patience = { timeout: 30_000, interval: 100 };

describe("health and readiness", () => {
  it("say that it answers, and that policy, log and keys are as they should be, without a key and without a name", async () => {
    const { get } = await testGateway();
    expect(await get("/healthz", { key: null })).toMatchObject({ status: 200, json: { ok: true } });
    await vi.waitFor(async () => expect(await get("/readyz", { key: null })).toMatchObject({ status: 200, json: ready }), patience);
  });

  it("is not ready where the log is not sound, although its end is", async () => {
    const path = join(await temporaryFolder(), "audit.log");
    const first = await openAuditLog({ path });
    for (let count = 0; count < 5; count += 1) await first.append({ type: "approval.test", note: `entry ${count}` });
    await first.close();
    writeFileSync(path, readFileSync(path, "utf8").replace("entry 1", "entry 9"));
    const { get } = await testGateway({ audit: path });
    await vi.waitFor(
      async () => expect(await get("/readyz")).toMatchObject({ status: 503, json: { ready: false, log: "not sound" } }),
      patience,
    );
  });

  it("is not ready where the log cannot be written, denies meanwhile, and is ready again when it can", async () => {
    const { get, post, log } = await testGateway();
    await vi.waitFor(async () => expect((await get("/readyz")).status).toBe(200), patience);
    await rename(log, `${log}.away`);
    expect((await post("/authorize_action", shell("ls"))).json).toMatchObject({ decision: "DENY", authorization_id: null });
    expect(await get("/readyz")).toMatchObject({ status: 503, json: { ready: false, log: "not writable" } });
    await rename(`${log}.away`, log);
    // It tries by itself: while it is not ready, nobody asks it anything.
    await vi.waitFor(async () => expect((await get("/readyz")).status).toBe(200), patience);
    expect((await post("/authorize_action", shell("ls"))).json).toMatchObject({ decision: "ALLOW" });
  });

  it("is not ready where the keys cannot be read, and lets nobody in meanwhile", async () => {
    const { get, post, keys } = await testGateway();
    await vi.waitFor(async () => expect((await get("/readyz")).status).toBe(200), patience);
    await chmod(keys, 0o644);
    await vi.waitFor(async () => expect(await get("/readyz")).toMatchObject({ status: 503, json: { keys: "not readable" } }), patience);
    expect(await post("/authorize_action", shell("ls"))).toMatchObject({ status: 503, json: { decision: "DENY" } });
    await chmod(keys, 0o600);
    await vi.waitFor(async () => expect((await post("/authorize_action", shell("ls"))).status).toBe(200), patience);
  });
});

/** A gateway whose policy is in a file. */
async function withFile(watch = false): Promise<{ readonly file: string; readonly test: Awaited<ReturnType<typeof testGateway>> }> {
  const file = join(await temporaryFolder(), "policy.yaml");
  await writeFile(file, testPolicy.text);
  return { file, test: await testGateway({ policy: file, watch }) };
}

describe("a policy that is put in force anew", () => {
  const other = testPolicy.text.replace('"ls"', '"ls"').replace('payload.command == "ls"', 'payload.command == "pwd"');

  it("counts from then on, and is on record", async () => {
    const { file, test } = await withFile();
    const before = (await test.post("/authorize_action", shell("pwd"))).json;
    expect(before["decision"]).toBe("DENY");
    await writeFile(file, other);
    expect((await test.post("/authorize_action", shell("pwd"))).json["decision"]).toBe("DENY");
    const { status, json } = await test.post("/admin/reload", {}, { key: test.admin });
    expect(status).toBe(200);
    const after = (await test.post("/authorize_action", shell("pwd"))).json;
    expect(after).toMatchObject({ decision: "ALLOW", policy_digest: json["policy_digest"] });
    expect((await test.entries("policy.loaded")).map((entry) => entry["policy_digest"])).toEqual([
      before["policy_digest"],
      json["policy_digest"],
    ]);
  });

  it("stays as it was where the file is broken, and readiness, metrics and the answer say so", async () => {
    const { file, test } = await withFile();
    await writeFile(file, `${testPolicy.text}\nrulez: []\n`);
    const reply = await test.post("/admin/reload", {}, { key: test.admin });
    expect(reply).toMatchObject({
      status: 422,
      json: { error: { message: expect.stringContaining("the policy before stays in force") as string } },
    });
    expect((await test.post("/authorize_action", shell("ls"))).json["decision"]).toBe("ALLOW");
    await vi.waitFor(async () => expect(await test.get("/readyz")).toMatchObject({ status: 200, json: { policy: "stale" } }), patience);
    expect((await test.get("/metrics", { key: test.audit })).body).toMatch(
      /canopy_policy_stale 1\n[^]*canopy_policy_load_failures_total 1\n/,
    );
    await writeFile(file, testPolicy.text);
    expect((await test.post("/admin/reload", {}, { key: test.admin })).status).toBe(200);
    expect((await test.get("/readyz")).json["policy"]).toBe("in force");
  });

  it("comes by itself when the file changes, where the operator said so", async () => {
    const { file, test } = await withFile(true);
    expect((await test.post("/authorize_action", shell("pwd"))).json["decision"]).toBe("DENY");
    // After the first look at the file.
    await vi.waitFor(
      async () => {
        await writeFile(file, `${other}# ${performance.now()}\n`);
        expect((await test.post("/authorize_action", shell("pwd"))).json["decision"]).toBe("ALLOW");
      },
      { timeout: 30_000, interval: 1500 },
    );
  });

  it("takes no policy from whoever asks for it", async () => {
    const { test } = await withFile();
    expect((await test.post("/admin/reload", { policy: "rules: []" }, { key: test.admin })).status).toBe(400);
    expect((await test.post("/admin/reload", {}, { key: test.agent })).status).toBe(403);
    expect((await test.post("/admin/reload", {}, { key: test.audit })).status).toBe(403);
  });
});

describe("GET /metrics", () => {
  it("counts decisions by outcome and by the action types that the policy names: a caller's words are no label", async () => {
    const { post, get, audit } = await testGateway();
    await post("/authorize_action", shell("ls"));
    await post("/authorize_action", shell("rm"));
    for (const name of ['x"} 1\ncanopy_ready 0', "made_up", "__proto__"])
      await post("/authorize_action", { action_type: name, action_payload: {} });
    await post("/authorize_action", "{");
    const { body, headers } = await get("/metrics", { key: audit });
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(body).toContain('canopy_decisions_total{decision="ALLOW",action_type="execute_shell"} 1\n');
    expect(body).toContain('canopy_decisions_total{decision="DENY",action_type="execute_shell"} 1\n');
    expect(body).toContain('canopy_decisions_total{decision="DENY",action_type="other"} 3\n');
    expect(body).toContain("canopy_decision_seconds_count 5\n");
    expect(body).toContain('canopy_http_answers_total{route="/authorize_action",status="400"} 1\n');
    expect(body).not.toContain("made_up");
    // Every line is a comment or a sample.
    for (const line of body.trimEnd().split("\n"))
      expect(line).toMatch(/^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{(?:\w+="[^"\\]*",?)*\})? [\d.e+-]+)$/);
    const names = [...body.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it("has buckets that add up", async () => {
    const { post, get, audit } = await testGateway();
    for (let count = 0; count < 20; count += 1) await post("/authorize_action", shell("ls"));
    const { body } = await get("/metrics", { key: audit });
    const counts = [...body.matchAll(/canopy_decision_seconds_bucket\{le="[^"]+"\} (\d+)/g)].map(([, count]) => Number(count));
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(counts.at(-1)).toBe(20);
  });
});
