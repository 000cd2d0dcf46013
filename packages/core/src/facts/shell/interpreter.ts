import type { PathBase } from "../path.ts";
import type { DiskFact } from "../schema.ts";
import { open, Unknown } from "../unknown.ts";
import { Call } from "./call.ts";
import { lookUp } from "./commands/index.ts";
import { evaluateArithmetic, evaluateText, expandText, expandWords } from "./expand.ts";
import type { Shell } from "./expand.ts";
import { Findings } from "./findings.ts";
import { isForkBomb, isEndless } from "./fork-bomb.ts";
import { limits, parseScript } from "./parse.ts";
import { baseName, Places, shown } from "./paths.ts";
import type { Place } from "./paths.ts";
import type { Assignment, Node, Redirect, Script, SimpleCommand, Statement } from "./script.ts";
import type { State } from "./state.ts";
import { directoriesOf } from "./under.ts";
import { empty, field, isKnown, joined, known, literal, mark, source, unknown, withoutEnd } from "./text.ts";
import type { Field, Text } from "./text.ts";

/** Past any of these the lists are open; what was found until then counts. */
export const bounds = {
  /** Commands that are looked at, simple and compound, those of loops and functions each time. */
  steps: 8000,
  /** Scripts, functions and wrappers inside one another. */
  depth: 40,
  /** Wrappers around one program. */
  wrappers: 6,
  /** Values of a `for` that are gone through one by one. */
  loop: 32,
} as const;

/** Walks a script as a shell would run it, taking every branch, and collects what it would do. */
export class Interpreter {
  readonly findings: Findings = new Findings();
  readonly places: Places;
  /** Functions that were defined and not called so far, with what was known where they were. */
  readonly #uncalled = new Map<Node, State>();
  #steps = 0;
  #depth = 0;

  constructor(base: PathBase, disk: Readonly<Record<string, DiskFact>> | undefined) {
    this.places = new Places(base, disk);
  }

  /** Runs a text as a script in the shell whose state is given, and answers what that writes to its output. */
  runText(text: Text, state: State, { wrappedBy = [] }: { readonly wrappedBy?: readonly string[] } = {}): Text {
    const by = wrappedBy.at(-1) ?? "sh";
    if (!isKnown(text)) {
      this.#runsUnknown(text.sources, by);
      if (text.text === mark.hole || text.text === mark.unset) return unknown(text.sources);
    }
    const { script, problem } = parseScript(text.text);
    if (problem !== null) this.findings.openEverything(`\`${shown(text.text)}\`: ${problem}`);
    const output = this.#deeper(() => this.script(script, state));
    // What lies beyond the limit is looked at by itself, for what it may surely do.
    const more = text.text.length > limits.length ? text.text.indexOf("\n", limits.length) : -1;
    return more < 0 ? output : this.#deeper(() => joined([output, this.runText({ ...text, text: text.text.slice(more + 1) }, state)]));
  }

