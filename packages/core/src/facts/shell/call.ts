import { runsCanopy } from "./canopy.ts";
import type { Findings, ListName } from "./findings.ts";
import { grammarOf } from "./grammar.ts";
import type { CommandSpec, Effect, Role } from "./grammar.ts";
import type { Interpreter } from "./interpreter.ts";
import { readArguments } from "./options.ts";
import type { Arguments } from "./options.ts";
import type { Place } from "./paths.ts";
import { shown } from "./paths.ts";
import type { State } from "./state.ts";
import { isKnown, joined, literal, source, unknown } from "./text.ts";
import type { Field, Text } from "./text.ts";

/** The lists of the fact that effects and roles add to, by the word that grammars have for them. */
const lists = {
  install: "installs",
  privilege: "privileges",
  change: "changes",
  secret: "secrets",
  hazard: "hazards",
} as const;

/** The same for the roles of arguments that are files, and for the network. */
const reached: Readonly<Record<string, ListName>> = { ...lists, write: "writes", delete: "deletes", network: "network" };

/** One program that is run, and what its specification can say about it. */
export class Call {
  readonly program: string;
  readonly args: readonly Field[];
  readonly state: State;
  readonly stdin: Text;
  readonly spec: CommandSpec;
  readonly interpreter: Interpreter;
  /** The wrappers around it, outermost first. */
  readonly wrappedBy: readonly string[];
  recognized = true;
  #arguments: Arguments | undefined;
  #sources = 0;

  constructor(
    program: string,
    args: readonly Field[],
    spec: CommandSpec,
    run: Pick<Call, "state" | "stdin" | "interpreter" | "wrappedBy">,
  ) {
    this.program = program;
    this.args = args;
    this.spec = spec;
    this.state = run.state;
    this.stdin = run.stdin;
    this.interpreter = run.interpreter;
    this.wrappedBy = run.wrappedBy;
  }

  get findings(): Findings {
    return this.interpreter.findings;
  }

  get arguments(): Arguments {
    return (this.#arguments ??= readArguments(this.args, grammarOf(this.spec)));
  }

  get operands(): readonly Field[] {
    return this.arguments.operands;
  }

  /** Whether an option was given, by its first spelling. */
  has(...names: readonly string[]): boolean {
    return this.arguments.options.some((option) => names.includes(option.spec.name));
  }

  /** The values of an option, in order. */
  values(...names: readonly string[]): readonly Field[] {
    return this.arguments.options.flatMap((option) =>
      names.includes(option.spec.name) && option.value !== undefined ? [option.value] : [],
    );
  }

  /** Does what the specification says, and answers what the program writes to its output. */
  judge(): Text {
    const { spec } = this;
    for (const effect of spec.effects ?? []) this.effect(effect);
    if (spec.options !== undefined || spec.operands !== undefined) this.#judgeArguments();
    const output = spec.run?.(this);
    if (output !== undefined) return output;
    let sources = this.#sources | this.stdin.sources;
    for (const item of this.args) sources |= item.sources;
    return unknown(sources);
  }

  #judgeArguments(): void {
    const { options, operands, problem, loose } = this.arguments;
    if (problem !== null) this.unrecognized(problem);
    for (const option of options) {
      for (const effect of option.spec.effects) this.effect(effect);
      if (option.value !== undefined) this.use(option.spec.role, option.value);
    }
    if (loose) this.#openReach();
    const roles = this.spec.operands;
    if (roles === undefined) return;
    operands.forEach((operand, index) => this.use(typeof roles === "string" ? roles : (roles[index] ?? roles.at(-1) ?? "text"), operand));
  }

