import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Command } from "../../command.ts";
import { exitCodes } from "../../exit-codes.ts";
import { print } from "../../terminal.ts";
import { approvalRow } from "./row.ts";
import { storeOptions, wire, withApprovals } from "./store.ts";

const pollMs = 500;

export const watch: Command = {
  name: "watch",
  summary: "what waits, and from now on whatever becomes of it",
  help: `canopy approvals watch: what waits for a person, and from now on each request and what becomes of it

Usage: canopy approvals watch [--log FILE] [--approvals FILE] [--json]

  --json   a line of JSON for each change

Goes on until it is interrupted, or nobody reads what it prints any more.

Exit codes: 0 nobody reads any more, 2 bad usage, or approvals that cannot be read.
`,
  async run(args, terminal) {
    const { values } = parseArgs({ args: [...args], options: storeOptions });
    return await withApprovals(values, terminal, async (approvals) => {
      const known = new Map<string, string>();
      for (let isFirst = true; !terminal.stdout.destroyed; isFirst = false) {
        // Oldest first, as it happened.
        for (const each of (await approvals.list()).toReversed()) {
          const now = JSON.stringify([each.state, each.problem, each.use?.outcome]);
          if (known.get(each.id) === now) continue;
          known.set(each.id, now);
          if (isFirst && each.state !== "pending") continue;
          if (!(await print(terminal, values.json ? `${JSON.stringify(wire(each))}\n` : approvalRow(each, terminal)))) return exitCodes.ok;
        }
        await sleep(pollMs);
      }
      return exitCodes.ok;
    });
  },
};
