import type { JsonObject } from "@canopy-runtime/core";
import { parseArgs } from "node:util";
import type { Command } from "../../command.ts";
import { exitCodes } from "../../exit-codes.ts";
import { jsonOption } from "../../json-option.ts";
import { complain, print } from "../../terminal.ts";
import { UsageError } from "../../usage-error.ts";
import { keyFile, tellingKeyProblems } from "./key-file.ts";

export const add: Command = {
  name: "add",
  summary: "a new key, printed once",
  help: `canopy keys add: makes a key for one caller of a gateway, and prints it once

Usage: canopy keys add NAME [--scope SCOPE…] [--agent JSON] [--allow FIELD…] [--host-program] [--expires TIME] [--keys FILE] [--json]

  NAME             what people call it
  --scope SCOPE    what it is for: authorize (where left out) asks and reports, and stands alone; approve decides approvals; audit reads the log;
                   admin puts a policy in force anew. May stand several times
  --agent JSON     the agent context of every request under this key, such as '{"agent_id":"ci","env":"production"}'; the caller cannot change it.
                   Where it does not say who the agent is, NAME is its agent_id
  --allow FIELD    a field of the caller's own agent context that counts beside it. For an agent's key never who it is, env, role, cwd, home or safe_…
  --host-program   the key of a program that is trusted to say which of its agents asks: --allow may name any field
  --expires TIME   when it ends: a time as in RFC 3339, or how long from now: 12h, 30d. Never, where left out
  --keys FILE      the file; the one that CANOPY_KEYS_FILE names, else canopy-keys.json, where it is left out
  --json           one line of JSON instead of text

Exit codes: 0 done, 2 bad usage, or a file that cannot be read or written.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        scope: { type: "string", multiple: true },
        agent: { type: "string", default: "{}" },
        allow: { type: "string", multiple: true, default: [] },
        "host-program": { type: "boolean", default: false },
        expires: { type: "string" },
        keys: { type: "string" },
        json: { type: "boolean", default: false },
      },
      allowPositionals: true,
    });
    const [name, ...more] = positionals;
    if (name === undefined || more.length > 0) throw new UsageError("one name is needed, see canopy keys add --help");
    const { addKey, scopes } = await import("@canopy-runtime/gateway");
    const wanted = values.scope ?? ["authorize"];
    const unknown = wanted.find((scope) => !(scopes as readonly string[]).includes(scope));
    if (unknown !== undefined) throw new UsageError(`unknown scope \`${unknown}\`, the scopes are ${scopes.join(", ")}`);
    const expiresAt = values.expires === undefined ? undefined : readExpiry(values.expires);
    const { key, info } = await tellingKeyProblems(
      async () =>
        await addKey(keyFile(values.keys, terminal), {
          name,
          scopes: scopes.filter((scope) => wanted.includes(scope)),
          agentCtx: readObject(values.agent),
          allow: values.allow,
          kind: values["host-program"] ? "host" : "agent",
          ...(expiresAt === undefined ? {} : { expiresAt }),
        }),
    );
    await print(terminal, values.json ? `${JSON.stringify({ key, ...info })}\n` : `${key}\n`);
    if (!values.json) complain(terminal, `This is the only time that the key is shown. Its id is ${info.id}.`);
    return exitCodes.ok;
  },
};

function readObject(text: string): JsonObject {
  const value = jsonOption("--agent", text, '{"agent_id":"ci"}');
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new UsageError("--agent: not a JSON object");
  return value as JsonObject;
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function readExpiry(text: string, now: Date = new Date()): Date {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const at =
    count !== undefined && unit !== undefined
      ? now.getTime() + Number(count) * (unitMs[unit] ?? 0)
      : /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text)
        ? Date.parse(text)
        : Number.NaN;
  if (Number.isNaN(at)) throw new UsageError(`--expires is \`${text}\`: write 2027-01-31T12:00:00Z, or how long from now: 90m, 12h, 30d`);
  if (at <= now.getTime()) throw new UsageError(`--expires is \`${text}\`, which is not to come`);
  return new Date(at);
}