  /** Something is run as a program or a script that is not known before it runs. */
  #runsUnknown(sources: number, by: string): void {
    if ((sources & source.network) !== 0) this.findings.add("hazards", "download_and_run", { kind: "download_and_run", program: by });
    if ((sources & source.decoded) !== 0) this.findings.add("hazards", "decode_and_run", { kind: "decode_and_run", program: by });
    this.findings.add("code", `dynamic ${by}`, { kind: "dynamic", program: by });
    this.findings.openEverything("it runs text that is not known before it runs");
  }

  #isSpent(): boolean {
    if ((this.#steps += 1) <= bounds.steps) return false;
    this.findings.openEverything(`it runs more than ${bounds.steps} commands`);
    return true;
  }

  /** Looks at the functions that nothing was seen to call: something else may, with arguments that nobody knows. */
  finish(): void {
    for (const [body, copy] of this.#uncalled) {
      copy.positional = null;
      this.#deeper(() => this.node(body, copy, unknown()));
    }
  }

  #deeper(run: () => Text): Text {
    if (this.#depth >= bounds.depth) {
      this.findings.openEverything(`it is nested more than ${bounds.depth} levels deep`);
      return unknown();
    }
    this.#depth += 1;
    try {
      return run();
    } finally {
      this.#depth -= 1;
    }
  }

  script(script: Script, state: State): Text {
    const outputs = script.statements.map((statement) => this.#statement(statement, state));
    return joined(outputs);
  }

  #statement({ node, background }: Statement, state: State): Text {
    if (background) {
      this.findings.add("background", "background", { kind: "background", program: firstName(node) });
      const output = this.node(node, state.copy(), empty);
      return output.text === "" ? empty : unknown(output.sources);
    }
    const { directories } = state;
    const output = this.node(node, state, state.stdin);
    // A `cd` by itself may fail, and the script goes on where it was.
    if (node.kind === "simple" && state.directories !== directories)
      state.enter({ directories: [...state.directories, ...directories], lost: state.lost });
    return output;
  }

  node(node: Node, state: State, stdin: Text): Text {
    if (this.#isSpent()) return unknown();
    switch (node.kind) {
      case "simple":
        return this.#simple(node, state, stdin);
      case "pipeline":
        return this.#pipeline(node.commands, state, stdin);
      case "and-or": {
        const outputs: Text[] = [];
        let before = state.copy();
        outputs.push(this.node(node.first, state, stdin));
        for (const { operator, node: next } of node.rest) {
          const skipped = state.copy();
          if (operator === "&&") {
            outputs.push(this.node(next, state, stdin));
            if (!isAssertion(next)) state.merge(skipped);
            // What follows in the chain runs only where this one did.
            if (leaves(next)) state.become(skipped);
          } else {
            const failed = state.copy();
            failed.merge(before);
            outputs.push(this.node(next, failed, stdin));
            if (!leaves(next)) state.merge(failed);
          }
          before = skipped;
        }
        return conditional(outputs);
      }
      case "redirected": {
        const inner = this.#redirect(node.redirects, state, stdin, firstName(node.node));
        return inner.deliver(this.node(node.node, state, inner.stdin));
      }
      case "subshell": {
        const copy = state.copy();
        copy.stdin = stdin;
        return this.script(node.body, copy);
      }
      case "group":
        return this.#within(state, stdin, () => this.script(node.body, state));
      case "coproc":
        this.findings.add("background", "coproc", { kind: "background", program: "coproc" });
        this.script(node.body, state.copy());
        return empty;
      case "if": {
        const outputs: Text[] = [];
        return this.#within(state, stdin, () => {
          const ends: State[] = [];
          for (const { clause, body } of node.branches) {
            outputs.push(this.script(clause, state));
            const branch = state.copy();
            outputs.push(this.script(body, branch));
            ends.push(branch);
          }
          if (node.otherwise !== undefined) {
            const branch = state.copy();
            outputs.push(this.script(node.otherwise, branch));
            ends.push(branch);
          }
          for (const end of ends) state.merge(end);
          return conditional(outputs);
        });
      }
      case "while":
        if (isEndless(node)) this.findings.add("hazards", "fork_bomb", { kind: "fork_bomb", program: "while" });
        return this.#within(state, stdin, () =>
          this.#loop(state, (round) => joined([this.script(node.clause, round), this.script(node.body, round)])),
        );
      case "arithmetic-for":
        if (isEndless(node)) this.findings.add("hazards", "fork_bomb", { kind: "fork_bomb", program: "for" });
        return this.#within(state, stdin, () =>
          this.#loop(state, (round) => {
            for (const expression of node.expressions) evaluateArithmetic(expression, this.#shell(round));
            return this.script(node.body, round);
          }),
        );
      case "for":
        return this.#within(state, stdin, () => this.#for(node, state));
      case "case": {
        const shell = this.#shell(state);
        expandText(node.word, shell);
        const outputs: Text[] = [];
        const ends: State[] = [];
        for (const item of node.items) {
          for (const pattern of item.patterns) expandText(pattern, shell);
          const branch = state.copy();
          branch.stdin = stdin;
          outputs.push(this.script(item.body, branch));
          ends.push(branch);
        }
        for (const end of ends) state.merge(end);
        return conditional(outputs);
      }
      case "function":
        if (isForkBomb(node.name, node.body)) this.findings.add("hazards", "fork_bomb", { kind: "fork_bomb", program: node.name });
        state.functions.set(node.name, node.body);
        this.#uncalled.set(node.body, state.copy());
        return empty;
      case "test": {
        const shell = this.#shell(state);
        for (const word of node.words) expandText(word, shell);
        for (const word of node.evaluated) evaluateText(expandText(word, shell), shell);
        return empty;
      }
      case "arithmetic":
        evaluateArithmetic(node.expression, this.#shell(state));
        return empty;
    }
  }

  /** Runs with another standard input, for as long as that takes. */
  #within<T>(state: State, stdin: Text, run: () => T): T {
    const outer = state.stdin;
    state.stdin = stdin;
    const output = run();
    state.stdin = outer;
    return output;
  }

  #pipeline(commands: readonly Node[], state: State, stdin: Text): Text {
    let flowing = stdin;
    let shellSpeaks = false;
    commands.forEach((command, index) => {
      const copy = state.copy();
      const name = firstName(command);
      if (shellSpeaks && talksToAnybody.has(name)) this.findings.add("hazards", "reverse_shell", { kind: "reverse_shell", program: name });
      shellSpeaks ||= isShell(name) && !isKnown(flowing);
      flowing = this.node(command, copy, flowing);
      // Some shells run the last command of a pipeline themselves.
      if (index === commands.length - 1) state.merge(copy);
    });
    return flowing;
  }

  /** A body that runs any number of times: once as things stand, and once more where that changed what it starts from. */
  #loop(state: State, body: (round: State) => Text): Text {
    const first = state.copy();
    const output = body(first);
    const before = snapshot(state);
    state.merge(first);
    if (snapshot(state) === before) return conditional([output, output]);
    const second = state.copy();
    const again = body(second);
    state.merge(second);
    return conditional([output, again, unknown(output.sources | again.sources)]);
  }

  #for(node: Extract<Node, { kind: "for" }>, state: State): Text {
    const words =
      node.words === undefined
        ? (state.positional?.map((text) => field(text)) ?? [field(unknown(), { many: true })])
        : expandWords(node.words, this.#shell(state));
    const bind = (round: State, value: Text): Text => {
      round.set(node.variable, value);
      return this.script(node.body, round);
    };
    if (!node.select && words.length <= bounds.loop && words.every((word) => !word.many && !word.glob)) {
      const before = state.copy();
      const outputs = words.map((word) => bind(state, word));
      // The body may leave early.
      if (words.length > 1 || words.length === 0) state.merge(before);
      return joined(outputs);
    }
    const under = directoriesOf(words);
    const sources = joined(words).sources;
    return this.#loop(state, (round) => bind(round, unknown(sources, under)));
  }

  #simple(node: SimpleCommand, state: State, stdin: Text): Text {
    const shell = this.#shell(state);
    const words = this.#within(state, stdin, () => expandWords(node.words, shell));
    const [program] = words;
    if (program === undefined) {
      // All of a command may come to nothing; then its assignments last.
      for (const assignment of node.assignments) this.#assign(assignment, state, shell);
      const inner = this.#redirect(node.redirects, state, stdin, "");
      return inner.deliver(inner.read ?? empty);
    }
    if (node.assignments.length === 0 && node.redirects.length === 0) return this.runWords(words, state, stdin, []);
    const saved = new Map(node.assignments.map(({ name }) => [name, state.variables.get(name)]));
    const { home } = state;
    for (const assignment of node.assignments) this.#assign(assignment, state, shell);
    const name = baseName(literal(program) ?? "");
    const inner = this.#redirect(node.redirects, state, stdin, name, name === "exec" && words.length === 1);
    const output = this.runWords(words, state, inner.stdin, []);
    for (const [variable, value] of saved) {
      if (value === undefined) state.variables.delete(variable);
      else state.variables.set(variable, value);
    }
    state.home = saved.has("HOME") ? home : state.home;
    return inner.deliver(output);
  }

  #assign({ name, value, append, index }: Assignment, state: State, shell: Shell): void {
    if (index !== undefined) evaluateText(expandText(index, shell), shell);
    if (!("parts" in value)) {
      const items = expandWords(value, shell);
      state.set(name, unknown(joined(items).sources));
      return;
    }
    const text = expandText(value, shell);
    state.set(name, index !== undefined ? unknown(text.sources) : append ? joined([state.variables.get(name) ?? unknown(), text]) : text);
  }

  /** Runs a command given as words, in `state` where it is built into the shell. */
  runWords(words: readonly Field[], state: State, stdin: Text, wrappedBy: readonly string[]): Text {
    if (this.#isSpent()) return unknown();
    const [name, ...args] = words;
    if (name === undefined) return empty;
    if (wrappedBy.length > bounds.wrappers)
      this.findings.openEverything(`there are more than ${bounds.wrappers} wrappers around \`${shown(name.text)}\``);
    // What runs is never taken from what another program wrote: that one may be shadowed, and is asked again when it matters.
    const program = name.computed ? undefined : literal(name);
    if (program === undefined) {
      this.#runsUnknown(name.sources, wrappedBy.at(-1) ?? "sh");
      this.findings.add("commands", words.map((word) => word.text).join(" "), {
        program: open(`\`${shown(name.text)}\` is not known before it runs`),
        args: args.map(argumentOf),
        text: open(`\`${shown(name.text)}\` is not known before it runs`),
        wrapped_by: wrappedBy,
        recognized: false,
      });
      // Where the first word turns into nothing, the next one is the command.
      if (name.many && args.length > 0) return this.#deeper(() => this.runWords(args, state.copy(), stdin, wrappedBy));
      return unknown(name.sources);
    }
    return this.#deeper(() => this.#program(program, args, state, stdin, wrappedBy));
  }

  #program(path: string, args: readonly Field[], state: State, stdin: Text, wrappedBy: readonly string[]): Text {
    const body = wrappedBy.length === 0 ? state.functions.get(path) : undefined;
    if (body !== undefined) return this.#callFunction(path, body, args, state, stdin);
    const name = baseName(path);
    const found = lookUp(name);
    const call = new Call(name, args, found ?? {}, { state, stdin, interpreter: this, wrappedBy });
    this.findings.add("programs", name, name);
    let output: Text;
    if (path.includes("/") && !inProgramDirectory(path)) {
      call.code("program");
      this.#runsFile(path, name, args, state, stdin);
    }
    if (found === undefined) {
      call.unrecognized("it is not a program that is known");
      // Where file systems do not tell upper case from lower, neither may we.
      const lower = lookUp(name.toLowerCase());
      if (lower !== undefined) new Call(name, args, lower, { state, stdin, interpreter: this, wrappedBy }).judge();
      output = unknown(stdin.sources);
    } else if (args.length === 1 && found.noHelp !== true && /^--(?:version|help)$/.test(literal(args[0]) ?? "")) {
      output = unknown();
    } else {
      output = call.judge();
    }
    const texts = args.map(argumentOf);
    const unclear = texts.find((text) => text instanceof Unknown);
    this.findings.add("commands", `${wrappedBy.join(" ")}\0${name}\0${args.map((item) => item.text).join("\0")}`, {
      program: name,
      args: texts,
      text: unclear ?? [path, ...texts].join(" "),
      wrapped_by: wrappedBy,
      recognized: call.recognized,
    });
    return output;
  }

  /** A program that is started by its path may be one that the script made. */
  #runsFile(path: string, name: string, args: readonly Field[], state: State, stdin: Text): void {
    const content = this.content(field(path), state);
    if (content.text === mark.hole && content.sources === 0) return;
    const copy = state.copy();
    copy.positional = args;
    copy.stdin = stdin;
    this.runText(content, copy, { wrappedBy: [name] });
  }

  #callFunction(name: string, body: Node, args: readonly Field[], state: State, stdin: Text): Text {
    this.#uncalled.delete(body);
    const { positional } = state;
    state.positional = args.some((item) => item.many || item.glob) ? null : args;
    // Recursion ends here: the body was looked at with the arguments of its first call.
    state.functions.delete(name);
    const output = this.node(body, state, stdin);
    state.positional = positional;
    if (!state.functions.has(name)) state.functions.set(name, body);
    return output;
  }

  /** Opens redirects in order; `deliver` says what of a command's output is left for whoever reads it. */
  #redirect(redirects: readonly Redirect[], state: State, stdin: Text, program: string, lasting = false): Redirected {
    let input = stdin;
    let read: Text | undefined;
    const targets: { readonly file: Field; readonly append: boolean }[] = [];
    const shell = this.#shell(state);
    for (const redirect of redirects) {
      const descriptor = redirect.descriptor;
      if (redirect.kind === "text") {
        const text = expandText(redirect.text, shell);
        if (descriptor === null || descriptor === 0) input = text;
        else if (lasting) state.descriptors.set(String(descriptor), text);
        continue;
      }
      const [first, ...more] = expandWords([redirect.target], shell);
      const target = first === undefined || more.length > 0 ? field(unknown()) : first;
      const { operator } = redirect;
      const text = literal(target);
      if ((operator === ">&" || operator === "<&") && text !== undefined && /^(?:\d+-?|-)$/.test(text)) {
        if (operator === "<&" && (descriptor ?? 0) === 0) input = state.descriptors.get(String(Number.parseInt(text, 10))) ?? unknown();
        continue;
      }
      if (target.text.startsWith("/dev/tcp/") || target.text.startsWith("/dev/udp/")) {
        this.network(program === "" ? "sh" : program, isKnown(target) ? target.text.split("/")[3] : undefined);
        if (isShell(program)) this.findings.add("hazards", "reverse_shell", { kind: "reverse_shell", program });
        if (operator.startsWith("<")) input = unknown(source.network);
        if (lasting) state.descriptors.set(String(descriptor ?? 0), unknown(source.network));
        continue;
      }
      if (operator.startsWith("<")) {
        this.read(target, state, program === "" ? "sh" : program, false);
        const content = this.content(target, state);
        if (descriptor === null || descriptor === 0) read = input = content;
        else if (lasting) state.descriptors.set(String(descriptor), content);
        if (operator !== "<>") continue;
      }
      this.write(target, state, program === "" ? "sh" : program, false);
      if (descriptor === null || descriptor === 1) targets.push({ file: target, append: operator.endsWith(">>") });
    }
    return {
      stdin: input,
      read,
      deliver: (output) => {
        for (const { file, append } of targets) this.keep(file, state, output, append);
        return targets.length === 0 ? output : empty;
      },
    };
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

  /** Whether `path` names a program that some table knows. */
  knows(path: string): boolean {
    return lookUp(baseName(path)) !== undefined;
  }

  /** Whether the script is still where it started, or below. */
  isOwnDirectory(state: State): boolean {
    const { cwd } = this.places.base;
    if (cwd === undefined) return !state.moved;
    return !state.lost && state.directories.every((directory) => this.places.fact(directory).within(cwd) === true);
  }

  network(program: string, host?: string): void {
    this.findings.add("network", `${program} ${host ?? ""}`, {
      program,
      host: host ?? open(`the host that \`${program}\` talks to is not known`),
    });
  }

  #shell(state: State): Shell {
    return {
      state,
      substitute: (script) =>
        this.#deeper(() => {
          const output = this.script(script, state.copy());
          return output.text.endsWith("\n") ? { ...output, text: withoutEnd(output.text, "\n") } : output;
        }),
      connect: (script, input) =>
        this.#deeper(() => {
          const copy = state.copy();
          if (!input) copy.stdin = unknown();
          return this.script(script, copy);
        }),
      evaluates: (what) => {
        this.findings.add("code", `evaluates ${what}`, { kind: "evaluation", program: "sh" });
        this.findings.openAll(what);
      },
    };
  }
}

