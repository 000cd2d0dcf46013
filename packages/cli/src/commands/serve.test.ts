import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { openAuditLog, verifyAuditLog } from "@canopy-runtime/core";
import { addKey } from "@canopy-runtime/gateway";
import { describe, expect, it, onTestFinished } from "vitest";

import { canopy, temporaryDirectory } from "../cli.test.fixture.ts";

/** What the tests read of answers, entries and lines of the log. */
interface Json {
  readonly authorization_id: string;
  readonly policy_digest: string;
  readonly seq: number;
  readonly entry_hash: string;
  readonly url: string;
  readonly [key: string]: unknown;
}

interface Served {
  readonly child: ChildProcess;
  readonly port: number;
  readonly folder: string;
  readonly log: string;
  readonly key: string;
  readonly admin: string;
  /** Lines of the process's own log. */
  readonly told: readonly Json[];
}

const child = fileURLToPath(new URL("serve.test.child.ts", import.meta.url));

/** `canopy serve` in a process of its own, on a free port. */
async function serve(more: readonly string[] = []): Promise<Served> {
  const folder = await temporaryDirectory();
  const keys = join(folder, "keys.json");
  const log = join(folder, "audit.log");
  const { key } = await addKey(keys, { name: "agent", agentCtx: { agent_id: "a", env: "dev" } });
  const { key: admin } = await addKey(keys, { name: "operator", scopes: ["admin"] });
  const started = spawn(
    process.execPath,
    ["--conditions=@canopy-runtime/source", child, "serve", log, "--keys", keys, "--port", "0", ...more],
    {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
      env: { PATH: process.env["PATH"] },
    },
  );
  onTestFinished(() => void started.kill("SIGKILL"));
  const told: Json[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: started.stdout }).on("line", (line) => {
      const event = JSON.parse(line) as Json;
      told.push(event);
      if (event["msg"] === "listening") resolve(Number(new URL(event.url).port));
    });
    started.once("exit", (code) => reject(new Error(`canopy serve ended with ${String(code)}`)));
  });
  return { child: started, port, folder, log, key, admin, told };
}

type Answer = { readonly status: number; readonly json: Json };

async function ask({ port, key }: Pick<Served, "port" | "key">, agent: Agent, body: unknown, path = "/authorize_action"): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const sent = request({ host: "127.0.0.1", port, method: "POST", path, headers, agent }, (response) => {
      resolve(answerOf(response));
    });
    sent.on("error", reject);
    sent.end(JSON.stringify(body));
  });
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
  return { status: response.statusCode ?? 0, json: JSON.parse(await text(response)) as Json };
}

/** Asks with so many at once until `isOver`, or until nobody answers any more; answers every decision that came back. */
async function load(served: Served, isOver: () => boolean, onAnswer: (count: number) => void = () => undefined): Promise<readonly Json[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const answers: Json[] = [];
  await Promise.all(
    Array.from({ length: 16 }, async (_each, worker) => {
      for (let count = 0; !isOver(); count += 1) {
        const body = { action_type: "execute_shell", action_payload: { command: `echo ${worker} ${count}` } };
        let answer: Answer;
        try {
          answer = await ask(served, agent, body);
        } catch {
          // Nobody is there any more, or this connection was one that ended; the next one tells.
          if (served.child.exitCode !== null || served.child.signalCode !== null) return;
          continue;
        }
        if (answer.status !== 200) throw new Error(`status ${answer.status}`);
        answers.push(answer.json);
        onAnswer(answers.length);
      }
    }),
  );
  agent.destroy();
  return answers;
}

