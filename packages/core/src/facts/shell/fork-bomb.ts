import type { Node, Script } from "./script.ts";

/** Whether a function, once called, starts itself again beside itself: in a pipeline or in the background. */
export function isForkBomb(name: string, body: Node): boolean {
  return spawns(body, name, false);
}

/** Whether a loop that nothing ends starts processes that it does not wait for. */
export function isEndless(node: Node): boolean {
  if (node.kind === "arithmetic-for") return node.endless && startsBackground(node.body);
  if (node.kind !== "while") return false;
  const [only, ...more] = node.clause.statements;
  if (only === undefined || more.length > 0) return false;
  return (node.until ? alwaysFalse(only.node) : alwaysTrue(only.node)) && startsBackground(node.body);
}

function spawns(node: Node, name: string, beside: boolean): boolean {
  if (node.kind === "simple") return beside && isCallOf(node, name);
  if (node.kind === "pipeline") return node.commands.some((command) => spawns(command, name, beside || node.commands.length > 1));
  return childrenOf(node).some((child) => spawns(child.node, name, beside || child.background));
}

function isCallOf(node: Extract<Node, { kind: "simple" }>, name: string): boolean {
  const [part, ...more] = node.words[0]?.parts ?? [];
  return part?.kind === "text" && part.value === name && more.length === 0;
}

function startsBackground(script: Script): boolean {
  return script.statements.some(
    ({ node, background }) => background || childrenOf(node).some((child) => child.background || startsBackground({ statements: [child] })),
  );
}

function alwaysTrue(node: Node): boolean {
  const words = literals(node);
  if (node.kind === "arithmetic") return node.expression.reads.length === 0 && node.expression.scripts.length === 0;
  if (words === undefined) return false;
  return (
    ["true", ":"].includes(words[0] ?? "") ||
    (["[", "test"].includes(words[0] ?? "") && /^(?:\S+|(\S+) ==? \1)$/.test(words.slice(1).join(" ").replace(/ \]$/, "")))
  );
}

function alwaysFalse(node: Node): boolean {
  return literals(node)?.[0] === "false";
}

function literals(node: Node): readonly string[] | undefined {
  if (node.kind !== "simple") return undefined;
  return node.words.map((word) => word.parts.map((part) => (part.kind === "text" ? part.value : "$")).join(""));
}

function childrenOf(node: Node): readonly { readonly node: Node; readonly background: boolean }[] {
  switch (node.kind) {
    case "pipeline":
      return node.commands.map(foreground);
    case "and-or":
      return [node.first, ...node.rest.map((item) => item.node)].map(foreground);
    case "redirected":
      return [foreground(node.node)];
    case "subshell":
    case "group":
    case "coproc":
      return node.body.statements;
    case "if":
      return [
        ...node.branches.flatMap((branch) => [...branch.clause.statements, ...branch.body.statements]),
        ...(node.otherwise?.statements ?? []),
      ];
    case "while":
      return [...node.clause.statements, ...node.body.statements];
    case "for":
    case "arithmetic-for":
      return node.body.statements;
    case "case":
      return node.items.flatMap((item) => item.body.statements);
    case "function":
      return [foreground(node.body)];
    default:
      return [];
  }
}

function foreground(node: Node): { readonly node: Node; readonly background: boolean } {
  return { node, background: false };
}