interface Redirected {
  readonly stdin: Text;
  /** What a file redirect makes readable. */
  readonly read: Text | undefined;
  readonly deliver: (output: Text) => Text;
}

/** Where systems and their package managers keep programs. */
const programDirectories: ReadonlySet<string> = new Set([
  "/bin",
  "/sbin",
  "/usr/bin",
  "/usr/sbin",
  "/usr/local/bin",
  "/usr/local/sbin",
  "/opt/homebrew/bin",
]);

function inProgramDirectory(path: string): boolean {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return path.startsWith("/") && programDirectories.has(`/${names.slice(0, -1).join("/")}`);
}

/** A device that holds data or drives hardware; not the ones that a script may write to at leisure. */
function isDevice(path: string): boolean {
  if (/^\/proc\/sysrq-trigger$/.test(path)) return true;
  return (
    /^\/dev\/./.test(path) &&
    !/^\/dev\/(?:null|zero|full|random|urandom|tty|stdin|stdout|stderr|fd|shm|pts|ptmx|mqueue|console)(?:\/|$)/.test(path)
  );
}

const talksToAnybody: ReadonlySet<string> = new Set([
  "nc",
  "ncat",
  "netcat",
  "nc.openbsd",
  "nc.traditional",
  "telnet",
  "socat",
  "openssl",
  "websocat",
]);

