import type { Command } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { print } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { pending } from "./audit/pending.ts";
import { query } from "./audit/query.ts";
import { repair } from "./audit/repair.ts";
import { tail } from "./audit/tail.ts";

const subcommands: readonly Command[] = [tail, query, pending, repair];

export const audit: Command = {
  name: "audit",
  summary: "read an audit log, or bring it into order",
  help: `canopy audit: read an audit log, or bring it into order

Usage: canopy audit COMMAND [OPTION…]

${subcommands.map(({ name, summary }) => `  ${name.padEnd(8)} ${summary}\n`).join("")}
canopy audit COMMAND --help says more about one. None of them verifies what it reads: canopy verify does.

Exit codes: 0 done, 1 a negative finding, 2 bad usage, or a log that cannot be read.
`,
  async run(args, terminal) {
    const [name, ...rest] = args;
    if (name === undefined)
      throw new UsageError(`a command is missing, one of ${subcommands.map((each) => each.name).join(", ")}; see canopy audit --help`);
    const command = subcommands.find((each) => each.name === name);
    if (command === undefined)
      throw new UsageError(`unknown command \`audit ${name}\`, the commands are ${subcommands.map((each) => each.name).join(", ")}`);
    if (rest.length === 1 && (rest[0] === "--help" || rest[0] === "-h")) {
      await print(terminal, command.help);
      return exitCodes.ok;
    }
    return await command.run(rest, terminal);
  },
};
