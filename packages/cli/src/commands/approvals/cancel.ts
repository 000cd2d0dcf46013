import { parseArgs } from "node:util";
import type { Command } from "../../command.ts";
import { exitCodes } from "../../exit-codes.ts";
import { print } from "../../terminal.ts";
import { accountName, idOf, storeOptions, wire, withApprovals } from "./store.ts";

export const cancel: Command = {
  name: "cancel",
  summary: "takes back a request, or a decision that was not used yet",
  help: `canopy approvals cancel: takes back a request, or a decision that was not used yet

Usage: canopy approvals cancel ID [--by NAME] [--note TEXT] [--log FILE] [--approvals FILE] [--json]

The action can then be asked about anew. Also how a request is cleared away that somebody changed from outside.

Exit codes: 0 cancelled, 2 bad usage, or nothing that can be cancelled.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...storeOptions, by: { type: "string" }, note: { type: "string" } },
      allowPositionals: true,
    });
    const id = idOf(positionals);
    const { by = accountName(), note } = values;
    const cancelled = await withApprovals(
      values,
      terminal,
      async (approvals) => await approvals.cancel(id, { by, ...(note === undefined ? {} : { note }) }),
    );
    await print(terminal, values.json ? `${JSON.stringify(wire(cancelled))}\n` : `${cancelled.state} ${id} by ${by}\n`);
    return exitCodes.ok;
  },
};
