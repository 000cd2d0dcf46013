import { appendFile, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ApprovalRequiredError, guardTool, openCanopy } from "@canopy-runtime/core";

interface Refund {
  readonly payment_id: string;
  readonly amount_cents: number;
}

// `agent.ts ask 4200` makes the call; `agent.ts resume` makes the call again that was waiting, in whatever process.
const [word, amount] = process.argv.slice(2);
await using canopy = await openCanopy({ policy: fileURLToPath(new URL("policy.yaml", import.meta.url)), audit: "audit.log" });

const refund = guardTool(
  async ({ payment_id, amount_cents }: Refund) => await appendFile("ledger.txt", `refunded ${amount_cents} cents of ${payment_id}\n`),
  { name: "refund", actionType: "refund_payment", agentCtx: { agent_id: "support", env: "production" }, authorizer: canopy },
);

const call: Refund =
  word === "resume" ? (JSON.parse(await readFile("paused.json", "utf8")) as Refund) : { payment_id: "p-1", amount_cents: Number(amount) };
try {
  await refund(call);
  console.log("done");
} catch (error) {
  if (!(error instanceof ApprovalRequiredError)) throw error;
  // Nobody is kept waiting: what to go on with is put aside, and the process may end.
  await writeFile("paused.json", JSON.stringify(call));
  console.log(`waiting ${error.approvalId}`);
}
