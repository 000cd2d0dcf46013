import { parseArgs } from "node:util";
import type { Command } from "../../command.ts";
import { exitCodes } from "../../exit-codes.ts";
import { print, visible } from "../../terminal.ts";
import { UsageError } from "../../usage-error.ts";
import { keyFile, tellingKeyProblems } from "./key-file.ts";

export const revoke: Command = {
  name: "revoke",
  summary: "ends a key for good",
  help: `canopy keys revoke: ends a key for good

Usage: canopy keys revoke ID [--keys FILE] [--json]

  ID            the key's id, as canopy keys list shows it
  --keys FILE   the file; the one that CANOPY_KEYS_FILE names, else canopy-keys.json, where it is left out
  --json        one line of JSON instead of text

A gateway that is running takes note within a second.

Exit codes: 0 done, 2 bad usage, no such key, or a file that cannot be read or written.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { keys: { type: "string" }, json: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    const [id, ...more] = positionals;
    if (id === undefined || more.length > 0) throw new UsageError("one id is needed, see canopy keys list");
    const { revokeKey } = await import("@canopy-runtime/gateway");
    const info = await tellingKeyProblems(async () => await revokeKey(keyFile(values.keys, terminal), id));
    await print(terminal, values.json ? `${JSON.stringify(info)}\n` : `${info.id} (${visible(info.name)}) is revoked\n`);
    return exitCodes.ok;
  },
};
