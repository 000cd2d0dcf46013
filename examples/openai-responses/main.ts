import { mkdtempSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openCanopy, verifyAuditLog } from "@canopy-runtime/core";
import { createToolDispatcher } from "@canopy-runtime/openai";
import OpenAI from "openai";
import { zodResponsesFunction } from "openai/helpers/zod";
import { z } from "zod";
import { scriptedServer } from "./server.ts";

const live = process.argv.includes("--live");
if (live && process.env["OPENAI_API_KEY"] === undefined) {
  console.error("--live needs OPENAI_API_KEY in the environment");
  process.exit(2);
}

const log = join(mkdtempSync(join(tmpdir(), "canopy-openai-")), "audit.log");
const canopy = await openCanopy({ policy: fileURLToPath(new URL("policy.yaml", import.meta.url)), audit: log });
const paid: number[] = [];
const tools = [
  zodResponsesFunction({ name: "balance", parameters: z.object({ account: z.string() }), function: () => ({ balance: 12 }) }),
  zodResponsesFunction({ name: "pay", parameters: z.object({ amount: z.number() }), function: ({ amount }) => paid.push(amount) }),
];
const { dispatchAll, resume } = createToolDispatcher(tools, {
  authorizer: canopy,
  agentCtx: { agent_id: "cashier" },
  onApproval: "pause",
});

const server = scriptedServer();
await new Promise<void>((resolve) => {
  server.listen(0, "127.0.0.1", resolve);
});
const { port } = server.address() as AddressInfo;
const client = live ? new OpenAI() : new OpenAI({ apiKey: "none", baseURL: `http://127.0.0.1:${port}/v1` });
const model = process.env["OPENAI_MODEL"] ?? "gpt-5-mini";
const question = "In one go: look up the balance of the account `main`, and pay 5.";
const response = await client.responses.create({ model, input: question, tools });
server.close();
const { outputs, pending } = await dispatchAll(response);
console.log("outputs", outputs);
console.log("pending", pending);

// Stored, read by a later process, edited on the way: nothing of it is proof of anything.
const stored = JSON.parse(JSON.stringify(pending)) as typeof pending;
const edited = stored.map((each) => ({ ...each, approvalId: "approved", reason: "approved" }));
const later = await resume(edited);
const paidBefore = paid.length;

// The person decides, on record; then the very same call runs, once.
const [request] = await canopy.approvals.list({ state: "pending" });
if (request !== undefined) await canopy.approvals.decide(request.id, { decision: "approve", by: "Grace", digest: request.digest });
const approved = await resume(stored);
const again = await resume(stored);
await canopy.close();

const claims: readonly (readonly [boolean, string])[] = [
  [paidBefore === 0, "nothing was paid without a person"],
  [(await verifyAuditLog(log)).kind === "valid", "the log verifies"],
  [live || outputs[0]?.output === '{"balance":12}', "the look-up beside it ran"],
  [live || pending.length === 1, "the payment is pending, with an id that a person could approve"],
  [live || (later.outputs.length === 0 && later.pending.length === 1), "a stored call that says it was approved still waits"],
  [live || (approved.outputs.length === 1 && paid.join() === "5"), "once a person had approved it, the stored call ran"],
  [live || (again.outputs.length === 0 && again.pending.length === 1), "it ran once: the next time a person is asked anew"],
];
for (const [holds, what] of claims) console.log(`  ${holds ? "ok     " : "NOT SO "} ${what}`);
if (!claims.every(([holds]) => holds)) process.exitCode = 1;