async function entries(log: string, type: string): Promise<readonly Json[]> {
  return (await readFile(log, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Json)
    .filter((entry) => entry["type"] === type);
}

const idOf = (entry: Json): string => `${entry.seq}-${entry.entry_hash.slice(0, 32)}`;

/** Even versions allow, odd ones deny. */
const policy = (version: number): string => `
version: 1
rules:
  - { id: echo-${version}, action_type: execute_shell, decision: ${version % 2 === 0 ? "ALLOW" : "DENY"}, when_all: ['shell(payload.command).complete'] }
`;

describe("canopy serve", () => {
  it("when it is killed under load has every decision that a client received on record, and the chain verifies", async () => {
    const served = await serve();
    const answers = await load(
      served,
      () => false,
      (count) => {
        if (count === 300) served.child.kill("SIGKILL");
      },
    );
    expect(answers.length).toBeGreaterThanOrEqual(300);
    // The next writer sets right what the death left.
    await (await openAuditLog({ path: served.log })).close();
    expect((await verifyAuditLog(served.log)).kind).toBe("valid");
    const recorded = new Map((await entries(served.log, "decision")).map((entry) => [idOf(entry), entry]));
    for (const answer of answers) {
      const entry = recorded.get(answer.authorization_id);
      expect(entry).toMatchObject({ decision: answer["decision"], reason: answer["reason"], trace_id: answer["trace_id"] });
    }
    // At most one for each of those that were waiting.
    expect(recorded.size - answers.length).toBeLessThanOrEqual(16);
  });

  it("when it is told to stop under load answers all that it took, and ends with 0", async () => {
    const served = await serve();
    const exited = once(served.child, "exit");
    const answers = await load(
      served,
      () => false,
      (count) => {
        if (count === 200) served.child.kill("SIGTERM");
      },
    );
    expect(await exited).toEqual([0, null]);
    expect((await verifyAuditLog(served.log)).kind).toBe("valid");
    const recorded = (await entries(served.log, "decision")).map(idOf);
    // Nothing is on record that its caller does not know of, and nothing was answered that is not on record.
    expect(recorded.toSorted()).toEqual(answers.map((answer) => answer.authorization_id).toSorted());
    expect(served.told.at(-1)).toMatchObject({ msg: "stopped" });
  });

  it("when its policy is put in force anew under load judges each request by one policy as a whole", async () => {
    const file = join(await temporaryDirectory(), "policy.yaml");
    await writeFile(file, policy(0));
    const served = await serve(["--policy", file]);
    const digests = new Map<string, number>();
    let isOver = false;
    const under = load(served, () => isOver);
    const agent = new Agent();
    for (let version = 1; version <= 8; version += 1) {
      // One of them is broken, and the one before it goes on.
      await writeFile(file, version === 5 ? "rules: [" : policy(version));
      const { status, json } = await ask({ port: served.port, key: served.admin }, agent, {}, "/admin/reload");
      expect(status).toBe(version === 5 ? 422 : 200);
      if (status === 200) digests.set(json.policy_digest, version);
    }
    // And by the signal, without an answer: the log tells.
    await writeFile(file, policy(9));
    served.child.kill("SIGHUP");
    for (let waited = 0; waited < 300 && served.told.filter(({ msg }) => msg === "the policy is in force").length < 9; waited += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    isOver = true;
    const answers = await under;
    const loaded = new Set((await entries(served.log, "policy.loaded")).map((entry) => entry.policy_digest));
    expect(loaded.size).toBe(9);
    for (const digest of digests.keys()) expect(loaded).toContain(digest);
    expect(answers.length).toBeGreaterThan(0);
    for (const entry of await entries(served.log, "decision")) {
      expect(loaded).toContain(entry.policy_digest);
      const [rule] = entry["rules"] as readonly { id: string; decision: string }[];
      const version = digests.get(entry.policy_digest);
      // The last one came by signal, and nobody was told its digest.
      expect(rule?.id).toBe(`echo-${version ?? (rule?.id === "echo-0" ? 0 : 9)}`);
      expect(entry["decision"]).toBe(Number(rule?.id.slice("echo-".length)) % 2 === 0 ? "ALLOW" : "DENY");
    }
    served.child.kill("SIGTERM");
    await once(served.child, "exit");
  });
});

it.each([
  [["serve"], "nobody could ask"],
  [["serve", "--port", "x"], "--port is `x`"],
  [["serve", "--log-level", "loud"], "unknown log level `loud`"],
  [["serve", "--loopback-agent", "[]"], "--loopback-agent: not a JSON object"],
  [["serve", "--host", "0.0.0.0", "--loopback-agent", "{}"], "callers without a key are for loopback alone"],
  [["serve", "--keys", "/nowhere/keys.json"], "the key file `/nowhere/keys.json` cannot be read"],
  [["serve", "--policy", ""], "the name of the policy file is empty"],
  [["serve", "--cors"], "unknown option `--cors`"],
])("canopy %j ends with 2 and says why", async (argv, message) => {
  const folder = await temporaryDirectory();
  const { code, err, out } = await canopy(argv, "", { CANOPY_AUDIT_LOG_PATH: join(folder, "audit.log") });
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain(message);
});
