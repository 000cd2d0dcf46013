import type { Decision } from "./decision.ts";
import { decisions } from "./decision.ts";
import type { Entry, ListNode, MapNode, Node, TextNode } from "./document.ts";
import { nearest } from "./nearest.ts";
import type { Report } from "./problems.ts";
import { quoted } from "./problems.ts";

/** The values of a map by key; keys are unique in a document. Without a prototype, so that every key is one of the file. */
export function keysOf(node: MapNode): Readonly<Record<string, Node | undefined>> {
  const keys: Record<string, Node> = Object.create(null);
  for (const { key, value } of node.entries) keys[key] = value;
  return keys;
}

export function unknownKey(entry: Entry, where: string, valid: readonly string[], report: Report): void {
  const near = nearest(entry.key, valid);
  const choice = near === undefined ? `; the keys there are ${valid.map(quoted).join(", ")}` : "";
  report(entry.at, `unknown key ${quoted(entry.key)} ${where}${choice}`, near);
}

/** A text that is not empty; anything else is reported, a number that wants quotes included. */
export function textOf(node: Node, what: string, report: Report): string | undefined {
  if (node.kind !== "scalar") report(node.at, `${what} is text`);
  else if (typeof node.value === "string" && node.value.trim() !== "") return node.value;
  else if (typeof node.value === "string" || node.value === null) report(node.at, `${what} is empty`);
  else report(node.at, `${what} is text; put ${quoted(String(node.value))} in quotes`);
  return undefined;
}

export function isText(node: Node): node is TextNode & { readonly value: string } {
  return node.kind === "scalar" && typeof node.value === "string";
}

/** The items of a list that has at least one. */
export function listItems(node: Node, what: string, report: Report): readonly Node[] {
  if (node.kind !== "list") {
    report(node.at, `${what} is a list, with a \`-\` before each item`);
    return [];
  }
  if (node.items.length === 0) report(node.at, `${what} is empty; leave it out instead`);
  return node.items;
}

/** One text or a list of them. */
export function textOrTexts(node: Node, what: string, report: Report): readonly { readonly text: string; readonly node: Node }[] {
  const items: readonly Node[] = node.kind === "list" ? listItems(node satisfies ListNode, what, report) : [node];
  return items.flatMap((item) => {
    const text = textOf(item, what, report);
    return text === undefined ? [] : [{ text, node: item }];
  });
}

export function readDecision(node: Node, report: Report): Decision | undefined {
  const found = decisions.find((decision) => node.kind === "scalar" && node.value === decision);
  if (found !== undefined) return found;
  const word = node.kind === "scalar" ? String(node.value) : "";
  const near = nearest(word, decisions);
  const choice = "a decision is `ALLOW`, `REQUIRE_APPROVAL` or `DENY`";
  if (word === "") report(node.at, choice);
  else report(node.at, `unknown decision ${quoted(word)}${near === undefined ? `; ${choice}` : ""}`, near);
  return undefined;
}
