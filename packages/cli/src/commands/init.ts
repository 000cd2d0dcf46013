import { CanopyError, createAuditKey } from "@canopy-runtime/core";
import { parseArgs } from "node:util";
import type { Command } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { print } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";

export const init: Command = {
  name: "init",
  summary: "makes a key that signs the checkpoints of an audit log",
  help: `canopy init: makes what Canopy needs to begin with

Usage: canopy init --audit-key FILE [--name NAME] [--json]

  --audit-key FILE   a new Ed25519 key that signs checkpoints of audit logs, readable by you alone; an existing file is never overwritten
  --name NAME        what the key is called, such as example.com/agents; made up where it is left out
  --json             one line of JSON instead of text

The public half is printed: hand it out, and keep a copy where the log's writer cannot change it. CANOPY_AUDIT_KEY_PATH, or the host's option
keyPath, names the file to the runtime. Whoever can read the file can sign: keep it from the account that the agent's tools run as where you can.

Exit codes: 0 done, 2 bad usage, or the file exists or cannot be written.
`,
  async run(args, terminal) {
    const { values } = parseArgs({
      args: [...args],
      options: { "audit-key": { type: "string" }, name: { type: "string" }, json: { type: "boolean", default: false } },
    });
    const path = values["audit-key"];
    if (path === undefined || path === "") throw new UsageError("--audit-key is missing, see canopy init --help");
    try {
      const publicKey = await createAuditKey(path, values.name);
      await print(terminal, values.json ? `${JSON.stringify({ file: path, public_key: publicKey })}\n` : `${publicKey}\n`);
      return exitCodes.ok;
    } catch (error) {
      if (error instanceof CanopyError) throw new UsageError(error.message, { cause: error });
      throw error;
    }
  },
};