export function isShell(name: string): boolean {
  return /^(?:ba|da|z|k|mk|a|tc|c|fi|r?ba)?sh$/.test(name);
}

/** The name of the first program of a command, where that is plain. */
function firstName(node: Node): string {
  switch (node.kind) {
    case "simple": {
      const [part, ...more] = node.words[0]?.parts ?? [];
      return part?.kind === "text" && more.length === 0 ? baseName(part.value) : "";
    }
    case "pipeline":
      return node.commands[0] === undefined ? "" : firstName(node.commands[0]);
    case "and-or":
      return firstName(node.first);
    case "redirected":
      return firstName(node.node);
    default:
      return node.kind;
  }
}

/** Whether a command ends the script, function or loop that it is in. */
function leaves(node: Node): boolean {
  if (node.kind === "group") {
    const last = node.body.statements.at(-1);
    return last !== undefined && !last.background && leaves(last.node);
  }
  return node.kind === "simple" && ["exit", "return", "break", "continue"].includes(firstName(node));
}

/** A command that changes nothing about the shell; whether it ran is then all the same. */
function isAssertion(node: Node): boolean {
  return node.kind === "test" || node.kind === "arithmetic";
}

/** What is written where not every part of it surely is. */
function conditional(outputs: readonly Text[]): Text {
  const speaking = outputs.filter((output) => output.text !== "");
  const [only] = speaking;
  if (only === undefined) return empty;
  return speaking.length === 1 && outputs.length === 1 ? only : { ...joined(speaking), text: `${mark.hole}${joined(speaking).text}` };
}

function argumentOf(item: Field): string | Unknown {
  return literal(item) ?? open(`\`${shown(item.text)}\` is not known before it runs`);
}

function snapshot(state: State): string {
  return JSON.stringify([state.directories, state.lost, state.variables.fingerprint((value) => value.text)]);
}
