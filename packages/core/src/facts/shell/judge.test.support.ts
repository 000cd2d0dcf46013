import type { Decision } from "../../policy/decision.ts";
import { exists, labelledContext, not, or, verdict, and } from "../verdict.test.support.ts";
import type { Rule } from "../verdict.test.support.ts";
import type { Truth } from "../verdict.test.support.ts";
import type { Effects } from "../effects.ts";
import type { DiskFact } from "../schema.ts";
import { open, Unknown } from "../unknown.ts";
import type { FileEffect, ShellFact } from "./findings.ts";
import { shellFacts } from "./shell.ts";

const safe: readonly string[] = labelledContext.safe_paths;

/** `list.size() == 0`. */
function none(list: Effects<unknown>): Truth {
  return list.items.length > 0 ? false : list.open === null ? true : open(list.open);
}

function path(item: FileEffect, holds: (path: Exclude<FileEffect["path"], Unknown>) => Truth): Truth {
  return item.path instanceof Unknown ? item.path : holds(item.path);
}

/** The rules over commands that a careful policy has, condition by condition. */
export function shellRules(shell: ShellFact): readonly Rule[] {
  return [
    { id: "shell-hazard", decision: "DENY", when: exists(shell.hazards, (hazard) => hazard.kind !== "") },
    {
      id: "shell-delete-tree",
      decision: "DENY",
      when: exists(shell.deletes, (item) => and(item.recursive, not(path(item, (at) => at.strictlyWithin(safe))))),
    },
    {
      id: "shell-delete-protected",
      decision: "DENY",
      when: exists(shell.deletes, (item) => path(item, (at) => or(at.system, at.anchor, at.canopy))),
    },
    {
      id: "shell-write-protected",
      decision: "DENY",
      when: exists(shell.writes, (item) => path(item, (at) => or(at.system, at.canopy, and(item.recursive, at.anchor)))),
    },
    { id: "shell-canopy", decision: "DENY", when: exists(shell.privileges, (right) => right.kind === "canopy") },
    {
      id: "shell-read-only",
      decision: "ALLOW",
      when: and(
        none(shell.deletes),
        none(shell.writes),
        none(shell.network),
        none(shell.installs),
        none(shell.privileges),
        none(shell.code),
        none(shell.changes),
        none(shell.secrets),
        none(shell.hazards),
        none(shell.environment),
        none(shell.background),
        none(shell.unrecognized),
        none(shell.suspicious_text),
      ),
    },
  ];
}

/** What these rules answer to a command of the agent that all labelled actions are judged for. */
export function judge(
  command: string,
  payload: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
  disk?: Readonly<Record<string, DiskFact>>,
): Decision {
  const { cwd, home } = labelledContext;
  const context = { agentCtx: { cwd, home }, payload: { command, ...payload } };
  const fact = shellFacts.analyse([command], disk === undefined ? context : { ...context, disk });
  return fact instanceof Unknown ? "REQUIRE_APPROVAL" : verdict(shellRules(fact as ShellFact));
}
