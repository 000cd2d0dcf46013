import { parseArgs } from "node:util";
import type { Command } from "../../command.ts";
import { exitCodes } from "../../exit-codes.ts";
import { print } from "../../terminal.ts";
import { idOf, nobody, storeOptions, wire, withApprovals } from "./store.ts";

export const show: Command = {
  name: "show",
  summary: "one request: what would run, on what, and what was understood of it",
  help: `canopy approvals show: what would run, on what, and what was understood of it

Usage: canopy approvals show ID [--log FILE] [--approvals FILE] [--json]

  --json   one line of JSON instead of text

What is shown is made from the very bytes that an approval is for. Characters that cannot be seen are spelt out; what is long is cut, with a count.

Exit codes: 0 done, 2 bad usage, no such request, or approvals that cannot be read.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({ args: [...args], options: storeOptions, allowPositionals: true });
    const id = idOf(positionals);
    const found = await withApprovals(values, terminal, async (approvals) => await approvals.get(id));
    if (found === null) throw nobody(id);
    await print(terminal, values.json ? `${JSON.stringify({ ...wire(found), preview: found.preview })}\n` : `${found.preview}\n`);
    return exitCodes.ok;
  },
};
