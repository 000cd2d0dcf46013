import type { JsonValue } from "../../json.ts";
import { Effects } from "../effects.ts";
import type { DiskFact } from "../schema.ts";
import { invalid, open, Unknown } from "../unknown.ts";
import { ask, isAnchor, isCanopy, isForeign, isRepositoryInternal, isRunLater, isSecret, isStartup, isSystem } from "./judge.ts";
import type { Question, Surroundings } from "./judge.ts";
import { depthBelow, directory, location, spell } from "./location.ts";
import type { Location } from "./location.ts";
import { readPath } from "./readings.ts";
import type { PathBase, Start } from "./readings.ts";

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
  // What the text says is outside is not inside, whatever the disk would have said.
  const told = locations.filter((at, index) => index < lexical.length || at.root !== null);
  const isBelow = (directories: JsonValue, depth: number): Truth => below(locations, told, directories, depth, disk);

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

/** Whether every location lies at least `depth` names below one of the directories; false where each of those that are `told` surely does not. */
function below(locations: readonly Location[], told: readonly Location[], asked: JsonValue, depth: number, disk: Disk | undefined): Truth {
  const texts = typeof asked === "string" ? [asked] : asked;
  if (!Array.isArray(texts)) return invalid("the directories are neither a string nor a list of strings");
  const known: Location[] = [];
  let bad: Unknown | null = null;
  for (const text of texts as readonly JsonValue[]) {
    const at = typeof text === "string" ? directory(text) : null;
    if (at === null) bad ??= invalid(`the directory ${JSON.stringify(text).slice(0, 80)} is not an absolute path`);
    else known.push(at, ...realOf(at, disk));
  }
  if (locations.every((at) => known.some((outer) => depthBelow(outer, at, false) >= depth))) return true;
  if (bad !== null) return bad;
  const mayBe = (at: Location): boolean => at.lookup === null || known.some((outer) => depthBelow(outer, at, true) >= depth);
  if (known.length === 0 || !told.some(mayBe)) return false;
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
