// `gateway.ts SERVER FOLDER` is one of the two servers below, in a process of its own; without arguments it measures both.
// What the gateway costs: a key checked, a request validated, a shell command understood and judged, and the answer on the disk before it leaves, beside a
// server of the same framework that reads the body and answers a constant of the same length. Both run in turns, so that only the ratio is worth quoting.
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { verifyAuditLog } from "@canopy-runtime/core";
import { addKey, startGateway } from "@canopy-runtime/gateway";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";

import { writeResults } from "./results.ts";

const connections = [1, 16, 64, 256];
const turns = 3;
const turnMs = 1500;
const body = JSON.stringify({ action_type: "execute_shell", action_payload: { command: "git status --short" } });

interface Started {
  readonly port: number;
  readonly key: string;
}

async function serveGateway(folder: string): Promise<Started> {
  const keys = join(folder, "keys.json");
  const { key } = await addKey(keys, { name: "bench", agentCtx: { agent_id: "bench", env: "dev" } });
  const { port } = await startGateway({ audit: join(folder, "audit.log"), keys, port: 0, log: { level: "silent" } });
  return { port, key };
}

async function serveBare(answer: string): Promise<Started> {
  const app = new Hono();
  app.post("/authorize_action", async (context) => {
    await context.req.json();
    return new Response(answer, { headers: { "content-type": "application/json" } });
  });
  const server = createAdaptorServer({ fetch: app.fetch });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return { port: (server.address() as AddressInfo).port, key: "none" };
}

interface Server extends Started {
  readonly child: ChildProcess;
}

async function start(kind: "gateway" | "bare", argument: string): Promise<Server> {
  const child = fork(fileURLToPath(import.meta.url), [kind, argument], { execArgv: [...process.execArgv, "--expose-gc"] });
  const [started] = (await once(child, "message")) as [Started];
  return { child, ...started };
}

/** In MiB: what the process holds, and how much of that is objects that are still in use. */
interface Memory {
  readonly resident: number;
  readonly heap: number;
}

async function memoryOf({ child }: Server): Promise<Memory> {
  child.send("memory");
  const [memory] = (await once(child, "message")) as [Memory];
  return memory;
}

interface Load {
  readonly count: number;
  /** Milliseconds, sorted. */
  readonly latencies: readonly number[];
}

/** One request after the other on each of so many connections, until `isOver`; every answer must be an ALLOW. */
async function load({ port, key }: Started, count: number, isOver: (done: number) => boolean): Promise<Load> {
  const request = Buffer.from(
    `POST /authorize_action HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  const latencies: number[] = [];
  await Promise.all(
    Array.from({ length: count }, async () => {
      await new Promise<void>((resolve, reject) => {
        let received = "";
        let sent = 0;
        const socket = connect({ port, host: "127.0.0.1", noDelay: true });
        const send = (): void => {
          sent = performance.now();
          socket.write(request);
        };
        socket.setEncoding("latin1");
        socket.on("connect", send);
        socket.on("error", reject);
        socket.on("data", (part: string) => {
          received += part;
          const end = received.indexOf("\r\n\r\n");
          if (end < 0) return;
          const [, length] = /content-length: (\d+)/i.exec(received) ?? [];
          if (received.length < end + 4 + Number(length)) return;
          if (!received.startsWith("HTTP/1.1 200 ") || !received.includes('"decision":"ALLOW"')) return reject(new Error(received));
          latencies.push(performance.now() - sent);
          received = "";
          if (!isOver(latencies.length)) return send();
          socket.destroy();
          resolve();
        });
      });
    }),
  );
  return { count: latencies.length, latencies: latencies.toSorted((a, b) => a - b) };
}

async function turn(server: Started, count: number): Promise<Load> {
  const end = performance.now() + turnMs;
  return await load(server, count, () => performance.now() > end);
}

async function measureGateway(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "canopy-bench-"));
  const gateway = await start("gateway", folder);
  const answer = await (
    await fetch(`http://127.0.0.1:${gateway.port}/authorize_action`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.key}`, "content-type": "application/json" },
      body,
    })
  ).text();
  const bare = await start("bare", answer);
  try {
    for (const server of [gateway, bare]) await load(server, 64, (done) => done > 20_000);
    console.log("gateway: answers a second, durable, beside a server that answers a constant");
    console.log("  connections        bare     gateway   ratio   p50 ms   p99 ms   bare p50   bare p99");
    const rows = [];
    for (const count of connections) {
      const totals = { gateway: { count: 0, latencies: [] as number[] }, bare: { count: 0, latencies: [] as number[] } };
      for (let round = 0; round < turns; round += 1) {
        for (const [name, server] of [
          ["gateway", gateway],
          ["bare", bare],
        ] as const) {
          const done = await turn(server, count);
          totals[name].count += done.count;
          totals[name].latencies.push(...done.latencies);
        }
      }
      const rate = (name: "gateway" | "bare"): number => Math.round((totals[name].count / turns / turnMs) * 1000);
      const at = (name: "gateway" | "bare", share: number): number => {
        const sorted = totals[name].latencies.toSorted((a, b) => a - b);
        return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
      };
      const row = {
        connections: count,
        bare: rate("bare"),
        gateway: rate("gateway"),
        p50: at("gateway", 0.5),
        p99: at("gateway", 0.99),
        bareP50: at("bare", 0.5),
        bareP99: at("bare", 0.99),
      };
      rows.push(row);
      const cells: readonly [string, number][] = [
        [String(count), 13],
        [row.bare.toLocaleString("en"), 12],
        [row.gateway.toLocaleString("en"), 12],
        [(row.gateway / row.bare).toFixed(2), 8],
        [row.p50.toFixed(2), 9],
        [row.p99.toFixed(2), 9],
        [row.bareP50.toFixed(2), 11],
        [row.bareP99.toFixed(2), 11],
      ];
      console.log(cells.map(([text, width]) => text.padStart(width)).join(""));
    }
    const before = await memoryOf(gateway);
    await load(gateway, 64, (done) => done > 100_000);
    const after = await memoryOf(gateway);
    const told = ({ resident, heap }: Memory): string => `${heap} MiB in use, ${resident} resident`;
    console.log(`memory of the gateway: ${told(before)}; after 100,000 more requests ${told(after)}`);
    gateway.child.kill("SIGKILL");
    await once(gateway.child, "exit");
    const verdict = await verifyAuditLog(join(folder, "audit.log"));
    if (verdict.kind !== "valid" && verdict.kind !== "torn_tail") throw new Error(`the log is ${verdict.kind}`);
    writeResults("gateway", {
      answerBytes: Buffer.byteLength(answer),
      rows,
      memory: { before, after },
      log: readFileSync(join(folder, "audit.log")).length,
    });
  } finally {
    gateway.child.kill("SIGKILL");
    bare.child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
}

const [kind, argument] = process.argv.slice(2);
if (kind === undefined || argument === undefined) {
  await measureGateway();
} else {
  const started = kind === "gateway" ? await serveGateway(argument) : await serveBare(argument);
  process.on("message", () => {
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    process.send?.({ resident: Math.round(rss / 2 ** 20), heap: Math.round(heapUsed / 2 ** 20) } satisfies Memory);
  });
  process.on("disconnect", () => process.exit());
  process.send?.(started);
}
