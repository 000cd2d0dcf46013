import type { Node as YamlNode, Pair, Scalar } from "yaml";

import type { Position, Report } from "./problems.ts";
import { quoted } from "./problems.ts";

/** A policy file as plain data with places, free of the library that parsed it. */
export type Node = TextNode | ListNode | MapNode;

export interface TextNode {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
  readonly at: Position;
  /** Where the character `offset` of a text value stands in the file, as nearly as it can be said. */
  readonly locate: (offset: number) => Position;
}

export interface ListNode {
  readonly kind: "list";
  readonly at: Position;
  readonly items: readonly Node[];
}

export interface MapNode {
  readonly kind: "map";
  readonly at: Position;
  readonly entries: readonly Entry[];
}

export interface Entry {
  readonly key: string;
  readonly at: Position;
  readonly value: Node;
}

/** The least surprising subset of YAML 1.2: one document, no tags, no merge keys, no duplicate keys; null where it is not that, or empty. */
export type ParseDocument = (text: string, report: Report) => Node | null;

/** The most UTF-16 code units of one policy file. */
export const fileLength = 4_194_304;
const nodesInAll = 100_000;
const levels = 64;

/** The YAML parser, loaded only now. This file alone knows the library. */
export async function loadYaml(): Promise<ParseDocument> {
  const yaml = await import("yaml");
  return (text, report) => {
    const first: Position = { line: 1, column: 1 };
    if (text.length > fileLength) return refuse(report, first, `a policy file has at most ${fileLength} characters`);
    const lines = new yaml.LineCounter();
    const place = (offset: number): Position => {
      const { line, col } = lines.linePos(offset);
      return { line: Math.max(line, 1), column: Math.max(col, 1) };
    };
    let document;
    try {
      document = yaml.parseDocument(text, {
        version: "1.2",
        schema: "core",
        merge: false,
        uniqueKeys: false,
        stringKeys: true,
        strict: true,
        prettyErrors: false,
        // Not "silent": then a second document is not an error but ignored.
        logLevel: "error",
        lineCounter: lines,
      });
    } catch {
      return refuse(report, first, "the file is nested too deeply to be read");
    }
    for (const error of [...document.errors, ...document.warnings]) report(place(error.pos[0]), yamlMessage(error.code, error.message));
    const version = document.directives.yaml;
    if (version.explicit === true && version.version !== "1.2") report(first, `YAML ${version.version} is not supported, YAML 1.2 is`);
    if (document.errors.length > 0) return null;
    const { contents } = document;
    if (contents === null || (yaml.isScalar(contents) && contents.value === null)) return refuse(report, first, "the file is empty");

    let nodes = 0;
    const convert = (node: YamlNode | null, depth: number, fallback: Position): Node => {
      const at = node?.range == null ? fallback : place(node.range[0]);
      const empty: TextNode = { kind: "scalar", value: null, at, locate: () => at };
      nodes += 1;
      if (nodes > nodesInAll || depth > levels) {
        if (nodes !== Number.POSITIVE_INFINITY) report(at, `the file has more than ${nodesInAll} values, or more than ${levels} levels`);
        // Said once; what is left is not read.
        nodes = Number.POSITIVE_INFINITY;
        return empty;
      }
      if (yaml.isAlias(node)) {
        const named = node.resolve(document);
        if (named !== undefined) return convert(named, depth + 1, at);
        report(at, `the alias ${quoted(`*${node.source}`)} names nothing`);
        return empty;
      }
      if (node?.tag !== undefined && node.tag !== null) report(at, `tags such as ${quoted(node.tag)} are not supported`);
      if (yaml.isSeq<YamlNode>(node)) return { kind: "list", at, items: node.items.map((item) => convert(item, depth + 1, at)) };
      if (yaml.isMap<YamlNode, YamlNode>(node)) return { kind: "map", at, entries: entries(node.items, depth, at) };
      if (yaml.isScalar(node)) return scalar(node, at);
      return empty;
    };
    const entries = (pairs: readonly Pair<YamlNode, YamlNode>[], depth: number, at: Position): readonly Entry[] => {
      const seen = new Map<string, Position>();
      return pairs.flatMap(({ key, value }) => {
        const keyAt = key.range == null ? at : place(key.range[0]);
        if (!yaml.isScalar(key) || typeof key.value !== "string") {
          report(keyAt, "a key is plain text");
          return [];
        }
        if (key.tag !== undefined) report(keyAt, "tags are not supported");
        if (key.value === "<<") report(keyAt, "merge keys (`<<`) are not supported");
        const before = seen.get(key.value);
        if (before !== undefined) {
          report(keyAt, `duplicate key ${quoted(key.value)}, first on line ${before.line}`);
          return [];
        }
        seen.set(key.value, keyAt);
        return [{ key: key.value, at: keyAt, value: convert(value, depth + 1, keyAt) }];
      });
    };
    const scalar = (node: Scalar, at: Position): TextNode => {
      const { value } = node;
      if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean" && value !== null) {
        report(at, "the value is of a kind that policies do not have");
        return { kind: "scalar", value: null, at, locate: () => at };
      }
      if (typeof value === "string" && !value.isWellFormed()) report(at, "the text has half of a surrogate pair");
      const from = node.range?.[0];
      const locate = (offset: number): Position =>
        typeof value === "string" && from !== undefined ? place(offsetInSource(text, from, node.range?.[1] ?? from, value, offset)) : at;
      return { kind: "scalar", value, at, locate };
    };
    return convert(contents, 0, first);
  };
}

