// Knows the parser, as only parameter.ts does besides. docs/decisions/2026-11-21-shell-parser.md says why it is this one, and why it hides here.
import { forEachChild, parse } from "unbash";
import type * as ast from "unbash";
import { unreachable } from "../../unreachable.ts";
import { expandBraces } from "./braces.ts";
import { limits, withinLimits } from "./limits.ts";
import { leadingTilde } from "./tilde.ts";
import { appended, opaque, runs, subscriptWords, text, unsplit } from "./parts.ts";
import { readParameter } from "./parameter.ts";
import type { Arithmetic, Assignment, Node, Parsed, Part, Redirect, Script, Statement, Word } from "./script.ts";

const nothing: Script = { statements: [] };

/** Parses bash and POSIX shell. Total: what cannot be parsed is named in `problem`, and all that could be is in `script`. */
export function parseScript(script: string): Parsed {
  const [source, cut] = withinLimits(script);
  const reader = new Reader();
  try {
    reader.script(parse(source));
  } catch {
    // The parser resolves words when they are read, and may run out of stack there.
    reader.note("it cannot be parsed");
  }
  return { script: { statements: reader.read }, problem: cut ?? reader.problem };
}

/** Turns the parser's tree into ours. A class because one budget and one first problem belong to the whole tree. */
class Reader {
  problem: string | null = null;
  /** The statements of the outermost script that were read so far; they count also where reading the next one fails. */
  readonly read: Statement[] = [];
  #words = 0;
  #outermost = true;

  note(problem: string): void {
    this.problem ??= problem;
  }

  script(from: ast.ParsedScript | undefined): Script {
    if (from === undefined) {
      this.note("a part of it cannot be parsed");
      return nothing;
    }
    const [error] = from.errors ?? [];
    if (error !== undefined) this.note(`it cannot be parsed: ${error.message}`);
    const into = this.#outermost ? this.read : [];
    this.#outermost = false;
    for (const statement of from.commands) into.push(this.statement(statement));
    return { statements: into };
  }

  statement(from: ast.Statement): Statement {
    return { node: this.node(from.command), background: from.background === true };
  }

  list(from: ast.CompoundList): Script {
    return { statements: from.commands.map((statement) => this.statement(statement)) };
  }

  node(from: ast.CommandNode | ast.Pipeline | ast.AndOr | ast.CompoundList): Node {
    switch (from.type) {
      case "Command":
        return {
          kind: "simple",
          assignments: from.prefix.filter((item) => item.type === "Assignment").map((item) => this.assignment(item)),
          words: [...(from.name === undefined ? [] : this.words(from.name)), ...from.args.flatMap((argument) => this.argument(argument))],
          redirects: from.redirects.map((redirect) => this.redirect(redirect)),
        };
      case "Pipeline": {
        const commands = from.commands.map((command) => this.node(command));
        const [only] = commands;
        return only !== undefined && commands.length === 1 ? only : { kind: "pipeline", commands };
      }
      case "AndOr": {
        const [first, ...rest] = from.commands.map((command) => this.node(command));
        if (first === undefined) return { kind: "group", body: nothing };
        return {
          kind: "and-or",
          first,
          rest: rest.map((node, index) => ({ operator: from.operators[index] ?? "&&", node })),
        };
      }
      case "Redirected":
        return { kind: "redirected", node: this.node(from.command), redirects: from.redirects.map((redirect) => this.redirect(redirect)) };
      case "Subshell":
        return { kind: "subshell", body: this.list(from.body) };
      case "BraceGroup":
        return { kind: "group", body: this.list(from.body) };
      case "CompoundList":
        return { kind: "group", body: this.list(from) };
      case "Coproc":
        return { kind: "coproc", body: { statements: [{ node: this.node(from.body), background: false }] } };
      case "Function":
        return { kind: "function", name: from.name.value, body: this.node(from.body) };
      case "If":
        return {
          kind: "if",
          branches: [from, ...from.elif].map((branch) => ({ clause: this.list(branch.clause), body: this.list(branch.then) })),
          otherwise: from.else === undefined ? undefined : this.list(from.else),
        };
      case "While":
        return { kind: "while", until: from.kind === "until", clause: this.list(from.clause), body: this.list(from.body) };
      case "For":
      case "Select":
        return {
          kind: "for",
          variable: from.name.value,
          words: from.wordlist?.flatMap((word) => this.words(word)),
          select: from.type === "Select",
          body: this.list(from.body),
        };
      case "ArithmeticFor":
        return {
          kind: "arithmetic-for",
          expressions: [from.initialize, from.test, from.update].map((expression) => this.arithmetic(expression)),
          endless: from.test === undefined,
          body: this.list(from.body),
        };
      case "Case":
        return {
          kind: "case",
          word: this.word(from.word),
          items: from.items.map((item) => ({ patterns: item.pattern.map((word) => this.word(word)), body: this.list(item.body) })),
        };
      case "TestCommand":
        return this.test(from.expression);
      case "ArithmeticCommand":
        return { kind: "arithmetic", expression: this.arithmetic(from.expression) };
      default:
        return unreachable(from);
    }
  }

