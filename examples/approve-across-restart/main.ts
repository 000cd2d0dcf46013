// An agent pauses, its process ends, a person approves with the command line, and a new process goes on: the tool runs once.
import { execFile } from "node:child_process";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { verifyAuditLog } from "@canopy-runtime/core";

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), "canopy-approve-"));
const agentFile = fileURLToPath(new URL("agent.ts", import.meta.url));
const canopyFile = fileURLToPath(new URL("bin/canopy.js", import.meta.resolve("@canopy-runtime/cli/package.json")));
const failures: string[] = [];

/** Each claim of the story is looked at, none is taken for granted. */
function claim(holds: boolean, what: string): void {
  console.log(`  ${holds ? "ok     " : "NOT SO "} ${what}`);
  if (!holds) failures.push(what);
}

/** A process of its own each time. */
async function agent(...words: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [...process.execArgv, agentFile, ...words], { cwd: folder });
  console.log(`> agent ${words.join(" ")}\n    ${stdout.trim()}`);
  return stdout.trim();
}

async function canopy(...words: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [canopyFile, ...words], { cwd: folder });
  console.log(`> canopy ${words.join(" ")}\n${stdout.trimEnd().replaceAll(/^/gm, "    ")}`);
  return stdout;
}

async function ledger(): Promise<string> {
  return await readFile(join(folder, "ledger.txt"), "utf8").catch(() => "");
}

const [state, id = ""] = (await agent("ask", "4200")).split(" ");
claim(state === "waiting" && (await ledger()) === "", "the agent has paused, and nothing was refunded");

claim((await canopy("approvals", "list")).includes(id), "the request waits for a person");
claim((await canopy("approvals", "show", id)).includes("amount_cents: 4200"), "a person sees what would be done");
claim(
  (await canopy("approvals", "approve", id, "--by", "Ann", "--note", "the parcel was lost", "--yes")).startsWith("approved"),
  "Ann approves it, with the command line",
);

claim((await agent("resume")) === "done", "a new process goes on with the same call, and it runs");
claim((await ledger()) === "refunded 4200 cents of p-1\n", "it ran once");
claim((await agent("resume")).startsWith("waiting"), "going on once more does not: an approval is for once");
claim((await agent("ask", "4201")).startsWith("waiting"), "one cent more is another refund, which nobody approved");
claim((await ledger()) === "refunded 4200 cents of p-1\n", "nothing more was refunded");
claim((await verifyAuditLog(join(folder, "audit.log"))).kind === "valid", "all of it is on record: who asked, who approved, what was used");

if (failures.length > 0) process.exitCode = 1;
