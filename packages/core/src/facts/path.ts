import type { JsonValue } from "../json.ts";
import { isJsonObject, member } from "../json.ts";
import { Effects } from "./effects.ts";
import { ask, isAnchor, isCanopy, isForeign, isRepositoryInternal, isRunLater, isSecret, isStartup, isSystem } from "./path/judge.ts";
import type { Question, Surroundings } from "./path/judge.ts";
import { depthBelow, directory, location, spell } from "./path/location.ts";
import type { Location } from "./path/location.ts";
import { longestPath, readPath } from "./path/readings.ts";
import type { PathBase, Start } from "./path/readings.ts";
import { bool, list, string } from "./schema.ts";
import type { DiskFact, FactContext, FactFunction, RecordType } from "./schema.ts";
import { invalid, open, Unknown } from "./unknown.ts";

export type { PathBase } from "./path/readings.ts";

type Truth = boolean | Unknown;
type Disk = Readonly<Record<string, DiskFact>>;

/**
 * What a path may mean to whoever is handed its text. A question that guards (`secret`, `system`, …) is true where any reading of the text
 * makes it so; `within` is true only where every reading does, and open where readings differ.
 */
export interface PathFact {
  readonly text: string;
  readonly absolute: string | Unknown;
  readonly name: string | Unknown;
  readonly problems: Effects<string>;
  readonly system: Truth;
  readonly secret: Truth;
  readonly repository_internal: Truth;
  readonly canopy: Truth;
  readonly startup: Truth;
  readonly run_later: Truth;
  readonly anchor: Truth;
  readonly foreign: Truth;
  readonly null_device: Truth;
  readonly linked: Truth;
  readonly protected: string | Unknown;
  /** The absolute paths that a disk would have to be asked about for this path; not part of the record. */
  readonly lookups: readonly string[];
  readonly within: (directories: JsonValue) => Truth;
  readonly strictlyWithin: (directories: JsonValue) => Truth;
}

/**
 * Understands `text` as a path, by its text alone, and by what `disk` says where it is given: then every place that the text may mean is
 * asked for there, and one that nobody looked up leaves the questions about it open. Total, pure, and bounded.
 */
export function analysePath(text: string, base: PathBase, disk?: Disk): PathFact {
  const { start, around } = contextOf(base, disk);
  const { locations: lexical, primary, problems } = readPath(text, start, base.literal === true);
  const { locations, linked } = onDisk(lexical, disk);

  const answer = (question: Question, what: string): Truth => {
    const hit = ask(question, locations, around);
    if (hit !== "maybe") return hit === "yes";
    return open(`whether it is ${what} is not known: ${whyOpen(locations)}`);
  };
  const isBelow = (directories: JsonValue, depth: number): Truth => below(locations, directories, depth, disk);

  return {
    text,
    problems: new Effects(problems),
    get absolute() {
      if (typeof primary === "string") return open(primary);
      if (primary.root === null || primary.root === "~") return open(primary.why ?? "where the path starts is not known");
      return spell(primary.root, primary.segments);
    },
    get name() {
      if (typeof primary === "string") return open(primary);
      return primary.segments.at(-1) ?? (primary.why === null ? "" : open(primary.why));
    },
    get system() {
      return answer(isSystem, "the system's");
    },
    get secret() {
      return answer(isSecret, "a secret");
    },
    get repository_internal() {
      return answer(isRepositoryInternal, "internal to a repository");
    },
    get canopy() {
      return answer(isCanopy, "Canopy's own");
    },
    get startup() {
      return answer(isStartup, "run at start-up");
    },
    get run_later() {
      return answer(isRunLater, "run later");
    },
    get anchor() {
      return answer(isAnchor, "a directory that others stand on");
    },
    get foreign() {
      return answer(isForeign, "outside every known place");
    },
    get null_device() {
      return locations.every((at) => at.root === "/" && at.segments.length === 2 && at.segments[0] === "dev" && at.segments[1] === "null");
    },
    linked,
    get protected() {
      return firstThatHolds([
        ["canopy", this.canopy],
        ["secret", this.secret],
        ["repository_internal", this.repository_internal],
        ["startup", this.startup],
        ["system", this.system],
        ["anchor", this.anchor],
      ]);
    },
    get lookups() {
      return [...new Set(lexical.flatMap((at) => at.lookup ?? []))];
    },
    within: (directories) => isBelow(directories, 0),
    strictlyWithin: (directories) => isBelow(directories, 1),
  };
}

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
  if (base.cwd === base.workspace || (isJsonObject(payload) && member(payload, "command") !== undefined)) return base;
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