  test(from: ast.TestExpression): Node {
    const words: Word[] = [];
    const evaluated: Word[] = [];
    const visit = (expression: ast.TestExpression): void => {
      switch (expression.type) {
        case "TestUnary": {
          const word = this.word(expression.operand);
          words.push(word);
          if (expression.operator === "-v" || expression.operator === "-R") evaluated.push(word);
          break;
        }
        case "TestBinary": {
          const sides = [this.word(expression.left), this.word(expression.right)];
          words.push(...sides);
          if (/^-(eq|ne|lt|le|gt|ge)$/.test(expression.operator)) evaluated.push(...sides);
          break;
        }
        case "TestLogical":
          expression.operands.forEach(visit);
          break;
        case "TestNot":
          visit(expression.operand);
          break;
        case "TestGroup":
          visit(expression.expression);
          break;
        default:
          unreachable(expression);
      }
    };
    visit(from);
    return { kind: "test", words, evaluated };
  }

  redirect(from: ast.Redirection): Redirect {
    const named = from.descriptor?.type === "FileDescriptorVariable";
    const descriptor = from.descriptor?.type === "FileDescriptor" ? from.descriptor.value : named ? -1 : null;
    switch (from.type) {
      case "Redirect":
        return { kind: "file", operator: from.operator, descriptor, target: this.target(from.target) };
      case "HereString":
        return { kind: "text", descriptor, text: appended(this.target(from.target), "\n") };
      case "HereDoc":
        return { kind: "text", descriptor, text: this.hereDocument(from) };
      default:
        return unreachable(from);
    }
  }

  target(from: ast.Word | undefined): Word {
    if (from !== undefined) return this.word(from);
    this.note("a redirect has no target");
    return { parts: [opaque("the target of a redirect is missing")] };
  }

