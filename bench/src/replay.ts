// What it costs to judge the decisions of a log again: entries a second and the memory of the process, for a log of 100,000 (or as many as are named).
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openCanopy, replayAuditLog, reportAuditLog } from "@canopy-runtime/core";
import type { AuthorizationRequest } from "@canopy-runtime/core";

import { writeResults } from "./results.ts";

const size = Number(process.argv[2] ?? 100_000);

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
    const path = join(directory, "audit.log");
    {
      await using canopy = await openCanopy({ audit: { path, durability: "os" } });
      for (let from = 0; from < size; from += 512) {
        await Promise.all(Array.from({ length: Math.min(512, size - from) }, async (_, index) => await canopy.authorize(request(from + index))));
      }
    }
    console.log(`replay: a log of ${size.toLocaleString("en")} decisions, ${Math.round(statSync(path).size / size)} bytes each`);
    const rows = [
      await measured("report", async () => ({ ...(await reportAuditLog(path)), judged: size })),
      await measured("reproduce", async () => await replayAuditLog(path)),
      await measured("what-if", async () => await replayAuditLog(path, { policy: tried })),
    ];
    writeResults("replay", { decisions: size, rows });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function measured(
  what: string,
  run: () => Promise<{ readonly judged: number }>,
): Promise<{ readonly what: string; readonly perSecond: number; readonly rss: number; readonly growth: number }> {
  globalThis.gc?.();
  const before = rss();
  let highest = before;
  const watch = setInterval(() => (highest = Math.max(highest, rss())), 20);
  const started = performance.now();
  const { judged } = await run();
  const perSecond = Math.round((size / (performance.now() - started)) * 1000);
  clearInterval(watch);
  highest = Math.max(highest, rss());
  console.log(
    `${what.padEnd(10)} ${perSecond.toLocaleString("en").padStart(9)} a second, ${judged.toLocaleString("en")} judged; ${before} MiB before, ${highest} MiB at the most`,
  );
  return { what, perSecond, rss: highest, growth: highest - before };
}

function rss(): number {
  return Math.round(process.memoryUsage.rss() / 2 ** 20);
}

await measureReplay();
