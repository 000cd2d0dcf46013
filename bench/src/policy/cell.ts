import { engines } from "./engines.ts";
import { logicalPolicy, requests, truth } from "./logical-policy.ts";

/** What one engine did with one number of rules. Times in microseconds. */
export interface Cell {
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
  readonly samples: number;
}

// Run as a process of its own: `cell.ts ENGINE RULES`; prints one line of JSON.
const [name = "", count = "0"] = process.argv.slice(2);
const prepare = engines[name];
if (prepare === undefined) throw new Error(`no engine is called ${name}`);
const rules = logicalPolicy(Number(count));
const asked = requests(rules, 1024);
const ask = await prepare(rules, asked);

/** Until the time is over: half for throughput, half for single calls. */
const budgetMs = 2000;
let checked = 0;
const checkUntil = performance.now() + 3000;
for (const [index, request] of asked.entries()) {
  const answer = await ask(index);
  const right = truth(rules, request);
  if (answer !== right) throw new Error(`${name} answers ${answer} to ${JSON.stringify(request)}, and ${right} is right`);
  checked += 1;
  if (performance.now() > checkUntil) break;
}

const warmUntil = performance.now() + 500;
for (let index = 0; performance.now() < warmUntil; index = (index + 1) % checked) await ask(index);

const started = performance.now();
let done = 0;
while (performance.now() - started < budgetMs / 2) {
  for (let index = 0; index < 16; index += 1) {
    const answer = ask(done % checked);
    if (answer instanceof Promise) await answer;
    done += 1;
  }
}
const perSecond = (done * 1000) / (performance.now() - started);

const times: number[] = [];
const until = performance.now() + budgetMs / 2;
for (let index = 0; performance.now() < until && times.length < 200_000; index = (index + 1) % checked) {
  const from = process.hrtime.bigint();
  const answer = ask(index);
  if (answer instanceof Promise) await answer;
  times.push(Number(process.hrtime.bigint() - from) / 1000);
}
times.sort((a, b) => a - b);
const at = (part: number): number => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? Number.NaN;
const cell: Cell = { p50: at(0.5), p99: at(0.99), perSecond, samples: times.length };
process.stdout.write(JSON.stringify(cell));
