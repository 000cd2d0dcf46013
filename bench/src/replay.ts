// What it costs to judge the decisions of a log again: entries a second and the memory of the process, for logs of 100,000 in which no request is like
// another, and in which each is asked ten times. `replay.ts PATH WHAT DECISIONS` measures one in a process of its own, `replay.ts DECISIONS` all.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { openCanopy, replayAuditLog, reportAuditLog } from "@canopy-runtime/core";
import type { AuthorizationRequest } from "@canopy-runtime/core";

import { writeResults } from "./results.ts";

const size = Number(process.argv[4] ?? process.argv[2] ?? 100_000);

const agentCtx = { agent_id: "bench", env: "staging", cwd: "/srv/app", home: "/home/agent", safe_paths: ["/srv/app"] };

/** One of each kind that agents ask for; the number keeps any two requests from being the same. */
function request(number: number): AuthorizationRequest {
  const payloads = [
    ["execute_shell", { command: `git log --oneline -${number} | head -5` }],
    ["execute_shell", { command: `rm -rf build/${number} && npm test -- --shard=${number}` }],
    ["read_file", { path: `src/part-${number}.ts` }],
    ["modify_file", { path: `src/part-${number}.ts`, content: "export const part = 1;\n" }],
    ["call_external_api", { url: `https://api.example.com/v1/orders/${number}` }],
    ["execute_query", { query: `SELECT name FROM users WHERE id = ${number}`, dialect: "postgres" }],
    ["refund", { order: number, amount: number % 500 }],
  ] as const;
  const [actionType, payload] = payloads[number % payloads.length] ?? payloads[0];
  return { agentCtx, actions: [{ actionType, payload }] };
}

const tried = {
  name: "tried.yaml",
  text: `version: 1
extends: [canopy:default]
rules:
  - { id: small-refunds, action_type: refund, allow: true, when_all: ["payload.amount < 100"] }
  - { id: no-tests, action_type: execute_shell, deny: true, when_all: ['shell(payload.command).programs.exists(p, p == "npm")'] }
`,
};

async function measureReplay(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "canopy-bench-"));
  try {
    const rows = [];
    for (const times of [1, 10]) {
      const path = join(directory, `audit-${times}.log`);
      await writeLog(path, times);
      const bytes = Math.round(statSync(path).size / size);
      console.log(
        `a log of ${size.toLocaleString("en")} decisions, ${bytes} bytes each, every request asked ${times === 1 ? "once" : "ten times"}`,
      );
      for (const what of ["report", "reproduce", "what-if"]) rows.push({ times, bytes, ...measureElsewhere(path, what) });
    }
    writeResults("replay", { decisions: size, rows });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function writeLog(path: string, times: number): Promise<void> {
  await using canopy = await openCanopy({ approvals: false, audit: { path, durability: "os" } });
  for (let from = 0; from < size; from += 512) {
    const requests = Array.from({ length: Math.min(512, size - from) }, (_, index) => request((from + index) % Math.ceil(size / times)));
    await Promise.all(requests.map(async (each) => await canopy.authorize(each)));
  }
}

interface Row {
  readonly what: string;
  readonly perSecond: number;
  readonly judged: number;
  /** MiB: before, after a tenth of the log or so, and at the most. */
  readonly before: number;
  readonly early: number;
  readonly highest: number;
}

function measureElsewhere(path: string, what: string): Row {
  const args = ["--conditions=@canopy-runtime/source", fileURLToPath(import.meta.url), path, what, String(size)];
  const { stdout } = spawnSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  const row = JSON.parse(stdout) as Row;
  const { perSecond, judged, before, early, highest } = row;
  console.log(
    `  ${what.padEnd(10)} ${perSecond.toLocaleString("en").padStart(9)} a second, ${judged.toLocaleString("en")} judged; memory ${before} MiB before, ${early} early on, ${highest} at the most`,
  );
  return row;
}

async function measureHere(path: string, what: string): Promise<Row> {
  const before = rss();
  let early = 0;
  let highest = 0;
  const watch = setInterval(() => {
    if (performance.now() - started < 1000) early = Math.max(early, rss());
    highest = Math.max(highest, rss());
  }, 20);
  const started = performance.now();
  const run = {
    report: async () => (await reportAuditLog(path)).decisions,
    reproduce: async () => (await replayAuditLog(path)).judged,
    "what-if": async () => (await replayAuditLog(path, { policy: tried })).judged,
  }[what];
  const judged = (await run?.()) ?? 0;
  const perSecond = Math.round((size / (performance.now() - started)) * 1000);
  clearInterval(watch);
  return { what, perSecond, judged, before, early, highest: Math.max(highest, rss()) };
}

function rss(): number {
  return Math.round(process.memoryUsage.rss() / 2 ** 20);
}

const [path, what] = process.argv.slice(2);
if (path === undefined || what === undefined) await measureReplay();
else console.log(JSON.stringify(await measureHere(path, what)));
