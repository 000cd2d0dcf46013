import { CanopyError, createChecker, parseJson } from "@canopy-runtime/core";
import type { AgentContext, AuthorizationResult, Checker, Decision, JsonValue } from "@canopy-runtime/core";
import { formatProblem } from "@canopy-runtime/core/policy";
import { parseArgs } from "node:util";
import type { Command } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import { jsonOption } from "../json-option.ts";
import { lines } from "../lines.ts";
import type { Line } from "../lines.ts";
import { complain, paint, print, visible } from "../terminal.ts";
import type { Style, Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";

export const check: Command = {
  name: "check",
  summary: "what policy says of an action; nothing is recorded",
  help: `canopy check: what policy says of an action; nothing is recorded and nothing is used up

Usage: canopy check --action TYPE --payload JSON [--agent JSON] [--policy FILE] [--json]
       canopy check --jsonl [--policy FILE]

  --action TYPE    execute_shell, read_file, modify_file, delete_file, call_external_api, execute_query, or one of your own
  --payload JSON   what it is done with, such as '{"command":"ls -la"}'
  --agent JSON     who acts and where, such as '{"env":"production"}'; {} where it is left out
  --policy FILE    the policy; the one that CANOPY_POLICY_FILE names, else the bundled one, where it is left out
  --lexical        judge paths by their text alone; without it symlinks and hard links are looked up on this machine
  --json           one line of JSON instead of text
  --jsonl          a request a line on standard input, {"agent_ctx":{…},"action_type":"…","action_payload":{…}};
                   a decision a line on standard output, in the same order. A bad line is answered with "error" and "decision":"DENY"

Exit codes: 0 ALLOW, 3 REQUIRE_APPROVAL, 4 DENY, also where the policy does not load; 2 bad usage.
With --jsonl 0 when every line was answered, as far as anybody read.
`,
  async run(args, terminal) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        action: { type: "string" },
        payload: { type: "string" },
        agent: { type: "string" },
        policy: { type: "string" },
        lexical: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        jsonl: { type: "boolean", default: false },
      },
    });
    const policy = values.policy ?? terminal.env["CANOPY_POLICY_FILE"];
    if (policy === "") throw new UsageError("the name of the policy file is empty, name one or leave it out");
    const checker = createChecker({ ...(policy === undefined ? {} : { policy }), resolvePaths: !values.lexical });
    await tellProblems(checker, terminal);
    if (values.jsonl) {
      const other = (["action", "payload", "agent"] as const).find((name) => values[name] !== undefined);
      if (other !== undefined) throw new UsageError(`--${other} does not go with --jsonl, whose requests come from standard input`);
      return await answerLines(checker, terminal);
    }
    if (values.action === undefined) throw new UsageError("--action is missing, see canopy check --help");
    if (values.payload === undefined) throw new UsageError("--payload is missing, see canopy check --help");
    const request = {
      agent_ctx: jsonOption("--agent", values.agent ?? "{}", '{"env":"production"}'),
      action_type: values.action,
      action_payload: jsonOption("--payload", values.payload, '{"command":"ls -la"}'),
    };
    const result = await ask(checker, request);
    await print(terminal, values.json ? `${JSON.stringify(wire(result))}\n` : describe(result, values.action, terminal));
    return codes[result.decision];
  },
};

interface WireRequest {
  readonly agent_ctx: unknown;
  readonly action_type: unknown;
  readonly action_payload: unknown;
}

/** Without a policy every answer is a DENY; what keeps it from loading is told in full, once, and so is what loads and was hardly meant. */
async function tellProblems(checker: Checker, terminal: Terminal): Promise<void> {
  try {
    const { warnings } = await checker.policy();
    for (const warning of warnings) complain(terminal, `warning: ${formatProblem(warning)}`);
  } catch (error) {
    if (!(error instanceof CanopyError)) throw error;
    complain(terminal, `canopy: no policy is in force, so every answer is DENY\n${error.message}`);
  }
}

async function ask(checker: Checker, { agent_ctx, action_type, action_payload }: WireRequest): Promise<AuthorizationResult> {
  // The types say what a caller in TypeScript must not get wrong; what came as JSON is checked by `check` itself.
  return await checker.check({
    agentCtx: agent_ctx as AgentContext,
    actions: [{ actionType: action_type as string, payload: action_payload }],
  });
}

async function answerLines(checker: Checker, terminal: Terminal): Promise<ExitCode> {
  let number = 0;
  for await (const line of lines(terminal.stdin, longestLine)) {
    number += 1;
    // Nobody reads the answers any more: no reason to go on asking.
    if (!(await print(terminal, `${JSON.stringify(await answerLine(checker, line, number))}\n`))) break;
  }
  return exitCodes.ok;
}

async function answerLine(checker: Checker, line: Line, number: number): Promise<object> {
  try {
    if (line === "too long") throw new UsageError(`longer than ${longestLine} bytes`);
    if (line.malformed) throw new UsageError("not UTF-8");
    const request = parseJson(line.text);
    if (typeof request !== "object" || request === null || Array.isArray(request)) throw new UsageError("not a JSON object");
    const unknown = Object.keys(request).find((key) => !requestKeys.includes(key));
    if (unknown !== undefined) throw new UsageError(`unknown key \`${visible(unknown)}\`, the keys are ${requestKeys.join(", ")}`);
    const { agent_ctx = {}, action_type, action_payload } = request as Readonly<Record<string, JsonValue>>;
    if (typeof action_type !== "string") throw new UsageError("`action_type` is missing, or no string");
    if (action_payload === undefined) throw new UsageError("`action_payload` is missing");
    return wire(await ask(checker, { agent_ctx, action_type, action_payload }));
  } catch (error) {
    if (error instanceof UsageError || error instanceof CanopyError) return { decision: "DENY", error: `line ${number}: ${error.message}` };
    throw error;
  }
}

/** A request's JSON may be this long; a longer line is answered with an error without being kept in memory. */
const longestLine = 16 * 1024 * 1024;

const requestKeys = ["agent_ctx", "action_type", "action_payload"];

/** The answer in the words of the wire and of the log. */
function wire(result: AuthorizationResult): object {
  return {
    decision: result.decision,
    reason: result.reason,
    avid: result.avid,
    rules: result.rules,
    policy_digest: result.policyDigest,
  };
}

function describe(result: AuthorizationResult, action: string, terminal: Terminal): string {
  const rules = result.rules.map(({ id, file, line }) => `${id} (${file}:${line})`);
  const rows = [
    ["reason", result.reason],
    ["rule", rules.length === 0 ? "none" : rules.join(", ")],
    ["agent", result.avid],
    ["policy", result.policyDigest ?? "none in force"],
  ];
  const body = rows.map(([name = "", text = ""]) => `  ${paint(terminal, "dim", name.padEnd(7))} ${visible(text)}\n`).join("");
  return `${paint(terminal, styles[result.decision], result.decision)} ${visible(action)}\n${body}`;
}

const codes: Readonly<Record<Decision, ExitCode>> = {
  ALLOW: exitCodes.ok,
  REQUIRE_APPROVAL: exitCodes.requireApproval,
  DENY: exitCodes.deny,
};

const styles: Readonly<Record<Decision, Style>> = { ALLOW: ["bold", "green"], REQUIRE_APPROVAL: ["bold", "yellow"], DENY: ["bold", "red"] };
