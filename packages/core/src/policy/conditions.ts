import type { FactFunction } from "../facts/schema.ts";
import { askedFields, check } from "./condition/check.ts";
import { constantTexts } from "./condition/compare.ts";
import type { Compiler, ConditionSource } from "./condition/compile.ts";
import { junction, not } from "./condition/operators.ts";
import { canonical, children, pathOf } from "./condition/expression.ts";
import type { Expression, Span } from "./condition/expression.ts";
import { operatorSlip } from "./condition/operator-slip.ts";
import type { ParseCondition } from "./condition/parse.ts";
import type { PayloadShape } from "./condition/types.ts";
import type { Run } from "./condition/values.ts";
import type { Position, Report } from "./problems.ts";
import { quoted } from "./problems.ts";
import type { Block } from "./read-rule.ts";
import type { Guard, Part, Reading } from "./rule.ts";

/** What conditions are compiled with. */
export interface Workshop {
  readonly parse: ParseCondition;
  readonly facts: ReadonlyMap<string, FactFunction>;
  readonly compiler: Compiler;
}

/** A block of conditions with every text in it parsed. */
export type ParsedBlock =
  | { readonly kind: "all" | "any" | "not"; readonly parts: readonly ParsedBlock[] }
  | { readonly kind: "condition"; readonly text: string; readonly expression: Expression; readonly locate: (offset: number) => Position };

export interface CompiledBlock {
  readonly run: Run;
  readonly part: Part;
  readonly guards: readonly Guard[];
}

/** Parses every condition in `block`; what cannot be parsed is reported and left out. */
export function parseBlock(block: Block, parse: ParseCondition, report: Report): ParsedBlock {
  if (block.kind === "condition") {
    const parsed = parse(block.text);
    if ("expression" in parsed) return { kind: "condition", text: block.text, expression: parsed.expression, locate: block.locate };
    const slip = operatorSlip(block.text);
    if (slip === undefined) report(block.locate(parsed.at.start), `the condition ${quoted(block.text)} cannot be read: ${parsed.problem}`);
    else
      report(
        block.locate(slip.at),
        `the condition ${quoted(block.text)} cannot be read: unknown operator ${quoted(slip.word)}`,
        slip.meant,
      );
    return { kind: "all", parts: [] };
  }
  if (block.kind === "search") return search(block);
  return { kind: block.kind, parts: block.parts.map((part) => parseBlock(part, parse, report)) };
}

/** `deny_regex` and its kin as the condition that they stand for. */
function search({ method, text, at }: Block & { readonly kind: "search" }): ParsedBlock {
  const literal = JSON.stringify(text);
  const words = `payload ${method} ${literal}`;
  const start = "payload ".length + method.length + 1;
  const expression: Expression = {
    start: 0,
    end: words.length,
    kind: "method",
    name: method,
    on: { start: 0, end: "payload".length, kind: "variable", name: "payload" },
    args: [{ start, end: words.length, kind: "literal", value: text }],
  };
  return { kind: "condition", text: words, expression, locate: () => at };
}

/** Every expression of a block, in order. */
export function expressionsOf(block: ParsedBlock): readonly Expression[] {
  return block.kind === "condition" ? [block.expression] : block.parts.flatMap(expressionsOf);
}

/** One text for one meaning; the order within a list does not show. */
export function canonicalBlock(block: ParsedBlock): string {
  if (block.kind === "condition") return canonical(block.expression);
  const parts = block.parts.map(canonicalBlock).toSorted();
  return `{${block.kind} ${parts.join(" ")}}`;
}

