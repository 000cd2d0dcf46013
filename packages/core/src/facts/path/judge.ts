import { depthBelow } from "./location.ts";
import type { Location } from "./location.ts";
import { find } from "./pattern.ts";
import type { Hit, Places } from "./pattern.ts";
import {
  approvalPlaces,
  canopyPlaces,
  codePlaces,
  keyStorePlaces,
  lenientSystemPlaces,
  repositoryPlaces,
  secretPlaces,
  sharedPlaces,
  startupPlaces,
  systemPlaces,
  windowsSystemPlaces,
} from "./places.ts";

/** The directories that questions about a location are asked against; each with what the disk resolved it to, where it was asked. */
export interface Surroundings {
  readonly home: readonly Location[];
  readonly workspace: readonly Location[];
  readonly ownFiles: readonly Location[];
  /** Whether relative paths start on a Windows machine, null where no directory says so; paths of one system are alien to the other. */
  readonly windows: boolean | null;
}

export type Question = (at: Location, around: Surroundings) => Hit;

/** The operating system's own; a file system's root and the directory of homes included. */
export const isSystem: Question = (at, around) => {
  if (at.root === null) return "maybe";
  if (at.root === "~") return "no";
  const [first] = at.folded;
  if (first === undefined) return "yes";
  if (at.folded.length === 1 && (first === "home" || first === "users")) return "yes";
  if (at.root !== "/") return lookIn(windowsSystemPlaces, at, around);
  const hard = lookIn(systemPlaces, at, around);
  if (hard === "yes" || isInOwnPlace(at, around)) return hard;
  const lenient = lookIn(lenientSystemPlaces, at, around);
  return lenient === "yes" ? "yes" : hard === "maybe" ? hard : lenient;
};

export const isSecret: Question = (at, around) => {
  // Only by its whole name: nearly every pattern could match one.
  if (lookIn(approvalPlaces, at, around) === "yes" || lookIn(keyStorePlaces, at, around) === "yes") return "yes";
  const hit = lookIn(secretPlaces, at, around);
  return hit === "yes" && isAlien(at, around) ? "maybe" : hit;
};

export const isRepositoryInternal: Question = (at, around) => lookIn(repositoryPlaces, at, around);

export const isStartup: Question = (at, around) => lookIn(startupPlaces, at, around);

export const isRunLater: Question = (at, around) => {
  // A directory that holds one passes for a repository, and git runs what its configuration says (gitrepository-layout(5)).
  if (at.folded.at(-1) === "head") return "yes";
  return lookIn(codePlaces, at, around);
};

/** Canopy's own: by the names that the host gave, what stands beside them under names that begin so, or by the names that such files have. */
export const isCanopy: Question = (at, around) => {
  if (around.ownFiles.some((file) => depthBelow(file, at, true) >= 0 || isBeside(file, at))) return "yes";
  return lookIn(canopyPlaces, at, around);
};

/** What other things stand on: a root, the home or working directory, or one above them or above Canopy's files. */
export const isAnchor: Question = (at, around) => {
  if (at.root === null) return "maybe";
  if (at.segments.length === 0) return "yes";
  const standing = [...around.home, ...around.workspace, ...around.ownFiles];
  if (standing.some((place) => depthBelow(at, place, true) >= 0)) return "yes";
  return isHomeShaped(at, at.folded.length) ? "yes" : "no";
};

/** In none of the places that somebody named or that are there for anybody, and not the system's either. */
export const isForeign: Question = (at, around) => {
  if (at.root === null) return "maybe";
  if (at.root === "~" || at.root !== "/") return "no";
  if (isSystem(at, around) === "yes" || isIn([...around.home, ...around.workspace], at)) return "no";
  const shared = lookIn(sharedPlaces, at, around);
  if (shared === "yes") return "no";
  if (around.workspace.length === 0) return "maybe";
  const inSomeHome = at.folded.some((_name, depth) => isHomeShaped(at, depth));
  return inSomeHome && around.home.length === 0 ? "maybe" : "yes";
};

/** Whether any of the places is surely, or perhaps, what is asked for; a reason to ask no further is a sure one. */
export function ask(question: Question, locations: readonly Location[], around: Surroundings): Hit {
  let best: Hit = "no";
  for (const at of locations) {
    const hit = question(at, around);
    if (hit === "yes") return "yes";
    if (hit === "maybe") best = "maybe";
  }
  return best;
}

/** Whether it is `file` with a dot and more after its name, as what belongs to a log is called, or in a directory of such a name. */
function isBeside(file: Location, at: Location): boolean {
  const last = file.folded.length - 1;
  const name = file.folded[last];
  if (name === undefined || file.root === null || file.root !== at.root) return false;
  return (
    at.folded[last]?.startsWith(`${name}.`) === true && file.folded.every((each, index) => index === last || each === at.folded[index])
  );
}

function lookIn(where: Places, at: Location, around: Surroundings): Hit {
  const hit = find(where, at, (depth) => homeAt(at, depth, around));
  // Nothing in the names says so, but the unknown start may.
  return hit === "no" && at.root === null ? "maybe" : hit;
}

/** Whether the first `depth` names are a home directory. */
function homeAt(at: Location, depth: number, around: Surroundings): Hit {
  if (at.root === null) return "maybe";
  if (at.root === "~") return depth === 0 ? "yes" : "no";
  if (isHomeShaped(at, depth)) return "yes";
  if (around.home.length === 0) return "maybe";
  return around.home.some((home) => home.folded.length === depth && depthBelow(home, at, true) >= 0) ? "yes" : "no";
}

function isHomeShaped(at: Location, depth: number): boolean {
  const [first] = at.folded;
  if (depth === 1) return first === "root" && at.root === "/";
  return depth === 2 && (first === "users" || (first === "home" && at.root === "/") || (first === "var" && at.folded[1] === "root"));
}

/**
 * Inside the home or working directory that the host named. One that is a whole top-level directory takes nothing from the system, save
 * root's home.
 */
function isInOwnPlace(at: Location, around: Surroundings): boolean {
  const own = [...around.home, ...around.workspace].filter((place) => place.segments.length > 1 || place.folded[0] === "root");
  return isIn(own, at);
}

function isIn(directories: readonly Location[], at: Location): boolean {
  return directories.some((outer) => depthBelow(outer, at, false) >= 0);
}

function isAlien(at: Location, around: Surroundings): boolean {
  return around.windows !== null && at.root !== null && at.root !== "~" && (at.root !== "/") !== around.windows;
}
