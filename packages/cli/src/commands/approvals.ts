import type { Command } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { print } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { cancel } from "./approvals/cancel.ts";
import { approve, deny } from "./approvals/decide.ts";
import { keygen } from "./approvals/keygen.ts";
import { list } from "./approvals/list.ts";
import { show } from "./approvals/show.ts";
import { watch } from "./approvals/watch.ts";

const subcommands: readonly Command[] = [list, show, approve, deny, cancel, watch, keygen];

export const approvals: Command = {
  name: "approvals",
  summary: "decide about actions that wait for a person",
  help: `canopy approvals: decide about actions that wait for a person

Usage: canopy approvals COMMAND [OPTION…]

${subcommands.map(({ name, summary }) => `  ${name.padEnd(8)} ${summary}\n`).join("")}
canopy approvals COMMAND --help says more about one. All of them take

  --log FILE         the audit log; the one that CANOPY_AUDIT_LOG_PATH names, else audit.log, where it is left out
  --approvals FILE   the store; the one that CANOPY_APPROVALS_PATH names, else the log's path and .approvals.db

Whoever can run this on the account that writes the log can approve, an agent with a shell included. What the log says of a decision is therefore
how much is known of who made it: same_user, or key where it is signed with an approver's key.

Exit codes: 0 done, 1 a negative finding, 2 bad usage, or a decision that is refused.
`,
  async run(args, terminal) {
    const [name, ...rest] = args;
    if (name === undefined)
      throw new UsageError(`a command is missing, one of ${subcommands.map((each) => each.name).join(", ")}; see canopy approvals --help`);
    const command = subcommands.find((each) => each.name === name);
    if (command === undefined)
      throw new UsageError(`unknown command \`approvals ${name}\`, the commands are ${subcommands.map((each) => each.name).join(", ")}`);
    if (rest.length === 1 && (rest[0] === "--help" || rest[0] === "-h")) {
      await print(terminal, command.help);
      return exitCodes.ok;
    }
    return await command.run(rest, terminal);
  },
};
