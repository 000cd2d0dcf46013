import { parseArgs } from "node:util";
import type { Command } from "../../command.ts";
import { exitCodes } from "../../exit-codes.ts";
import { paint, print, visible } from "../../terminal.ts";
import { UsageError } from "../../usage-error.ts";
import { keyFile, tellingKeyProblems } from "./key-file.ts";

export const list: Command = {
  name: "list",
  summary: "the keys there are, without the keys themselves",
  help: `canopy keys list: the keys that a file knows, with what they are for

Usage: canopy keys list [--keys FILE] [--json]

  --keys FILE   the file; the one that CANOPY_KEYS_FILE names, else canopy-keys.json, where it is left out
  --json        a line of JSON for each

Exit codes: 0 done, 2 bad usage, or a file that cannot be read.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { keys: { type: "string" }, json: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    if (positionals.length > 0) throw new UsageError("canopy keys list takes no name");
    const { listKeys } = await import("@canopy-runtime/gateway");
    const now = Date.now();
    for (const info of await tellingKeyProblems(async () => await listKeys(keyFile(values.keys, terminal)))) {
      const state =
        info.revoked_at !== null ? "revoked" : info.expires_at !== null && Date.parse(info.expires_at) <= now ? "expired" : "counts";
      if (values.json) {
        await print(terminal, `${JSON.stringify({ ...info, state })}\n`);
        continue;
      }
      const row = [info.id, state.padEnd(7), info.scopes.join(","), info.kind, visible(info.name), visible(JSON.stringify(info.agent_ctx))];
      await print(terminal, `${paint(terminal, state === "counts" ? "green" : "dim", row.join("  "))}\n`);
    }
    return exitCodes.ok;
  },
};
