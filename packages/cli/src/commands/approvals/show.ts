import type { ApprovalDetails } from "@canopy-runtime/core";
import { parseArgs } from "node:util";
import type { Command } from "../../command.ts";
import { exitCodes } from "../../exit-codes.ts";
import { print, visible } from "../../terminal.ts";
import { UsageError } from "../../usage-error.ts";
import { idOf, nobody, storeOptions, wire, withApprovals } from "./store.ts";

export const show: Command = {
  name: "show",
  summary: "one request: what would run, on what, and what was understood of it",
  help: `canopy approvals show: what would run, on what, and what was understood of it

Usage: canopy approvals show ID [--full] [--log FILE] [--approvals FILE] [--json]

  --full   all of the action, as JSON, and nothing else
  --json   one line of JSON instead of text

What is shown is made from the very bytes that an approval is for. Characters that cannot be seen are spelt out; what is long is cut, with a count.

Exit codes: 0 done, 2 bad usage, no such request, or approvals that cannot be read.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...storeOptions, full: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    const id = idOf(positionals);
    const found = await withApprovals(values, terminal, async (approvals) => await approvals.get(id));
    if (found === null) throw nobody(id);
    if (values.json) await print(terminal, `${JSON.stringify({ ...wire(found), preview: found.preview, action: found.action })}\n`);
    else if (values.full) await print(terminal, inFull(found));
    else await print(terminal, `${found.preview}\n`);
    return exitCodes.ok;
  },
};

/** Line for line, with what cannot be seen spelt out. */
function inFull({ id, action }: ApprovalDetails): string {
  if (action === null) throw new UsageError(`what is stored of \`${id}\` is not what was asked about`);
  const lines = JSON.stringify(JSON.parse(action), null, 2).split("\n");
  return `${lines.map(visible).join("\n")}\n`;
}