  hereDocument(from: ast.HereDoc): Word {
    if (from.closing === undefined) this.note("a here-document is not closed");
    const { parts } = from.body;
    if (parts !== undefined) return { parts: parts.flatMap((part) => this.part(part, true)) };
    const stripped = from.operator === "<<-" ? from.body.text.replace(/^\t+/gm, "") : from.body.text;
    const value =
      from.delimiter?.quoted === true
        ? stripped
        : stripped.replace(/\\([\\$`\n])/g, (_, escaped: string) => (escaped === "\n" ? "" : escaped));
    return { parts: [{ kind: "text", value, quoted: true }] };
  }

  assignment(from: ast.Assignment): Assignment {
    const elements = from.value.type === "ArrayValue" ? from.value.elements : [];
    return {
      name: from.name,
      value: from.value.type === "ArrayValue" ? elements.flatMap((word) => this.words(word)) : this.value(from.value),
      subscripts: elements.flatMap((word) => subscriptWords(word.text)),
      append: from.append === true,
      index: from.index === undefined ? undefined : this.word(from.index),
    };
  }

  /** An assigned value: a tilde is one after each colon as well. */
  value(from: ast.Word): Word {
    const word = this.word(from);
    return from.text.includes(":~") ? { parts: [...word.parts, opaque("a list of paths")] } : word;
  }

  /** An argument that looks like an assignment (`export A=1`) is a word like any other, save that its value is not split. */
  argument(from: ast.CommandArgument): readonly Word[] {
    if (from.type === "Word") return this.words(from);
    const { name, value, index, append, subscripts } = this.assignment(from);
    const subscript: readonly Part[] = index === undefined ? [] : [text("["), ...index.parts, text("]")];
    const operator = text(append ? "+=" : "=");
    if ("parts" in value) return [{ parts: [text(name), ...subscript, operator, ...value.parts.map(unsplit)] }];
    return [{ parts: [text(name), operator, { kind: "opaque", why: "an array", scripts: [expanding(value, subscripts)] }] }];
  }

  /** The words that stand in the place of this one: more than one where braces expand. */
  words(from: ast.Word): readonly Word[] {
    if (!from.text.includes("{") || !(from.parts ?? []).some((part) => part.type === "BraceExpansion")) return [this.word(from)];
    const texts = expandBraces(from.text);
    if (texts === undefined) {
      const word = this.word(from);
      // The braces come first: what follows them belongs to the variable's name, which is then another than it looks.
      return /\$\w+\{/.test(from.text) ? [{ parts: [opaque("braces in the name of a variable"), ...word.parts.filter(runs)] }] : [word];
    }
    // A word that comes to nothing is none, and a `#` at its start begins no comment.
    const words = texts.filter((word) => word !== "").map((word) => (word.startsWith("#") ? `\\${word}` : word));
    const parsed = parse(`: ${words.join(" ")}`);
    const command = parsed.commands[0]?.command;
    if (parsed.errors !== undefined || command?.type !== "Command" || command.suffix.length !== words.length) return [this.word(from)];
    return command.args.map((argument) => (argument.type === "Word" ? this.word(argument, true) : { parts: [text(argument.text)] }));
  }

  word(from: ast.Word, fromBraces = false): Word {
    if ((this.#words += 1) > limits.words) {
      this.note(`it has more than ${limits.words} words`);
      return { parts: [opaque(`it has more than ${limits.words} words`)] };
    }
    // The shell takes the line end out before it looks for the end of the name; the parser after.
    if (/\$\w*\\\n/.test(from.text)) this.note("a line goes on inside a name");
    const { parts } = from;
    const read = parts === undefined ? [text(from.value)] : parts.flatMap((part) => this.part(part, false));
    const [start] = parts ?? [];
    const plain = start === undefined || start.type === "Literal";
    const tilde = plain ? leadingTilde(start?.text ?? from.text, (parts?.length ?? 1) === 1, fromBraces) : undefined;
    // Behind `name=` a tilde is also one after each colon.
    if (/^[A-Za-z_]\w*=[^'"]*:~/.test(from.text))
      return { parts: [text(from.text.replace(/=.*/s, "=")), opaque("a list of paths"), ...read.filter(runs)] };
    if (tilde === undefined) return { parts: read };
    const [first, ...rest] = read;
    if (first?.kind !== "text" || !first.value.startsWith(tilde.before)) return { parts: read };
    const head: readonly Part[] = tilde.before.length > tilde.name.length + 1 ? [text(tilde.before.slice(0, -tilde.name.length - 1))] : [];
    return { parts: [...head, { kind: "tilde", user: tilde.name }, { ...first, value: first.value.slice(tilde.before.length) }, ...rest] };
  }

  part(from: ast.WordPart, quoted: boolean): readonly Part[] {
    switch (from.type) {
      case "Literal":
        return from.value === "" && !quoted ? [] : [{ kind: "text", value: from.value, quoted }];
      case "SingleQuoted":
      case "AnsiCQuoted":
        return [{ kind: "text", value: from.value, quoted: true }];
      case "DoubleQuoted":
      case "LocaleString":
        return from.parts.length === 0 ? [{ kind: "text", value: "", quoted: true }] : from.parts.flatMap((part) => this.part(part, true));
      case "Glob": {
        const scripts = this.scriptsIn(from);
        if (scripts.length > 0) return [{ kind: "opaque", why: "a pattern with an expansion in it", scripts }];
        return [{ kind: "glob", text: from.value, exact: true, scripts }];
      }
      case "ExtendedGlob":
        return [{ kind: "glob", text: "*", exact: false, scripts: this.scriptsIn(from) }];
      case "BraceExpansion":
        return [{ kind: "opaque", why: "braces that expand to many words", scripts: this.scriptsIn(from) }];
      case "SimpleExpansion":
        return [
          {
            kind: "parameter",
            name: from.text.replace(/^\$|\\\n/g, ""),
            quoted,
            form: "plain",
            words: [],
            list: false,
            colon: false,
            assigns: false,
            evaluated: [],
          },
        ];
      case "ParameterExpansion":
        return [readParameter(from, quoted, this)];
      case "CommandExpansion":
        return [{ kind: "substitution", script: this.script(from.script), quoted }];
      case "ProcessSubstitution":
        return [{ kind: "process", script: this.script(from.script), input: from.operator === "<" }];
      case "ArithmeticExpansion":
        return [{ kind: "arithmetic", expression: this.arithmetic(from.expression), quoted }];
      default:
        return unreachable(from);
    }
  }

  arithmetic(from: ast.ArithmeticExpression | undefined): Arithmetic {
    const reads: string[] = [];
    const writes: string[] = [];
    let dynamic = false;
    const visit = (node: ast.SyntaxNode): void => {
      if (node.type === "ArithmeticWord") {
        if (/^[A-Za-z_]\w*$/.test(node.value)) reads.push(node.value);
        else if (!/^(?:[0-9][0-9A-Za-z#@_]*|)$/.test(node.value)) dynamic = true;
      }
      if (node.type === "ArithmeticBinary" && node.left.type === "ArithmeticWord" && /^(?:[-+*/%&|^]|<<|>>)?=$/.test(node.operator))
        writes.push(node.left.value);
      if (node.type === "ArithmeticUnary" && node.operand.type === "ArithmeticWord" && /^(?:\+\+|--)$/.test(node.operator))
        writes.push(node.operand.value);
      if (node.type !== "Script") forEachChild(node, visit);
    };
    if (from !== undefined) visit(from);
    return { reads, writes, scripts: from === undefined ? [] : this.scriptsIn(from), dynamic };
  }

  /** All that the shell would run or evaluate to expand `from`. */
  scriptsIn(from: ast.SyntaxNode): readonly Script[] {
    const scripts: Script[] = [];
    const parts: Part[] = [];
    const visit = (node: ast.SyntaxNode): void => {
      switch (node.type) {
        case "Script":
          scripts.push(this.script(node));
          break;
        case "SimpleExpansion":
        case "ParameterExpansion":
        case "CommandExpansion":
        case "ArithmeticExpansion":
        case "ProcessSubstitution":
          parts.push(...this.part(node, true));
          break;
        default:
          forEachChild(node, visit);
      }
    };
    forEachChild(from, visit);
    return parts.length === 0 ? scripts : [...scripts, expanding([{ parts }])];
  }
}

/** A script that does nothing but expand words, and evaluate some. */
function expanding(words: readonly Word[], evaluated: readonly Word[] = []): Script {
  return { statements: [{ node: { kind: "test", words, evaluated }, background: false }] };
}
