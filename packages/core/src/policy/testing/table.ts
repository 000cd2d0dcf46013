import { isJsonObject } from "../../json.ts";
import type { JsonValue } from "../../json.ts";
import type { Node } from "../document.ts";
import { nearest } from "../nearest.ts";
import type { Position, Report } from "../problems.ts";
import { quoted } from "../problems.ts";
import { listItems, readDecision, textOf, textOrTexts } from "../reading.ts";
import type { CaseDraft } from "./expectation.ts";
import { readReason, readRules } from "./expectation.ts";
import { json, merge, nested, reportContextKey } from "./request.ts";
import type { Draft } from "./request.ts";

/** The tests of a table: the template with each row laid over it. */
export function readTable(template: CaseDraft, columns: Node | undefined, rows: Node, report: Report): readonly CaseDraft[] {
  const names = columns === undefined ? null : textOrTexts(columns, "`columns`", report).map(({ text, node }) => ({ text, at: node.at }));
  const seen = new Set<string>();
  for (const { text, at } of names ?? []) {
    checkColumn(text, at, report);
    if (seen.has(text)) report(at, `the column ${quoted(text)} stands twice`);
    seen.add(text);
  }
  return listItems(rows, "`rows`", report).flatMap((row, index) => {
    const cells = readRow(row, names, report);
    return cells === null ? [] : [fill(template, { at: row.at, number: index + 1 }, cells, report)];
  });
}

interface Cell {
  readonly column: string;
  readonly at: Position;
  readonly value: Node;
}

function readRow(row: Node, columns: readonly { readonly text: string }[] | null, report: Report): readonly Cell[] | null {
  if (row.kind === "map") {
    for (const { key, at } of row.entries) checkColumn(key, at, report);
    if (row.entries.length === 0) report(row.at, "the row is empty");
    return row.entries.map(({ key, at, value }) => ({ column: key, at, value }));
  }
  if (row.kind !== "list") report(row.at, "a row is a list of values by `columns`, or a map from column to value");
  else if (columns === null) report(row.at, "a row that is a list needs `columns`, which say what its values stand for");
  else if (row.items.length !== columns.length) report(row.at, `the row has ${row.items.length} values for ${columns.length} columns`);
  else return row.items.map((value, index) => ({ column: columns[index]?.text ?? "", at: value.at, value }));
  return null;
}

const fixed: readonly string[] = ["name", "expect", "rules", "reason", "action_type", "agent_ctx", "payload"];

function checkColumn(column: string, at: Position, report: Report): void {
  const [first = "", ...rest] = column.split(".");
  if (rest.length === 0 && fixed.includes(first)) return;
  if ((first === "agent_ctx" || first === "payload") && rest.every((key) => key !== "")) {
    if (first === "agent_ctx") reportContextKey(rest[0] ?? "", at, report);
    return;
  }
  report(
    at,
    `unknown column ${quoted(column)}; a column is one of ${fixed.map(quoted).join(", ")}, or a field such as \`payload.command\``,
    nearest(first, fixed),
  );
}

function fill(
  template: CaseDraft,
  { at, number }: { readonly at: Position; readonly number: number },
  cells: readonly Cell[],
  report: Report,
): CaseDraft {
  let { request, expected } = template;
  let own: string | null = null;
  const shown: string[] = [];
  for (const { column, at: place, value } of cells) {
    switch (column) {
      case "name":
        own = textOf(value, "`name`", report) ?? null;
        break;
      case "expect":
        expected = { ...expected, decision: readDecision(value, report) ?? "DENY" };
        break;
      case "rules":
        expected = { ...expected, rules: readRules(value, report) };
        break;
      case "reason":
        expected = { ...expected, reason: readReason(value, report) };
        break;
      default: {
        const data = column === "action_type" ? (textOf(value, "`action_type`", report) ?? "") : json(value, report);
        const path = column.split(".");
        if (column === "agent_ctx" && !isJsonObject(data)) report(place, "`agent_ctx` is a map");
        else if (standsInTheWay(request, path)) report(place, `${quoted(column)} is a field of something that is no map`);
        else request = merge(request, nested(path, data)) as Draft;
        shown.push(typeof data === "string" ? data : JSON.stringify(data));
      }
    }
  }
  return { name: `${template.name}: ${own ?? (shown.length === 0 ? `row ${number}` : shown.join(", "))}`, at, request, expected };
}

/** Whether the template has a value on the way to `path` that is no map, so that there is nowhere to put the cell. */
function standsInTheWay(draft: Draft, path: readonly string[]): boolean {
  let value: JsonValue = draft;
  for (const key of path.slice(0, -1)) {
    const next: JsonValue | undefined = isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    if (next === undefined) return false;
    if (!isJsonObject(next)) return true;
    value = next;
  }
  return false;
}
