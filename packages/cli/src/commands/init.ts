import { CanopyError, createAuditKey } from "@canopy-runtime/core";
import { parseArgs } from "node:util";
import type { Command } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import { defaultChoices, freedoms, readDirectory, readFreedom, readHost } from "../starter/choices.ts";
import type { Choices } from "../starter/choices.ts";
import { askChoices } from "../starter/questions.ts";
import { writeStarter } from "../starter/write-starter.ts";
import { print, visible } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";

const options = {
  yes: { type: "boolean", default: false },
  shell: { type: "string" },
  files: { type: "string" },
  path: { type: "string", multiple: true },
  apis: { type: "string" },
  host: { type: "string", multiple: true },
  sql: { type: "string" },
  payments: { type: "string" },
  production: { type: "boolean" },
  "audit-key": { type: "string" },
  name: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

export const init: Command = {
  name: "init",
  summary: "a policy to begin with and its tests, or a key for an audit log",
  help: `canopy init: makes what Canopy needs to begin with

Usage: canopy init [FOLDER] [--yes] [OPTION…]
       canopy init --audit-key FILE [--name NAME] [--json]

The first writes canopy.policy.yaml, commented, and canopy.policy.test.yaml with its tests, into FOLDER or this one. It asks on a terminal for what
is not said here; nothing is ever overwritten.

  --yes              asks nothing: what is not said is careful, or asked about where it is money
  --shell WORD       shell commands: careful (looks freely, asks before it changes something, cannot destroy), ask (about all of it), or deny
  --files WORD       files, in the same words; careful asks, save in the directories that are named
  --path DIR         a directory in which it may read and write without asking; may be repeated
  --apis WORD        APIs, in the same words; careful asks, save to read from the hosts that are named
  --host HOST        a host that it may read from without asking, such as api.example.com or *.example.com; may be repeated
  --sql WORD         SQL, in the same words
  --payments WORD    what moves money: ask or deny
  --production       it runs in production too, where a person is asked before anything changes, and nothing is removed
  --audit-key FILE   a new Ed25519 key that signs checkpoints of audit logs, readable by you alone; an existing file is never overwritten
  --name NAME        what the key is called, such as example.com/agents; made up where it is left out
  --json             one line of JSON instead of text

The public half of a key is printed: hand it out, and keep a copy where the log's writer cannot change it. CANOPY_AUDIT_KEY_PATH, or the host's option
keyPath, names the file to the runtime. Whoever can read the file can sign: keep it from the account that the agent's tools run as where you can.

Exit codes: 0 done, 2 bad usage, or a file exists or cannot be written.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const { "audit-key": key, name, json, yes, ...starter } = values;
    if (key !== undefined) {
      const [other] = [...Object.keys(starter), ...(yes ? ["yes"] : []), ...(positionals.length > 0 ? ["a folder"] : [])];
      if (other !== undefined) throw new UsageError(`${other.startsWith("a ") ? other : `--${other}`} does not go with --audit-key`);
      return await makeKey(key, name, json, terminal);
    }
    if (name !== undefined) throw new UsageError("--name goes with --audit-key");
    if (positionals.length > 1) throw new UsageError(`one folder at a time, not ${positionals.length}`);
    const said = readChoices(starter);
    if (!yes && (!terminal.interactive || json))
      throw new UsageError("there is nobody to ask: --yes takes the careful answer to whatever is not said");
    const choices = yes ? { ...defaultChoices, ...said } : await askChoices(said, terminal);
    const { policy, tests } = await writeStarter(positionals[0] ?? ".", choices);
    const text = `written: ${visible(policy)}, and its tests in ${visible(tests)}
try it:  canopy test ${visible(tests)}
use it:  CANOPY_POLICY_FILE=${visible(policy)}, or the option policy of the runtime
`;
    await print(terminal, json ? `${JSON.stringify({ policy, tests, choices })}\n` : text);
    return exitCodes.ok;
  },
};

interface StarterValues {
  readonly shell?: string | undefined;
  readonly files?: string | undefined;
  readonly path?: readonly string[] | undefined;
  readonly apis?: string | undefined;
  readonly host?: readonly string[] | undefined;
  readonly sql?: string | undefined;
  readonly payments?: string | undefined;
  readonly production?: boolean | undefined;
}

/** What was said on the command line, and nothing else; naming directories or hosts says that these are taken carefully. */
function readChoices({ shell, files, path, apis, host, sql, payments, production }: StarterValues): Partial<Choices> {
  if (path !== undefined && files !== undefined && files !== "careful") throw new UsageError("--path goes with --files careful");
  if (host !== undefined && apis !== undefined && apis !== "careful") throw new UsageError("--host goes with --apis careful");
  return {
    ...(shell === undefined ? {} : { shell: readFreedom("--shell", shell, freedoms) }),
    ...(files === undefined ? {} : { files: readFreedom("--files", files, freedoms) }),
    ...(path === undefined ? {} : { files: "careful", paths: [...new Set(path.map((each) => readDirectory("--path", each)))] }),
    ...(apis === undefined ? {} : { apis: readFreedom("--apis", apis, freedoms) }),
    ...(host === undefined ? {} : { apis: "careful", hosts: [...new Set(host.map((each) => readHost("--host", each)))] }),
    ...(sql === undefined ? {} : { sql: readFreedom("--sql", sql, freedoms) }),
    ...(payments === undefined ? {} : { payments: readFreedom("--payments", payments, ["ask", "deny"]) }),
    ...(production === undefined ? {} : { production }),
  };
}

async function makeKey(path: string, name: string | undefined, json: boolean, terminal: Terminal): Promise<ExitCode> {
  if (path === "") throw new UsageError("the name of the key's file is empty");
  try {
    const publicKey = await createAuditKey(path, name);
    await print(terminal, json ? `${JSON.stringify({ file: path, public_key: publicKey })}\n` : `${publicKey}\n`);
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CanopyError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}