/** A comment of a file, from its `#` to the end of its line. */
export interface Comment {
  readonly at: Position;
  readonly text: string;
}

/** The comments of a text that was parsed before, in order. What looks like one inside of a value is none. */
export async function commentsOf(text: string): Promise<readonly Comment[]> {
  const yaml = await import("yaml");
  const lines = new yaml.LineCounter();
  const found: Comment[] = [];
  const look = (token: unknown): void => {
    if (typeof token !== "object" || token === null) return;
    if (Array.isArray(token)) for (const item of token) look(item);
    else if ("type" in token && token.type === "comment" && "offset" in token && "source" in token) {
      const { line, col } = lines.linePos(Number(token.offset));
      found.push({ at: { line, column: col }, text: String(token.source) });
    } else for (const inner of Object.values(token)) look(inner);
  };
  for (const token of new yaml.Parser(lines.addNewLine).parse(text)) look(token);
  return found;
}

function refuse(report: Report, at: Position, message: string): null {
  report(at, message);
  return null;
}

/** Matches the value against its source character by character; what only one of them has (quotes, escapes, indentation) is stepped over. */
function offsetInSource(text: string, from: number, to: number, value: string, offset: number): number {
  let at = from;
  const header = /^[|>][^\n]*\n/.exec(text.slice(from, to));
  if (header !== null) at += header[0].length;
  for (let index = 0; index <= offset; index += 1) {
    const wanted = value[index];
    if (wanted === undefined) return Math.min(at, to);
    let next = at;
    while (next < to && text[next] !== wanted && next - at < 200) next += 1;
    // An escape such as `\x72` is not found as the character it stands for; then one step is as good as any.
    if (text[next] !== wanted) next = at + 1;
    if (index === offset) return Math.min(next, to);
    at = next + 1;
  }
  return at;
}

function yamlMessage(code: string, message: string): string {
  switch (code) {
    case "MULTIPLE_DOCS":
      return "a policy file holds one document";
    case "TAG_RESOLVE_FAILED":
      return "tags are not supported";
    case "NON_STRING_KEY":
      return "a key is plain text";
    default: {
      const [line = ""] = message.split("\n");
      const found = `the YAML cannot be read: ${line.charAt(0).toLowerCase()}${line.slice(1)}`;
      const advice = yamlAdvice(code, line);
      return advice === "" ? found : `${found}; ${advice}`;
    }
  }
}

/** What the parser's own words leave unsaid about the slips that everybody makes; empty for any other. */
function yamlAdvice(code: string, message: string): string {
  switch (code) {
    case "TAB_AS_INDENT":
      return "indent with spaces";
    case "BLOCK_AS_IMPLICIT_KEY":
      return "put a text that holds `: ` in quotes, or mend the indentation";
    case "UNEXPECTED_TOKEN":
      return message.startsWith("Unexpected scalar at node end")
        ? "put all of a text that begins with a quote in other quotes, or mend the indentation"
        : "";
    case "MISSING_CHAR":
      return message.startsWith("Sequence item") ? "mend the indentation: it is not that of the lines before" : "";
    case "BAD_SCALAR_START":
      return "put the text in quotes";
    default:
      return "";
  }
}