/** Checks and compiles `block` for the actions that `payload` describes. */
export function compileBlock(block: ParsedBlock, payload: PayloadShape, workshop: Workshop, report: Report): CompiledBlock {
  const asked = new Set(expressionsOf(block).flatMap(askedFields));
  const build = (part: ParsedBlock): CompiledBlock => {
    if (part.kind === "condition") return leaf(part, payload, asked, workshop, report);
    const parts = part.parts.map(build);
    const runs = parts.map(({ run }) => run);
    const tree: Part = { kind: part.kind, parts: parts.map((inner) => inner.part) };
    if (part.kind === "all") {
      const [only] = runs;
      const run = runs.length === 1 && only !== undefined ? only : junction(runs, false);
      return { run, part: tree, guards: parts.flatMap(({ guards }) => guards) };
    }
    const any = junction(runs, true);
    const run = part.kind === "any" ? any : not(any);
    return { run, part: tree, guards: [] };
  };
  return build(block);
}

function leaf(
  part: ParsedBlock & { readonly kind: "condition" },
  payload: PayloadShape,
  asked: ReadonlySet<string>,
  workshop: Workshop,
  report: Report,
): CompiledBlock {
  const { text, expression, locate } = part;
  let failed = false;
  const at = (span: Span, message: string, suggestion?: string): void => {
    failed = true;
    report(locate(span.start), message, suggestion);
  };
  const types = check(expression, { facts: workshop.facts, payload, asked, report: at });
  // What does not check may hold anything; it is not compiled, and the policy does not load.
  if (failed) return { run: () => false, part: { kind: "all", parts: [] }, guards: [] };
  const source: ConditionSource = { text, types, report: at };
  const run = workshop.compiler.compile(expression, source);
  const reads = (): readonly Reading[] => readingsOf(expression, source, workshop.compiler);
  return { run, part: { kind: "condition", text, run, reads }, guards: guardsOf(expression, source, workshop.compiler) };
}

/** The fields and facts that a condition reads, each once, as far as they can be read outside of a comprehension. */
function readingsOf(expression: Expression, source: ConditionSource, compiler: Compiler): readonly Reading[] {
  const found = new Map<string, Reading>();
  const look = (part: Expression, bound: ReadonlySet<string>): void => {
    const record = part.kind === "method" && source.types.get(part.on)?.kind === "record";
    if ((part.kind === "member" || part.kind === "index" || record) && !mentions(part, bound)) {
      const text = source.text.slice(part.start, part.end);
      if (!found.has(text)) found.set(text, { text, run: compiler.compileValue(part, source) });
      return;
    }
    const inner = part.kind === "macro" ? new Set([...bound, part.variable]) : bound;
    for (const child of children(part)) look(child, inner);
  };
  look(expression, new Set());
  return [...found.values()];
}

function mentions(expression: Expression, names: ReadonlySet<string>): boolean {
  if (expression.kind === "variable") return names.has(expression.name);
  return children(expression).some((child) => mentions(child, names));
}

/** `path == "text"` and `path in ["a", "b"]` among the things that all have to hold: where the path holds another text, the rule is false. */
function guardsOf(expression: Expression, source: ConditionSource, compiler: Compiler): readonly Guard[] {
  if (expression.kind === "and") return expression.items.flatMap((item) => guardsOf(item, source, compiler));
  if (expression.kind !== "compare") return [];
  const sides: readonly (readonly [Expression, Expression])[] =
    expression.operator === "=="
      ? [
          [expression.left, expression.right],
          [expression.right, expression.left],
        ]
      : expression.operator === "in"
        ? [[expression.left, expression.right]]
        : [];
  for (const [side, constant] of sides) {
    const path = pathOf(side);
    const values = expression.operator === "in" ? constantTexts(constant) : constantText(constant);
    if (path === undefined || path.length < 2 || (path[0] !== "agent_ctx" && path[0] !== "payload") || values === undefined) continue;
    return [{ path: JSON.stringify(path), read: compiler.compileValue(side, source), values }];
  }
  return [];
}

function constantText(expression: Expression): ReadonlySet<string> | undefined {
  return expression.kind === "literal" && typeof expression.value === "string" ? new Set([expression.value]) : undefined;
}
