// A graph waits for a person, its process ends, the person decides, and another process goes on. Each step is a process of its own.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openApprovals, verifyAuditLog } from "@canopy-runtime/core";

const live = process.argv.includes("--live");
if (live && process.env["OPENAI_API_KEY"] === undefined) {
  console.error("--live needs OPENAI_API_KEY in the environment, and the package @langchain/openai");
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "canopy-langgraph-"));
const log = join(folder, "audit.log");
const refunds = (): string => (existsSync(join(folder, "refunds.txt")) ? readFileSync(join(folder, "refunds.txt"), "utf8") : "");

function run(step: "start" | "resume"): string {
  const agent = fileURLToPath(new URL("agent.ts", import.meta.url));
  const args = [...process.execArgv, agent, folder, step, ...(live ? ["--live"] : [])];
  const said = execFileSync(process.execPath, args, { encoding: "utf8" }).trim();
  console.log(`> ${step}: ${said}`);
  return said;
}

const started = run("start");
const tooEarly = run("resume");
const before = refunds();

await using approvals = await openApprovals({ log });
const [request] = await approvals.list({ state: "pending" });
const details = request === undefined ? null : await approvals.get(request.id);
console.log(`\n${details?.preview ?? "nothing waits"}\n`);
if (details !== null)
  await approvals.decide(details.id, { decision: "approve", by: "Ada", note: "the parcel is lost", digest: details.digest });

const ended = run("resume");
const claims: readonly (readonly [boolean, string])[] = [
  [started === `waiting ${String(details?.id)}`, "the graph waited, and its process ended"],
  [tooEarly === started && before === "", "a resume that says `approved`, with no person behind it, waits on"],
  [ended.startsWith("done"), "another process went on once the person had decided"],
  [refunds().trimEnd().split("\n").length === 1 && refunds() !== "", "the money went out once"],
  [(await verifyAuditLog(log)).kind === "valid", "the log verifies"],
];
for (const [holds, what] of claims) console.log(`  ${holds ? "ok     " : "NOT SO "} ${what}`);
if (!claims.every(([holds]) => holds)) process.exitCode = 1;
