import { CanopyError, createApproverKey } from "@canopy-runtime/core";
import { parseArgs } from "node:util";
import type { Command } from "../../command.ts";
import { exitCodes } from "../../exit-codes.ts";
import { print } from "../../terminal.ts";
import { UsageError } from "../../usage-error.ts";
import { accountName } from "./store.ts";

export const keygen: Command = {
  name: "keygen",
  summary: "makes a key that an approver signs with",
  help: `canopy approvals keygen: makes a key that an approver signs with

Usage: canopy approvals keygen FILE [--name NAME] [--json]

  FILE          a new Ed25519 key, readable by you alone; an existing file is never overwritten
  --name NAME   whose key it is; your name on this machine where it is left out
  --json        one line of JSON instead of text

The public half is printed: the host lists it, approvals: { approvers: [{ name, publicKey }] }, and then wants a signature for rules of severity high and
critical. A key is worth something only where the agent's account cannot read it: make it on another account, and approve from there.

Exit codes: 0 done, 2 bad usage, or the file exists or cannot be written.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { name: { type: "string" }, json: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    const [file, ...others] = positionals;
    if (file === undefined || file === "" || others.length > 0)
      throw new UsageError("name one file for the key, see canopy approvals keygen --help");
    const { name = accountName() } = values;
    try {
      const publicKey = await createApproverKey(file, name);
      await print(terminal, values.json ? `${JSON.stringify({ file, name, public_key: publicKey })}\n` : `${publicKey}\n`);
      return exitCodes.ok;
    } catch (error) {
      if (error instanceof CanopyError) throw new UsageError(error.message, { cause: error });
      throw error;
    }
  },
};