  /** A word that only running the script tells may be one of the options that do more. */
  #openReach(): void {
    const why = `a word of \`${this.program}\` that is not known may be an option`;
    for (const reach of grammarOf(this.spec).reach) {
      if (reach === "list") continue;
      if (reach === "read" || reach === "secret") {
        this.findings.open("reads", why);
        if (!this.operands.every((operand) => isKnown(operand) || operand.under !== null)) this.findings.open("secrets", why);
      } else {
        const list = reached[reach];
        if (list === undefined) this.findings.openAll(why);
        else this.findings.open(list, why);
      }
    }
  }

  /** What a role says of one argument. */
  use(role: Role, item: Field): void {
    switch (role) {
      case "text":
        break;
      case "list":
        this.list(item);
        break;
      case "read":
        this.read(item);
        break;
      case "write":
        this.write(item);
        break;
      case "delete":
        this.delete(item);
        break;
      case "script":
        this.interpreter.runText(item, this.state, { wrappedBy: [...this.wrappedBy, this.program] });
        break;
      case "program":
        this.code("program");
        break;
    }
  }

  effect(effect: Effect): void {
    const [what, kind = ""] = effect.split(":");
    if (effect === "network") this.network();
    else if (effect === "unrecognized") this.unrecognized("an option of it is not analysed");
    else if (what === "code") this.code(kind);
    else this.findings.add(lists[what as keyof typeof lists], `${kind} ${this.program}`, { kind, program: this.program });
  }

  /** It runs something that is not looked into. */
  code(kind: string): void {
    // Hooks of a repository are run with words of their own.
    if (kind !== "hooks") this.#noticeCanopy();
    this.findings.add("code", `${kind} ${this.program}`, { kind, program: this.program });
    this.findings.openAll(`\`${this.program}\` runs code that is not analysed (${kind})`);
  }

  #noticeCanopy(): void {
    if (runsCanopy(this.program, this.args)) this.effect("privilege:canopy");
  }

  /** It is not understood: any effect is possible. */
  unrecognized(why: string): void {
    this.recognized = false;
    this.#noticeCanopy();
    this.findings.add("unrecognized", this.program, this.program);
    this.findings.openAll(`\`${shown(this.program)}\` is not understood: ${why}`);
  }

  network(host?: string): void {
    this.#sources |= source.network;
    this.interpreter.network(this.program, host);
  }

  /** What it writes to its output comes out of a decoder. */
  decodes(): void {
    this.#sources |= source.decoded;
  }

  list(item: Field, recursive = false): void {
    if (literal(item) === "-") return;
    for (const place of this.interpreter.places.of(item, this.state)) this.interpreter.fileEffect("reads", place, this.program, recursive);
  }

  read(item: Field, recursive = false): void {
    if (literal(item) === "-") return;
    this.interpreter.read(item, this.state, this.program, recursive);
  }

  write(item: Field, recursive = false): void {
    this.interpreter.write(item, this.state, this.program, recursive);
  }

  delete(item: Field, recursive = false): void {
    // What was found below a directory may lie at any depth.
    for (const place of this.interpreter.places.of(item, this.state)) this.delete1(place, recursive || item.under !== null);
  }

  delete1(place: Place, recursive: boolean): void {
    this.interpreter.fileEffect("deletes", place, this.program, recursive);
  }

  /** Runs another program, wrapped in this one. */
  run(words: readonly Field[], rest: { readonly stdin?: Text; readonly state?: State } = {}): Text {
    return this.interpreter.runWords(words, rest.state ?? this.state, rest.stdin ?? this.stdin, [...this.wrappedBy, this.program]);
  }

  /** Runs a text as a shell script in a shell of its own. */
  shell(
    text: Text | Field,
    rest: { readonly positional?: readonly Text[] | null; readonly stdin?: Text; readonly state?: State } = {},
  ): Text {
    const state = (rest.state ?? this.state).copy();
    state.positional = rest.positional ?? null;
    state.stdin = rest.stdin ?? this.stdin;
    return this.interpreter.runText(text, state, { wrappedBy: [...this.wrappedBy, this.program] });
  }

  /** What the files that operands name hold, where the script put it there; all of standard input without operands. */
  input(operands: readonly Field[] = this.operands): Text {
    if (operands.length === 0) return this.stdin;
    return joined(operands.map((operand) => (literal(operand) === "-" ? this.stdin : this.interpreter.content(operand, this.state))));
  }
}
