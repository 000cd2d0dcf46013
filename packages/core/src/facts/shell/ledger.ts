import type { PathBase } from "../path.ts";
import type { DiskFact } from "../schema.ts";
import { open, Unknown } from "../unknown.ts";
import { Findings } from "./findings.ts";
import { startEffort } from "./limits.ts";
import type { Spend } from "./limits.ts";
import { Places, shown } from "./paths.ts";
import type { Place } from "./paths.ts";
import type { State } from "./state.ts";
import { isKnown, joined, known, literal, unknown } from "./text.ts";
import type { Field, Text } from "./text.ts";

/** Writes down what a script does to files and over the network, and remembers what it put in files itself. */
export class Ledger {
  readonly findings: Findings = new Findings();
  readonly places: Places;
  protected readonly spend: Spend = startEffort();

  constructor(base: PathBase, disk: Readonly<Record<string, DiskFact>> | undefined) {
    this.places = new Places(base, disk, this.spend);
  }

  /** Notes what the script puts in a file. */
  keep(file: Field, state: State, content: Text, append: boolean): void {
    const path = this.places.absolute(file, state);
    if (path === undefined) return;
    const before = state.files.get(path);
    state.files.set(path, append ? joined([before ?? unknown(), known("\n"), content]) : content);
  }

  /** What a file holds where the script put it there. */
  content(file: Field, state: State, stdin: Text = state.stdin): Text {
    if (file.content !== null) return file.content;
    const path = this.places.absolute(file, state);
    if (path === undefined) return unknown(file.sources);
    if (/^\/(?:dev\/stdin|dev\/fd\/0|proc\/self\/fd\/0)$/.test(literal(file) ?? path)) return stdin;
    return state.files.get(path) ?? unknown();
  }

  read(item: Field, state: State, program: string, recursive: boolean): void {
    const text = literal(item);
    if (item.content !== null || (text !== undefined && /^\/dev\/(?:null|zero|full|u?random|stdin|tty|fd\/\d+)$/.test(text))) return;
    const places = recursive ? this.places.below(item, state) : this.places.of(item, state);
    for (const place of places) {
      this.fileEffect("reads", place, program, recursive);
      if (place.secret === "yes") this.findings.add("secrets", `file ${program}`, { kind: "file", program });
      if (place.secret === "maybe") this.findings.open("secrets", `\`${program}\` may read one: \`${shown(item.text)}\``);
    }
    if (!isKnown(item) || item.glob) this.findings.open("reads", `\`${program}\` reads \`${shown(item.text)}\``);
  }

  write(item: Field, state: State, program: string, recursive: boolean): void {
    const text = literal(item);
    if (item.content !== null || (text !== undefined && /^\/dev\/(?:null|stdout|stderr|tty|fd\/\d+)$/.test(text))) return;
    for (const place of this.places.of(item, state)) {
      this.fileEffect("writes", place, program, recursive);
      if (place.path instanceof Unknown) continue;
      const { absolute } = place.path;
      if (typeof absolute === "string" && isDevice(absolute)) this.findings.add("hazards", `disk ${program}`, { kind: "disk", program });
    }
  }

  fileEffect(list: "reads" | "writes" | "deletes", { path, glob, vague }: Place, program: string, recursive: boolean): void {
    const where = path instanceof Unknown ? `?${path.why}` : path.text;
    this.findings.add(list, `${program} ${recursive} ${glob} ${vague === true} ${where}`, { path, recursive, glob, program });
  }

  /** Whether the script is where the agent works, or below; a directory that only the request names is the model's word. */
  isOwnDirectory(state: State): boolean {
    const { cwd, workspace } = this.places.base;
    if (workspace === undefined) return cwd === undefined && !state.moved;
    return !state.lost && state.directories.every((directory) => this.places.fact(directory).within(workspace) === true);
  }

  network(program: string, host?: string): void {
    this.findings.add("network", `${program} ${host ?? ""}`, {
      program,
      host: host ?? open(`the host that \`${program}\` talks to is not known`),
    });
  }
}

/** A device that holds data or drives hardware; not the ones that a script may write to at leisure. */
function isDevice(path: string): boolean {
  if (/^\/proc\/sysrq-trigger$/.test(path)) return true;
  return (
    /^\/dev\/./.test(path) &&
    !/^\/dev\/(?:null|zero|full|random|urandom|tty|stdin|stdout|stderr|fd|shm|pts|ptmx|mqueue|console)(?:\/|$)/.test(path)
  );
}
