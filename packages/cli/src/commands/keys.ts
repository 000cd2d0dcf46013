import type { Command } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { print } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { add } from "./keys/add.ts";
import { list } from "./keys/list.ts";
import { revoke } from "./keys/revoke.ts";

const subcommands: readonly Command[] = [add, list, revoke];

export const keys: Command = {
  name: "keys",
  summary: "make, list and end the keys of a gateway's callers",
  help: `canopy keys: the keys by which callers of a gateway prove who they are

Usage: canopy keys COMMAND [OPTION…]

${subcommands.map(({ name, summary }) => `  ${name.padEnd(8)} ${summary}\n`).join("")}
canopy keys COMMAND --help says more about one. The file is the one that --keys names, else CANOPY_KEYS_FILE, else canopy-keys.json. It holds hashes, not
keys, and only its owner may read it. A gateway that is running takes note of a change within a second.

Exit codes: 0 done, 2 bad usage, or a file that cannot be read or written.
`,
  async run(args, terminal) {
    const [name, ...rest] = args;
    if (name === undefined)
      throw new UsageError(`a command is missing, one of ${subcommands.map((each) => each.name).join(", ")}; see canopy keys --help`);
    const command = subcommands.find((each) => each.name === name);
    if (command === undefined)
      throw new UsageError(`unknown command \`keys ${name}\`, the commands are ${subcommands.map((each) => each.name).join(", ")}`);
    if (rest.length === 1 && (rest[0] === "--help" || rest[0] === "-h")) {
      await print(terminal, command.help);
      return exitCodes.ok;
    }
    return await command.run(rest, terminal);
  },
};
