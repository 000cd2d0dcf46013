import { unreachable } from "../../unreachable.ts";
import { open, Unknown } from "../unknown.ts";
import { Call } from "./call.ts";
import { namesCanopy, runsCanopy } from "./canopy.ts";
import { lookUp } from "./commands/index.ts";
import { evaluateArithmetic, evaluateText, expandText, expandWords } from "./expand.ts";
import type { Shell } from "./expand.ts";
import { isEndless, isForkBomb } from "./fork-bomb.ts";
import { Ledger } from "./ledger.ts";
import { bounds, limits } from "./limits.ts";
import { forEach, repeat } from "./loops.ts";
import { firstName, inProgramDirectory, isAssertion, isShell, leaves, talksToAnybody } from "./names.ts";
import { parseScript } from "./parse.ts";
import { argumentOf, baseName, shown } from "./paths.ts";
import { openRedirects, unredirected } from "./redirects.ts";
import type { Redirected } from "./redirects.ts";
import type { Assignment, Node, Redirect, Script, SimpleCommand, Statement } from "./script.ts";
import { Table } from "./state.ts";
import type { State } from "./state.ts";
import { isConfusable } from "./suspicious.ts";
import { conditional, empty, field, isKnown, joined, literal, mark, source, unknown, withoutEnd } from "./text.ts";
import type { Field, Text } from "./text.ts";

/** Walks a script as a shell would run it, taking every branch, and collects what it would do. */
export class Interpreter extends Ledger {
  /** Functions that were defined and not called so far, with what was known where they were. */
  readonly #uncalled = new Map<Node, State>();
  #steps = 0;
  #depth = 0;

  /** Runs a text as a script in the shell whose state is given, and answers what that writes to its output. */
  runText(text: Text | Field, state: State, { wrappedBy = [] }: { readonly wrappedBy?: readonly string[] } = {}): Text {
    const by = wrappedBy.at(-1) ?? "sh";
    // A pattern turns into the names of files, and those may hold anything.
    if (!isKnown(text) || ("glob" in text && text.glob)) this.#runsUnknown(text.sources, by);
    if (text.text === mark.hole || text.text === mark.unset) return unknown(text.sources);
    const { script, problem } = parseScript(text.text);
    if (problem !== null) this.findings.openEverything(`\`${shown(text.text)}\`: ${problem}`);
    const output = this.#deeper(() => this.script(script, state));
    // What lies beyond the limit is looked at by itself, for what it may surely do.
    const more = text.text.length > limits.length ? text.text.indexOf("\n", limits.length) : -1;
    return more < 0 ? output : this.#deeper(() => joined([output, this.runText({ ...text, text: text.text.slice(more + 1) }, state)]));
  }

