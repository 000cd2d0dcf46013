import { unreachable } from "../../unreachable.ts";
import { namesSecret } from "./environment.ts";
import type { Arithmetic, Parameter, Part, Script, Word } from "./script.ts";
import type { State } from "./state.ts";
import { empty, field, isKnown, joined, known, mark, unknown } from "./text.ts";
import type { Field, Text } from "./text.ts";

/** What expansion needs of the shell that does it. */
export interface Shell {
  readonly state: State;
  /** Runs a substitution in a subshell; what it writes, without the newlines at its end. */
  substitute(script: Script): Text;
  /** A process substitution: what can be read from it, or nothing for one that is written to. */
  connect(script: Script, input: boolean): Text;
  /** The expansion runs data as code. */
  evaluates(what: string): void;
  /** The script uses a variable of its environment whose name says that it is confidential. */
  discloses(name: string): void;
}

/** Expands words as a command's are: parameters, substitutions, splitting; patterns are left for whoever uses the words. */
export function expandWords(words: readonly Word[], shell: Shell): readonly Field[] {
  return words.flatMap((word) => expandWord(word, shell));
}

function expandWord(word: Word, shell: Shell): readonly Field[] {
  const [only] = word.parts;
  if (only?.kind === "text" && word.parts.length === 1) return [field(only.value)];
  const splitter = new Splitter(splitsOtherwise(shell.state));
  for (const part of word.parts) {
    switch (part.kind) {
      case "text":
        splitter.whole(known(part.value));
        break;
      case "glob":
        runAll(part.scripts, shell);
        splitter.pattern(part.text);
        break;
      case "process": {
        const content = shell.connect(part.script, part.input);
        splitter.whole(known("/dev/fd/63"));
        splitter.content = content;
        break;
      }
      case "parameter":
        if (part.form === "plain" && (part.name === "@" || (part.name === "*" && !part.quoted)))
          splitter.list(positionals(shell.state), part.quoted);
        else if (part.quoted && part.list) splitter.spread(expandPart(part, shell));
        else if (part.quoted) splitter.whole(expandPart(part, shell));
        else splitter.split(expandPart(part, shell));
        break;
      case "substitution":
      case "arithmetic":
        if (part.kind === "substitution") splitter.computed = true;
        if (part.quoted) splitter.whole(expandPart(part, shell));
        else splitter.split(expandPart(part, shell));
        break;
      case "opaque":
        splitter.split(expandPart(part, shell));
        break;
      default:
        splitter.whole(expandPart(part, shell));
    }
  }
  return splitter.end();
}

/** Expands a word where the shell neither splits nor looks for files: an assigned value, a here-document, the word of a `case`. */
export function expandText(word: Word, shell: Shell): Text {
  return joined(word.parts.map((part) => expandPart(part, shell)));
}

function expandPart(part: Part, shell: Shell): Text {
  switch (part.kind) {
    case "text":
      return known(part.value);
    case "glob":
      runAll(part.scripts, shell);
      return part.exact ? known(part.text) : unknown();
    case "tilde":
      return tilde(part.user, shell.state);
    case "parameter":
      return parameter(part, shell);
    case "substitution":
      return shell.substitute(part.script);
    case "process":
      shell.connect(part.script, part.input);
      return known("/dev/fd/63");
    case "arithmetic":
      evaluateArithmetic(part.expression, shell);
      return known(mark.number);
    case "opaque":
      runAll(part.scripts, shell);
      return unknown();
    default:
      return unreachable(part);
  }
}

function runAll(scripts: readonly Script[], shell: Shell): void {
  for (const script of scripts) shell.substitute(script);
}

function tilde(user: string, state: State): Text {
  switch (user) {
    case "":
      return known(state.home ?? mark.home);
    case "+":
      return directory(state);
    case "root":
      return known("/root");
    default:
      // Where accounts live by convention. What is behind `~-` or a directory's number nobody knows.
      return /^[a-z_][a-z0-9_-]*$/.test(user) ? known(`/home/${user}`) : unknown();
  }
}

function directory(state: State): Text {
  const [only] = state.directories;
  return only !== undefined && state.directories.length === 1 && !state.lost ? known(only) : unknown();
}

const numbers: ReadonlySet<string> = new Set([
  "#",
  "?",
  "$",
  "!",
  "RANDOM",
  "SRANDOM",
  "UID",
  "EUID",
  "PPID",
  "SECONDS",
  "LINENO",
  "BASHPID",
  "EPOCHSECONDS",
]);

function parameter(part: Parameter, shell: Shell): Text {
  disclose(part.name, shell);
  for (const word of part.evaluated) evaluateText(expandText(word, shell), shell);
  const operands = part.words.map((word) => expandText(word, shell));
  switch (part.form) {
    case "plain":
      return variable(part.name, shell.state);
    case "required":
      return notEmpty(variable(part.name, shell.state));
    case "default": {
      const value = variable(part.name, shell.state);
      if (isKnown(value) && value.text !== "") return value;
      const [operand = empty] = operands;
      // Empty, or unset: without the colon that makes a difference, and `unset` leaves it open.
      if (!part.colon && value.text === "") return unknown(value.sources | operand.sources);
      if (part.assigns)
        shell.state.set(part.name, isKnown(value) && value.text === "" ? operand : unknown(value.sources | operand.sources));
      if (isKnown(value)) return operand;
      return value.text === mark.unset && isKnown(operand) && operand.text === "" ? value : unknown(value.sources | operand.sources);
    }
    case "other":
      return unknown(joined([variable(part.name, shell.state), ...operands]).sources);
    case "evaluates":
      shell.evaluates("an expansion runs the value of a variable");
      return unknown();
    default:
      return unreachable(part.form);
  }
}

