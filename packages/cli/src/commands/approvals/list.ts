import type { Approval, ApprovalState } from "@canopy-runtime/core";
import { parseArgs } from "node:util";
import type { Command } from "../../command.ts";
import { exitCodes } from "../../exit-codes.ts";
import { paint, print } from "../../terminal.ts";
import { UsageError } from "../../usage-error.ts";
import { approvalRow } from "./row.ts";
import { storeOptions, wire, withApprovals } from "./store.ts";

const states: readonly ApprovalState[] = ["pending", "approved", "denied", "expired", "cancelled", "used"];

export const list: Command = {
  name: "list",
  summary: "what waits for a person, and what a person should look at",
  help: `canopy approvals list: what waits for a person, and what a person should look at

Usage: canopy approvals list [--state STATE] [--all] [--log FILE] [--approvals FILE] [--json]

  --state STATE   only those that are ${states.join(", ")}
  --all           also what is over and done with
  --json          a line of JSON for each

Listed are requests that wait, approvals that were not used yet, approvals that were used by a call of which nobody knows how it ended, which is never
retried, and whatever somebody changed from outside.

Exit codes: 0 done, 2 bad usage, or approvals that cannot be read.
`,
  async run(args, terminal) {
    const { values } = parseArgs({
      args: [...args],
      options: { ...storeOptions, state: { type: "string" }, all: { type: "boolean", default: false } },
    });
    const state = states.find((each) => each === values.state);
    if (values.state !== undefined && state === undefined)
      throw new UsageError(`--state is \`${values.state}\`, the states are ${states.join(", ")}`);
    const all = await withApprovals(values, terminal, async (approvals) => await approvals.list(state === undefined ? {} : { state }));
    const listed = values.all || state !== undefined ? all : all.filter(wantsAttention);
    for (const each of listed) {
      if (!(await print(terminal, values.json ? `${JSON.stringify(wire(each))}\n` : approvalRow(each, terminal)))) break;
    }
    if (!values.json && listed.length === 0) await print(terminal, `${paint(terminal, "dim", "nothing waits for a person")}\n`);
    return exitCodes.ok;
  },
};

function wantsAttention({ state, problem, use }: Approval): boolean {
  if (state === "pending" || state === "approved") return true;
  return use?.outcome === null || (problem !== null && state === "denied");
}
