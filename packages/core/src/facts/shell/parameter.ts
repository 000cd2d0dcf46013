// `${name…}` as the parser reads it, and where bash reads it otherwise, read once more.
import { forEachChild, parse } from "unbash";
import type * as ast from "unbash";
import { unreachable } from "../../unreachable.ts";
import { opaque } from "./parts.ts";
import type { Parameter, Part, Word } from "./script.ts";

/** What reads the words and parts inside an expansion. */
export interface Reading {
  word(from: ast.Word): Word;
  part(from: ast.WordPart, quoted: boolean): readonly Part[];
  note(problem: string): void;
}

/** The expansion of a parameter. `quoted` where it stands in double quotes or in a here-document. */
export function readParameter(from: ast.ParameterExpansionPart, quoted: boolean, reading: Reading): Parameter {
  const { operation } = from;
  const words: Word[] = [];
  const evaluated: Word[] = from.index === undefined || /^[@*]$/.test(from.index.text) ? [] : [reading.word(from.index)];
  let form: Parameter["form"] = from.prefix === undefined && from.index === undefined ? "plain" : "other";
  let assigns = false;
  let colon = false;
  switch (operation?.type) {
    case undefined:
      if (from.prefix === "!") form = "evaluates";
      break;
    case "Default":
      words.push(readOperand(operation.operand, quoted, reading));
      assigns = operation.operator.endsWith("=");
      colon = operation.operator.startsWith(":");
      if (form === "plain") form = operation.operator.endsWith("?") ? "required" : operation.operator.endsWith("+") ? "other" : "default";
      else if (from.prefix === "!") form = "evaluates";
      break;
    case "Remove":
    case "CaseModification":
      if (operation.operand !== undefined) words.push(readOperand(operation.operand, quoted, reading));
      form = from.prefix === "!" ? "evaluates" : "other";
      break;
    case "Replace":
      words.push(...readHalves([operation.pattern, operation.replacement], from, quoted, reading));
      form = from.prefix === "!" ? "evaluates" : "other";
      break;
    case "Slice": {
      const { offset, length } = operation;
      evaluated.push(...readHalves(length === undefined ? [offset] : [offset, length], from, quoted, reading));
      form = from.prefix === "!" ? "evaluates" : "other";
      break;
    }
    case "Transform":
      // `@P` expands the value as a prompt, and a prompt runs what it contains. The others quote or describe.
      form = /^[QULuaAKkE]$/.test(operation.operand.text) && from.prefix === undefined ? "other" : "evaluates";
      break;
    case "Names":
      form = "other";
      break;
    case "Unknown":
      form = "evaluates";
      break;
    default:
      unreachable(operation);
  }
  const isEach = from.index?.text === "@" || from.parameter === "@" || (operation?.type === "Names" && from.text.endsWith("@}"));
  return { kind: "parameter", name: from.parameter, quoted, form, words, list: isEach && from.prefix !== "#", colon, assigns, evaluated };
}

/**
 * The halves of `${x/pattern/replacement}` or `${x:offset:length}`. The parser ends the first at the first slash or colon, also at one inside a
 * substitution (`${x/$(a/b)/c}`); then they are read as one word.
 */
function readHalves(halves: readonly ast.Word[], from: ast.ParameterExpansionPart, quoted: boolean, reading: Reading): readonly Word[] {
  if (!halves.some((half) => /[$`]|[<>]\(/.test(half.text))) return halves.map((half) => readOperand(half, quoted, reading));
  const whole = wholeOperand(from, quoted);
  if (whole !== undefined) return [readOperand(whole, quoted, reading)];
  reading.note("an expansion cannot be parsed");
  return halves.map((half) => readOperand(half, quoted, reading));
}

function wholeOperand(from: ast.ParameterExpansionPart, quoted: boolean): ast.Word | undefined {
  const { operation } = from;
  if (operation?.type !== "Replace" && operation?.type !== "Slice") return undefined;
  const expansion = `\${x#${from.text.slice(operation.operatorEnd - from.pos, -1)}}`;
  const [first, ...more] = onlyWord(quoted ? `"${expansion}"` : expansion)?.parts ?? [];
  const read = first?.type === "DoubleQuoted" ? first.parts : first === undefined ? [] : [first];
  const [only] = read;
  if (only?.type !== "ParameterExpansion" || read.length > 1 || more.length > 0 || only.text !== expansion) return undefined;
  return only.operation?.type === "Remove" ? only.operation.operand : undefined;
}

/**
 * What stands behind the operator. Inside double quotes and here-documents single quotes are none, so that the shell runs the substitutions
 * between them; the parser takes them for quotes.
 */
function readOperand(from: ast.Word, quoted: boolean, reading: Reading): Word {
  const word = reading.word(from);
  if (!quoted || !from.text.includes("'")) return word;
  const live: Part[] = [];
  const visit = (node: ast.SyntaxNode): void => {
    switch (node.type) {
      case "Script":
        break;
      case "ParameterExpansion":
        live.push(...reading.part(node, true));
        break;
      case "SingleQuoted":
      case "AnsiCQuoted": {
        if (!/[$`]/.test(node.text)) break;
        const read = unquotedParts(node.text.replace(/^\$?'/, "").replace(/'$/, ""));
        if (read === undefined) reading.note("quotes inside an expansion cannot be parsed");
        live.push(...(read ?? []).flatMap((part) => reading.part(part, true)));
        break;
      }
      default:
        forEachChild(node, visit);
    }
  };
  forEachChild(from, visit);
  return live.length === 0 ? word : { parts: [...word.parts, ...live, opaque("quotes inside an expansion")] };
}

function unquotedParts(text: string): readonly ast.WordPart[] | undefined {
  const [only] = onlyWord(`"${text}"`)?.parts ?? [];
  return only?.type === "DoubleQuoted" && only.text === `"${text}"` ? only.parts : undefined;
}

/** The text as one word, where it is one and nothing else. */
function onlyWord(text: string): ast.Word | undefined {
  const { commands, errors } = parse(`: ${text}`);
  const [statement, ...more] = commands;
  const command = statement?.command;
  if (errors !== undefined || more.length > 0 || command?.type !== "Command") return undefined;
  const [word] = command.args;
  return command.args.length === 1 && command.redirects.length === 0 && word?.type === "Word" && word.text === text ? word : undefined;
}