function disclose(name: string, shell: Shell): void {
  if (namesSecret(name) && !shell.state.variables.has(name)) shell.discloses(name);
}

/** `${x:?}` fails where the value is empty, so what follows never sees that. */
function notEmpty(value: Text): Text {
  return value.text === mark.unset ? unknown(value.sources) : value;
}

/** The value of a variable, or what is known of it. */
export function variable(name: string, state: State): Text {
  const assigned = state.variables.get(name);
  if (assigned !== undefined) return assigned;
  if (/^[0-9]+$/.test(name)) return name === "0" || state.positional === null ? unknown() : (state.positional[Number(name) - 1] ?? empty);
  if (numbers.has(name)) return known(mark.number);
  switch (name) {
    case "HOME":
      return known(state.home ?? mark.home);
    case "PWD":
      return directory(state);
    case "@":
    case "*":
      return state.positional === null || splitsOtherwise(state) ? unknown() : joined(state.positional, " ");
    case "IFS":
    case "OLDPWD":
    case "-":
    case "_":
      return unknown();
    default:
      return known(mark.unset);
  }
}

/** Whether values are split elsewhere than at blanks, or `"$*"` is joined by something else. */
function splitsOtherwise(state: State): boolean {
  const separators = state.variables.get("IFS");
  return separators !== undefined && separators.text !== " \t\n";
}

function positionals(state: State): readonly Field[] {
  return state.positional === null ? [field(unknown(), { many: true })] : state.positional.map((text) => field(text));
}

/** Evaluating an expression evaluates the values of its variables too, and a subscript in one of them is run (bash manual, "Shell Arithmetic"). */
export function evaluateArithmetic(expression: Arithmetic, shell: Shell): void {
  runAll(expression.scripts, shell);
  if (expression.dynamic) shell.evaluates("arithmetic over text that is not known");
  for (const name of expression.reads) {
    disclose(name, shell);
    if (!isHarmlessOperand(shell.state.variables.get(name))) shell.evaluates(`arithmetic evaluates the value of \`${name}\``);
  }
  for (const name of expression.writes) shell.state.set(name, known(mark.number));
}

/** A text that the shell evaluates as arithmetic or takes for the name of a variable. */
export function evaluateText(text: Text, shell: Shell): void {
  if (isHarmlessOperand(text)) return;
  if (/^[A-Za-z_]\w*$/.test(text.text) && isHarmlessOperand(shell.state.variables.get(text.text))) return;
  shell.evaluates("a value is evaluated as an expression");
}

function isHarmlessOperand(text: Text | undefined): boolean {
  return text === undefined || text.text === mark.unset || /^[\s0-9\uE003+*/%()-]*$/.test(text.text);
}

/** Builds the fields of one word. */
class Splitter {
  content: Text | null = null;
  /** All from here on may be what another program wrote. */
  computed = false;
  #done: Field[] = [];
  #texts: Text[] = [];
  #glob = false;
  #many = false;
  #present = false;
  #under: readonly string[] | null = null;
  readonly #splitsOtherwise: boolean;

  constructor(otherwise: boolean) {
    this.#splitsOtherwise = otherwise;
  }

  /** A text that stays together. */
  whole(text: Text): void {
    this.#present = true;
    this.#texts.push(text);
    this.#under = this.#texts.length === 1 ? text.under : null;
  }

  pattern(text: string): void {
    this.whole(known(text));
    this.#glob = true;
  }

  /** Any number of words. */
  spread(text: Text): void {
    this.whole(isKnown(text) ? unknown(text.sources) : text);
    this.#many = true;
  }

  /** A text that is split at blanks, and whose pattern characters count. */
  split(text: Text): void {
    if (text.text === mark.number && !this.#splitsOtherwise) {
      this.whole(text);
      return;
    }
    if (this.#splitsOtherwise && text.text !== "") {
      this.spread(unknown(text.sources));
      return;
    }
    const pieces = text.text.split(/[ \t\n]+/);
    pieces.forEach((piece, index) => {
      if (index > 0) this.#flush();
      if (piece === "") return;
      this.whole({ text: piece, sources: text.sources, under: text.under });
      if (/[*?[]/.test(piece)) this.#glob = true;
      if (!isKnown({ ...text, text: piece }) && piece !== mark.number && piece !== mark.home) this.#many = true;
    });
  }

  /** `$@`: each its own word. */
  list(items: readonly Field[], quoted: boolean): void {
    items.forEach((item, index) => {
      if (index > 0) this.#flush();
      if (quoted) {
        this.whole(item);
        this.#many ||= item.many;
      } else {
        this.split(item);
      }
    });
  }

  end(): readonly Field[] {
    this.#flush();
    return this.#done;
  }

  #flush(): void {
    if (this.#present) {
      const text = joined(this.#texts);
      this.#done.push({ ...text, under: this.#under, many: this.#many, glob: this.#glob, computed: this.computed, content: this.content });
    }
    this.#texts = [];
    this.#glob = false;
    this.#many = false;
    this.#present = false;
    this.#under = null;
    this.content = null;
  }
}
