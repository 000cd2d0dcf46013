import type { Approval, ApprovalDetails } from "@canopy-runtime/core";
import { parseArgs } from "node:util";
import type { Command } from "../../command.ts";
import { exitCodes } from "../../exit-codes.ts";
import { askLine, complain, print } from "../../terminal.ts";
import type { Terminal } from "../../terminal.ts";
import { UsageError } from "../../usage-error.ts";
import { accountName, idOf, nobody, storeOptions, wire, withApprovals } from "./store.ts";

const decideOptions = {
  ...storeOptions,
  by: { type: "string" },
  note: { type: "string" },
  key: { type: "string" },
  yes: { type: "boolean", default: false },
} as const;

const options = `  --by NAME    who decides, for the record; your name on this machine, or the key's, where it is left out
  --note TEXT  why, for the record
  --key FILE   signs the decision with this approver's key, see canopy approvals keygen
  --log FILE, --approvals FILE, --json   as in canopy approvals --help`;

export const approve: Command = {
  name: "approve",
  summary: "says yes to one exact action, once",
  help: `canopy approvals approve: says yes to one exact action, once

Usage: canopy approvals approve ID [--by NAME] [--note TEXT] [--key FILE] [--yes]

${options}
  --yes        does not ask whether you are sure; not enough for a request of severity high or critical unless --key signs

Shows what would run and asks. The action can then be done once, within the time that the host gives, by the same agent with the same arguments under the
same policy; anything else is asked about anew.

Exit codes: 0 approved, 1 nothing was decided, 2 bad usage, or a decision that is refused.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({ args: [...args], options: decideOptions, allowPositionals: true });
    const id = idOf(positionals);
    return await withApprovals(values, terminal, async (approvals) => {
      const found = await approvals.get(id);
      if (found === null) throw nobody(id);
      // Asked before, so that nobody reads through a request that cannot be decided any more.
      if (found.state === "pending" && found.problem === null) {
        const isSure = await confirm(found, values, terminal);
        if (!isSure) {
          complain(terminal, "canopy: nothing was decided");
          return exitCodes.finding;
        }
      }
      const { by, note, key } = values;
      const decided = await approvals.decide(id, {
        decision: "approve",
        digest: found.digest,
        ...person(by, key),
        ...(note === undefined ? {} : { note }),
      });
      await tell(decided, values.json, terminal);
      return exitCodes.ok;
    });
  },
};

export const deny: Command = {
  name: "deny",
  summary: "says no, and why",
  help: `canopy approvals deny: says no to one exact action, and why

Usage: canopy approvals deny ID --note TEXT [--by NAME] [--key FILE]

${options}

The agent is told the note. The same action is denied as long as the question would have stood; canopy approvals cancel lets it be asked anew.

Exit codes: 0 denied, 2 bad usage, or a decision that is refused.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({ args: [...args], options: decideOptions, allowPositionals: true });
    const id = idOf(positionals);
    const { note } = values;
    if (note === undefined || note.trim() === "") throw new UsageError("--note is missing: say why, the agent is told");
    return await withApprovals(values, terminal, async (approvals) => {
      await tell(await approvals.decide(id, { decision: "deny", note, ...person(values.by, values.key) }), values.json, terminal);
      return exitCodes.ok;
    });
  },
};

interface Sure {
  readonly yes: boolean;
  readonly json: boolean;
  readonly key?: string | undefined;
}

/** Whether the person wants it, having been shown what it is. */
async function confirm(request: ApprovalDetails, { yes, json, key }: Sure, terminal: Terminal): Promise<boolean> {
  const isSevere = request.severity === "high" || request.severity === "critical";
  if (yes && (!isSevere || key !== undefined)) return true;
  if (terminal.canAsk !== true) {
    throw new UsageError(
      isSevere
        ? `a request of severity ${request.severity} is approved by hand at a terminal, or signed: --key FILE --yes`
        : "there is no terminal to ask at: look at it with canopy approvals show, and say --yes",
    );
  }
  if (json) terminal.stderr.write(`${request.preview}\n`);
  else await print(terminal, `${request.preview}\n`);
  if (!isSevere) return /^y(?:es)?$/i.test((await askLine(terminal, "\nApprove this, once? [y/N] ")).trim());
  // Not the id from the command line: whoever types it has come down to here.
  const word = request.digest.slice(0, 6);
  const typed = await askLine(terminal, `\nSeverity ${request.severity}. To approve this, once, type the first six digits of its digest: `);
  return typed.trim() === word;
}

function person(by: string | undefined, key: string | undefined): { readonly by?: string; readonly keyPath?: string } {
  if (key === "") throw new UsageError("--key is empty, name the file of your key");
  if (key !== undefined) return { keyPath: key, ...(by === undefined ? {} : { by }) };
  return { by: by ?? accountName() };
}

async function tell(decided: Approval, json: boolean, terminal: Terminal): Promise<void> {
  const { id, state, decision, useBy } = decided;
  const until = useBy === null ? "" : `, to be used by ${useBy.toISOString()}`;
  const text = `${state} ${id} by ${decision?.by ?? "?"} (${decision?.assurance ?? "?"})${until}`;
  await print(terminal, json ? `${JSON.stringify(wire(decided))}\n` : `${text}\n`);
}