interface Context {
  readonly start: Start;
  readonly around: Surroundings;
}

const contexts = new WeakMap<PathBase, { readonly disk: Disk | undefined; readonly context: Context }>();

function contextOf(base: PathBase, disk: Disk | undefined): Context {
  const known = contexts.get(base);
  if (known !== undefined && known.disk === disk) return known.context;
  const resolve = (path: string | undefined): Location[] => {
    const at = path === undefined ? null : directory(path);
    return at === null ? [] : [at, ...realOf(at, disk)];
  };
  const cwd = base.cwd === undefined ? null : directory(base.cwd);
  const home = resolve(base.home);
  const workspace = resolve(base.workspace);
  const anywhere = cwd ?? home[0] ?? workspace[0];
  const context = {
    start: { cwd, home: home[0] ?? null },
    around: {
      home,
      workspace,
      ownFiles: (base.ownFiles ?? []).flatMap(resolve),
      windows: anywhere === undefined ? null : anywhere.root !== "/",
    },
  };
  contexts.set(base, { disk, context });
  return context;
}

/** The locations, and behind them what the disk resolved them to. */
function onDisk(lexical: readonly Location[], disk: Disk | undefined): { readonly locations: readonly Location[]; readonly linked: Truth } {
  if (disk === undefined) return { locations: lexical, linked: false };
  const locations = [...lexical];
  let linked: Truth = false;
  for (const at of lexical) {
    const fact = at.lookup === null ? undefined : ofDisk(disk, at.lookup);
    const real = fact === undefined ? null : directory(fact.real);
    if (fact === undefined || real === null) {
      const why = at.why ?? `nobody looked up \`${at.lookup}\` on the disk`;
      locations.push(location(null, at.segments, { why }));
      if (linked === false) linked = open(`whether it has other names is not known: ${why}`);
      continue;
    }
    if (fact.real !== at.lookup) locations.push(real);
    if (!(fact.links <= 1)) linked = true;
  }
  return { locations, linked };
}

function realOf(at: Location, disk: Disk | undefined): Location[] {
  const fact = disk === undefined || at.lookup === null ? undefined : ofDisk(disk, at.lookup);
  const real = fact === undefined ? null : directory(fact.real);
  return real === null ? [] : [real];
}

function ofDisk(disk: Disk, path: string): DiskFact | undefined {
  return Object.hasOwn(disk, path) ? disk[path] : undefined;
}

/** Whether every location lies at least `depth` names below one of the directories. */
function below(locations: readonly Location[], asked: JsonValue, depth: number, disk: Disk | undefined): Truth {
  const texts = typeof asked === "string" ? [asked] : asked;
  if (!Array.isArray(texts)) return invalid("the directories are neither a string nor a list of strings");
  const known: Location[] = [];
  let bad: Unknown | null = null;
  for (const text of texts as readonly JsonValue[]) {
    const at = typeof text === "string" ? directory(text) : null;
    if (at === null) bad ??= invalid(`the directory ${JSON.stringify(text).slice(0, 80)} is not an absolute path`);
    else known.push(at, ...realOf(at, disk));
  }
  let inside = 0;
  let perhaps = 0;
  for (const at of locations) {
    if (known.some((outer) => depthBelow(outer, at, false) >= depth)) inside += 1;
    else if (at.lookup === null || known.some((outer) => depthBelow(outer, at, true) >= depth)) perhaps += 1;
  }
  if (inside === locations.length) return true;
  if (bad !== null) return bad;
  if (inside === 0 && perhaps === 0) return false;
  if (known.length === 0) return false;
  return open(`whether it is inside is not known: ${whyOpen(locations)}`);
}

function whyOpen(locations: readonly Location[]): string {
  return locations.find((at) => at.why !== null)?.why ?? "the path can be read in more than one way";
}

function firstThatHolds(answers: readonly (readonly [string, Truth])[]): string | Unknown {
  const held = answers.find(([, truth]) => truth === true);
  if (held !== undefined) return held[0];
  const unknown = answers.find(([, truth]) => truth instanceof Unknown)?.[1];
  return unknown instanceof Unknown ? unknown : "";
}
