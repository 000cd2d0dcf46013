import type { JsonValue } from "../json.ts";
import { isJsonObject, member } from "../json.ts";
import { analysePath } from "./path/fact.ts";
import type { PathFact } from "./path/fact.ts";
import { directory } from "./path/location.ts";
import { longestPath } from "./path/readings.ts";
import type { PathBase } from "./path/readings.ts";
import { bool, list, string } from "./schema.ts";
import type { FactContext, FactFunction, RecordType } from "./schema.ts";
import { invalid } from "./unknown.ts";

export { type PathFact, analysePath } from "./path/fact.ts";
export { type PathBase } from "./path/readings.ts";

const directories = { name: "directories", types: [string, list(string)] } as const;

export const pathRecord: RecordType = {
  name: "Path",
  description: "What a path may mean, resolved by its text, and by the disk where the host looked.",
  members: {
    text: { kind: "field", type: string, description: "the path as it was given" },
    absolute: { kind: "field", type: string, description: "the absolute path it stands for; open where that cannot be told" },
    name: { kind: "field", type: string, description: "the last name of the path; empty for the root" },
    problems: {
      kind: "field",
      type: list(string),
      description:
        "what is odd about the text: nul, control, bidi, invisible, mixed_script, lookalike, trailing_dot_or_space, short_name, stream, percent_encoding, backslash, windows, procfs, empty, too_long",
    },
    system: { kind: "field", type: bool, description: "belongs to the operating system: /etc, /usr, /dev, a root, C:\\Windows, …" },
    secret: {
      kind: "field",
      type: bool,
      description: "holds passwords, tokens, keys, or what browsers and shells remember: ~/.ssh, .env, /etc/shadow, …",
    },
    repository_internal: { kind: "field", type: bool, description: "inside what version control keeps for itself: .git, .hg, …" },
    canopy: { kind: "field", type: bool, description: "one of Canopy's own files: its policy, log, lock, keys or approvals" },
    startup: {
      kind: "field",
      type: bool,
      description: "read or run by itself at login or when a daily tool starts: ~/.bashrc, ~/.gitconfig, …",
    },
    run_later: {
      kind: "field",
      type: bool,
      description:
        "run later by an install, a commit, a build server, an editor or an agent: package.json, .github/workflows, node_modules, …",
    },
    anchor: {
      kind: "field",
      type: bool,
      description: "a root, the home or working directory, or a directory above one of them or above Canopy's files",
    },
    foreign: {
      kind: "field",
      type: bool,
      description:
        "outside the working and home directories, temporary directories, mounted storage, and the system: nobody's place that is known",
    },
    null_device: { kind: "field", type: bool, description: "/dev/null, where writing keeps nothing" },
    linked: { kind: "field", type: bool, description: "has other names (hard links) on disk; false where no disk was looked at" },
    protected: {
      kind: "field",
      type: string,
      description: "the first that holds of canopy, secret, repository_internal, startup, system and anchor; empty where none does",
    },
    within: {
      kind: "method",
      type: bool,
      parameters: [directories],
      description:
        "is one of these absolute directories or lies inside, name by name; where the disk was asked, what it resolves to as well",
      call: (fact: PathFact, args) => fact.within(args[0] ?? null),
    },
    strictly_within: {
      kind: "method",
      type: bool,
      parameters: [directories],
      description: "lies inside one of these absolute directories and is not one itself",
      call: (fact: PathFact, args) => fact.strictlyWithin(args[0] ?? null),
    },
  },
};

/** `path(payload.path)`: the argument as a path of the agent that acts. */
export const pathFacts: FactFunction = {
  name: "path",
  description: "Understands a text as a path.",
  parameters: [{ name: "path", types: [string] }],
  result: pathRecord,
  analyse: ([text], context) => {
    if (typeof text !== "string") return invalid("the path is not a string");
    if (text.length > longestPath) return invalid(`the path is longer than ${longestPath} characters`);
    return analysePath(text, fileBase(context), context.disk);
  },
};

/**
 * A working directory in a payload counts where the action has one, as a command has. A file action has none: there it is the model's word
 * alone, and where it differs from the host's a relative path could start from either.
 */
function fileBase(context: FactContext): PathBase {
  const base = pathBase(context);
  const { payload } = context;
  if (base.cwd === base.workspace) return base;
  // A `command` beside a `path` makes no command of a file action.
  if (isJsonObject(payload) && member(payload, "command") !== undefined && member(payload, "path") === undefined) return base;
  const { cwd: _either, ...rest } = base;
  return rest;
}

/** The base of paths that appear in a request: its working directory, the agent's home and workspace, and Canopy's own files. */
export function pathBase(context: FactContext): PathBase {
  const { agentCtx, payload, ownFiles } = context;
  const workspace = member(agentCtx, "cwd");
  const home = member(agentCtx, "home");
  const inPayload = isJsonObject(payload) ? member(payload, "cwd") : undefined;
  const cwd = inPayload === undefined ? workspace : requestCwd(inPayload, workspace);
  return {
    ...(typeof cwd === "string" ? { cwd } : {}),
    ...(typeof home === "string" ? { home } : {}),
    ...(typeof workspace === "string" ? { workspace } : {}),
    ...(ownFiles === undefined ? {} : { ownFiles }),
  };
}

/** The payload's working directory; a relative one starts from the agent's. Undefined where that cannot be told. */
function requestCwd(inPayload: JsonValue, workspace: JsonValue | undefined): string | undefined {
  if (typeof inPayload !== "string") return undefined;
  if (directory(inPayload) !== null) return inPayload;
  const from = typeof workspace === "string" ? workspace : undefined;
  const { absolute } = analysePath(inPayload, from === undefined ? {} : { cwd: from });
  return typeof absolute === "string" ? absolute : undefined;
}
