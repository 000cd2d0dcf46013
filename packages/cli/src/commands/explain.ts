import { CanopyError, createChecker, explainEntry, isJsonObject } from "@canopy-runtime/core";
import type { ActionExplanation, AgentContext, Decision, EntryExplanation, JsonObject, JsonValue } from "@canopy-runtime/core";
import { parseArgs } from "node:util";
import type { Command } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import { ruleIds } from "../entry-row.ts";
import { jsonOption } from "../json-option.ts";
import { ruleLines } from "../rule-lines.ts";
import { complain, paint, print, visible } from "../terminal.ts";
import type { Style, Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { logFile, logPath, reading } from "./audit/log-path.ts";

export const explain: Command = {
  name: "explain",
  summary: "what is understood of an action, and what each rule makes of it",
  help: `canopy explain: what is understood of an action, and what each rule makes of it; nothing is recorded and nothing is used up

Usage: canopy explain --action TYPE --payload JSON [--agent JSON] [--policy FILE] [--lexical] [--all] [--json]
       canopy explain --entry SEQ [--log LOG] [--policy FILE] [--all] [--json]

  --action TYPE    execute_shell, read_file, modify_file, delete_file, call_external_api, execute_query, or one of your own
  --payload JSON   what it is done with, such as '{"command":"ls -la"}'
  --agent JSON     who acts and where, such as '{"env":"production"}'; {} where it is left out
  --policy FILE    the policy; the one that CANOPY_POLICY_FILE names, else the bundled one, where it is left out
  --lexical        judge paths by their text alone; without it symlinks and hard links are looked up on this machine
  --all            also the rules that their conditions keep out, and everything that was understood
  --entry SEQ      a decision on record, by its number or its id, under the policy that made it, or under --policy; the disk is not looked at
  --log LOG        the log of that entry, or its folder; the one that CANOPY_AUDIT_LOG_PATH names, else audit.log, where it is left out
  --json           one line of JSON with all of it

Exit codes: 0 ALLOW, 3 REQUIRE_APPROVAL, 4 DENY, also where the policy does not load; 2 bad usage, or no such decision in the log, or what its
answer rests on is not on record.
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
        all: { type: "boolean", default: false },
        entry: { type: "string" },
        log: { type: "string" },
        json: { type: "boolean", default: false },
      },
    });
    if (values.entry !== undefined) {
      const other = (["action", "payload", "agent", "lexical"] as const).find(
        (name) => values[name] !== undefined && values[name] !== false,
      );
      if (other !== undefined) throw new UsageError(`--${other} does not go with --entry, whose request is on record`);
      return await explainRecorded(values.entry, values, terminal);
    }
    if (values.log !== undefined) throw new UsageError("--log goes with --entry");
    if (values.action === undefined) throw new UsageError("--action is missing, see canopy explain --help");
    if (values.payload === undefined) throw new UsageError("--payload is missing, see canopy explain --help");
    const policy = values.policy ?? terminal.env["CANOPY_POLICY_FILE"];
    if (policy === "") throw new UsageError("the name of the policy file is empty, name one or leave it out");
    const payload = jsonOption("--payload", values.payload, '{"command":"ls -la"}');
    const agentCtx = jsonOption("--agent", values.agent ?? "{}", '{"env":"production"}') as AgentContext;
    const checker = createChecker({ ...(policy === undefined ? {} : { policy }), resolvePaths: !values.lexical });
    let explained: ActionExplanation | undefined;
    try {
      [explained] = await checker.explain({ agentCtx, actions: [{ actionType: values.action, payload }] });
    } catch (error) {
      if (!(error instanceof CanopyError)) throw error;
      complain(terminal, `canopy: no policy is in force, so every answer is DENY\n${error.message}`);
      return exitCodes.deny;
    }
    if (explained === undefined) throw new Error("nothing was explained");
    await print(terminal, values.json ? `${JSON.stringify(wire(explained))}\n` : describe(explained, values.all, terminal));
    return codes[explained.decision];
  },
};

interface RecordedValues {
  readonly log?: string | undefined;
  readonly policy?: string | undefined;
  readonly all: boolean;
  readonly json: boolean;
}

async function explainRecorded(entry: string, { log, policy, all, json }: RecordedValues, terminal: Terminal): Promise<ExitCode> {
  if (policy === "") throw new UsageError("the name of the policy file is empty, name one or leave it out");
  const path = logFile(logPath(log === undefined ? [] : [log], terminal));
  let explained: EntryExplanation;
  try {
    explained = await reading(async () => await explainEntry(path, entry, policy));
  } catch (error) {
    if (!(error instanceof CanopyError)) throw error;
    if (error.code === "INVALID_OPTIONS") throw new UsageError(error.message, { cause: error });
    complain(terminal, `canopy: no policy is in force, so every answer is DENY\n${error.message}`);
    return exitCodes.deny;
  }
  const { recorded, now, actions, policyDigest, isSameEngine } = explained;
  if (json) {
    const { seq, ts, avid, answer, enforced, reason, rules, policyDigest: digest, engine, tool } = recorded;
    const entryWire = { seq, ts, avid, answer, enforced, reason, rules, policy_digest: digest, engine, tool };
    const text = JSON.stringify({
      recorded: entryWire,
      policy_digest: policyDigest,
      same_engine: isSameEngine,
      now,
      actions: actions.map(wire),
    });
    await print(terminal, `${text}\n`);
  } else {
    await print(terminal, describeRecorded(explained, terminal) + actions.map((action) => describe(action, all, terminal)).join(""));
  }
  return codes[now.decision];
}

function describeRecorded({ recorded, now, isSameEngine, policyDigest }: EntryExplanation, terminal: Terminal): string {
  const { seq, ts, answer, rules, reason, enforced, engine, tool, avid } = recorded;
  const rows = [
    ["when", ts.replace("T", " ").slice(0, 19)],
    ["agent", avid ?? "unknown"],
    ...(tool === null ? [] : [["tool", tool]]),
    ["answer", `${answer} by ${rules === null ? "rules that did not fit on the line" : ruleIds(rules.map(({ id }) => ({ id })))}`],
    ...(reason === null ? [] : [["reason", reason]]),
    ...(enforced ? [] : [["", "it was let through, because the runtime only observed"]]),
    ...(isSameEngine ? [] : [["engine", `${engine ?? "unknown"}, and this is another`]]),
    ...(policyDigest === recorded.policyDigest ? [] : [["policy", "another one than on record"]]),
    ...(now.decision === answer ? [] : [["now", `${now.decision}: ${now.reason}`]]),
  ];
  const body = rows.map(([name = "", text = ""]) => `  ${paint(terminal, "dim", name.padEnd(7))} ${visible(text)}\n`).join("");
  return `${paint(terminal, "bold", `entry ${seq}`)}\n${body}`;
}

function wire({ actionType, decision, reason, rules, understood, considered }: ActionExplanation): object {
  return { action_type: actionType, decision, reason, rules, understood, considered };
}

function describe(explained: ActionExplanation, all: boolean, terminal: Terminal): string {
  const { actionType, decision, reason, understood, considered } = explained;
  const shown = considered.filter(({ outcome }) => all || outcome !== "kept_out");
  const left = considered.length - shown.length;
  const heading = (text: string): string => `${paint(terminal, "bold", text)}\n`;
  return [
    `${paint(terminal, styles[decision], decision)} ${visible(actionType)}\n  ${visible(reason)}\n`,
    understood === null ? "" : heading("understood"),
    understood === null ? "" : understoodLines(understood, all),
    heading("rules"),
    ...shown.map((each) => ruleLines(each, 2, terminal)),
    shown.length === 0 ? "  none applies\n" : "",
    left === 0
      ? ""
      : `  ${left} more ${left === 1 ? "is" : "are"} kept out by ${left === 1 ? "its" : "their"} conditions; --all shows ${left === 1 ? "it" : "them"}\n`,
  ].join("");
}

/** A line for each thing that was found, under the name of its member; at the end what may be missing from which lists, and why. */
function understoodLines(understood: JsonObject, all: boolean): string {
  const open = new Map<string, string[]>();
  const lines: string[] = [];
  const add = (name: string, texts: readonly string[]): void => {
    for (const [index, text] of texts.entries()) lines.push(`  ${(index === 0 ? name : "").padEnd(19)} ${visible(text)}\n`);
  };
  for (const [name, value] of Object.entries(understood)) {
    if (name === "fact") continue;
    if (isJsonObject(value) && Array.isArray(value["items"])) {
      const why = value["open"];
      if (typeof why === "string") open.set(why, [...(open.get(why) ?? []), name]);
      const items = value["items"].map((item: JsonValue) => brief(item));
      const isShort = value["items"].every((item: JsonValue) => typeof item === "string");
      add(name, isShort && items.length > 0 ? [items.join(", ")] : items.length === 0 && all && why === null ? ["none"] : items);
    } else if (all || (value !== false && value !== "" && value !== null)) {
      add(name, [brief(value)]);
    }
  }
  for (const [why, names] of open) add("perhaps more", [`${names.join(", ")}: ${why}`]);
  return lines.join("");
}

/** One thing in one line: a program with its arguments, a file with what is done to it, or its members. */
function brief(value: JsonValue): string {
  if (typeof value === "string") return value;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const unknown = value["open"] ?? value["invalid"];
  if (typeof unknown === "string" && Object.keys(value).length === 1) return `not known: ${unknown}`;
  if ("args" in value && "program" in value) {
    const args = isJsonObject(value["args"]) && Array.isArray(value["args"]["items"]) ? value["args"]["items"] : value["args"];
    const words = [value["program"] ?? "", ...(Array.isArray(args) ? args : [])].map((word: JsonValue) =>
      typeof word === "string" ? quote(word) : "?",
    );
    const wrapped =
      Array.isArray(value["wrapped_by"]) && value["wrapped_by"].length > 0 ? `  (started by ${value["wrapped_by"].join(", ")})` : "";
    return `${words.join(" ")}${wrapped}${value["recognized"] === false ? "  (not understood)" : ""}`;
  }
  if (isJsonObject(value["path"])) {
    const { path } = value;
    const where =
      typeof path["absolute"] === "string"
        ? path["absolute"]
        : typeof path["text"] === "string"
          ? `${path["text"]} (from where, is not known)`
          : brief(path);
    const notes = ["recursive", "glob"].filter((key) => value[key] === true);
    const by = typeof value["program"] === "string" ? [`by ${value["program"]}`] : [];
    return [where, ...by, ...notes].join("  ");
  }
  return Object.entries(value)
    .filter(([, member]) => member !== false && member !== "" && member !== null)
    .map(([name, member]) => `${name} ${typeof member === "string" ? member : JSON.stringify(member)}`)
    .join(", ");
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

const codes: Readonly<Record<Decision, ExitCode>> = {
  ALLOW: exitCodes.ok,
  REQUIRE_APPROVAL: exitCodes.requireApproval,
  DENY: exitCodes.deny,
};

const styles: Readonly<Record<Decision, Style>> = { ALLOW: ["bold", "green"], REQUIRE_APPROVAL: ["bold", "yellow"], DENY: ["bold", "red"] };