  /** Something is run as a program or a script that is not known before it runs. */
  #runsUnknown(sources: number, by: string): void {
    if ((sources & source.network) !== 0) this.#hazard("download_and_run", by);
    if ((sources & source.decoded) !== 0) this.#hazard("decode_and_run", by);
    this.findings.add("code", `dynamic ${by}`, { kind: "dynamic", program: by });
    this.findings.openEverything("it runs text that is not known before it runs");
  }

  #hazard(kind: string, program: string): void {
    this.findings.add("hazards", kind, { kind, program });
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
      case "and-or":
        return this.#chain(node, state, stdin);
      case "redirected": {
        const inner = this.#redirect(node.redirects, state, stdin, firstName(node.node));
        return inner.deliver(this.node(node.node, state, inner.stdin));
      }
      case "subshell": {
        const copy = state.copy();
        return this.#within(copy, stdin, () => this.script(node.body, copy));
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
        if (isEndless(node)) this.#hazard("fork_bomb", "while");
        return this.#within(state, stdin, () =>
          repeat(state, (round) => joined([this.script(node.clause, round), this.script(node.body, round)])),
        );
      case "arithmetic-for":
        if (isEndless(node)) this.#hazard("fork_bomb", "for");
        return this.#within(state, stdin, () =>
          repeat(state, (round) => {
            for (const expression of node.expressions) evaluateArithmetic(expression, this.#shell(round));
            return this.script(node.body, round);
          }),
        );
      case "for":
        return this.#within(state, stdin, () => forEach(node, state, this.#shell(state), (round) => this.script(node.body, round)));
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
        if (isForkBomb(node.name, node.body)) this.#hazard("fork_bomb", node.name);
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
      default:
        return unreachable(node);
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

  /** `a && b || c`: what follows runs where the rest went well, or where any of it did not. */
  #chain(node: Extract<Node, { kind: "and-or" }>, state: State, stdin: Text): Text {
    const { directories } = state;
    const outputs = [this.node(node.first, state, stdin)];
    // How things stand where the chain stops early.
    let early: State[] = [];
    if (state.directories !== directories) {
      const failed = state.copy();
      failed.directories = directories;
      early.push(failed);
    }
    for (const { operator, node: next } of node.rest) {
      const before = state.copy();
      if (operator === "&&") {
        outputs.push(this.node(next, state, stdin));
        if (leaves(next)) state.become(before);
        else if (!isAssertion(next)) early.push(before);
      } else {
        for (const stopped of early) before.merge(stopped);
        outputs.push(this.node(next, before, stdin));
        early = leaves(next) ? [] : [before];
      }
    }
    for (const stopped of early) state.merge(stopped);
    return conditional(outputs);
  }

  #pipeline(commands: readonly Node[], state: State, stdin: Text): Text {
    let flowing = stdin;
    let shellSpeaks = false;
    commands.forEach((command, index) => {
      const copy = state.copy();
      const name = firstName(command);
      if (shellSpeaks && talksToAnybody.has(name)) this.#hazard("reverse_shell", name);
      shellSpeaks ||= isShell(name) && !isKnown(flowing);
      flowing = this.node(command, copy, flowing);
      // Some shells run the last command of a pipeline themselves.
      if (index === commands.length - 1) state.merge(copy);
    });
    return flowing;
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
    const name = baseName(literal(program) ?? "");
    // How one line is split is nobody else's concern.
    const splits = name === "read" && !state.functions.has(name) && !state.assigned.has("IFS");
    for (const assignment of node.assignments) this.#assign(assignment, state, shell);
    if (splits) state.assigned.delete("IFS");
    const inner = this.#redirect(node.redirects, state, stdin, name, name === "exec" && words.length === 1);
    const output = this.runWords(words, state, inner.stdin, []);
    for (const [variable, value] of saved) {
      if (value === undefined) state.variables.delete(variable);
      else state.variables.set(variable, value);
    }
    state.home = saved.has("HOME") ? home : state.home;
    return inner.deliver(output);
  }

  #assign({ name, value, append, index, subscripts }: Assignment, state: State, shell: Shell): void {
    for (const subscript of index === undefined ? subscripts : [index, ...subscripts]) evaluateText(expandText(subscript, shell), shell);
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
    this.spend(words.length);
    const [name, ...args] = words;
    if (name === undefined) return empty;
    if (wrappedBy.length > bounds.wrappers)
      this.findings.openEverything(`there are more than ${bounds.wrappers} wrappers around \`${shown(name.text)}\``);
    // What runs is never taken from what another program wrote: that one may be shadowed, and is asked again when it matters.
    const program = name.computed ? undefined : literal(name);
    if (program === undefined) {
      this.#runsUnknown(name.sources, wrappedBy.at(-1) ?? "sh");
      if (runsCanopy("", args)) this.findings.add("privileges", "canopy", { kind: "canopy", program: "sh" });
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
    if (isConfusable(name)) this.findings.add("suspicious_text", "confusable_name", "confusable_name");
    let output: Text;
    if (path.includes("/") && !inProgramDirectory(path)) {
      call.code("program");
      if (namesCanopy(field(path))) call.effect("privilege:canopy");
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
    this.findings.add("commands", `${wrappedBy.join(" ")}\0${name}${args.map((item) => `\0${item.text}`).join("")}`, {
      program: name,
      args: texts,
      text: unclear ?? [path, ...args.map((item) => item.text)].join(" "),
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
    this.#within(copy, stdin, () => this.runText(content, copy, { wrappedBy: [name] }));
  }

  #callFunction(name: string, body: Node, args: readonly Field[], state: State, stdin: Text): Text {
    this.#uncalled.delete(body);
    const { positional, locals } = state;
    state.locals = new Table();
    state.positional = args.some((item) => item.many || item.glob) ? null : args;
    // Recursion ends here: the body was looked at with the arguments of its first call.
    state.functions.delete(name);
    const output = this.node(body, state, stdin);
    state.positional = positional;
    state.endFunction(locals);
    if (!state.functions.has(name)) state.functions.set(name, body);
    return output;
  }

  /** Whether `path` names a program that some table knows. */
  knows(path: string): boolean {
    return lookUp(baseName(path)) !== undefined;
  }

  #redirect(redirects: readonly Redirect[], state: State, stdin: Text, program: string, lasting = false): Redirected {
    return redirects.length === 0 ? unredirected(stdin) : openRedirects(this, redirects, this.#shell(state), { stdin, program, lasting });
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
      discloses: (name) => this.findings.add("secrets", `environment ${name}`, { kind: "environment", program: "sh" }),
      evaluates: (what) => {
        this.findings.add("code", `evaluates ${what}`, { kind: "evaluation", program: "sh" });
        this.findings.openAll(what);
      },
    };
  }
}
