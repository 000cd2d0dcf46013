import { isJsonObject, parseJson } from "@canopy-runtime/core";
import type { JsonObject, JsonValue } from "@canopy-runtime/core";
import { ruleIds, shorten, subject } from "./entry-row.ts";
import { paint, visible } from "./terminal.ts";
import type { Style, Terminal } from "./terminal.ts";

/**
 * The decisions among these lines of an audit log, as a table for people: what was asked, the answer, the rule behind it, and for whatever was
 * not simply allowed the reason below. Other entries are left out; a line that is no entry throws.
 */
export function decisionTable(lines: readonly string[], terminal: Pick<Terminal, "interactive">): string {
  const entries = lines
    .map((line) => parseJson(line))
    .filter((entry): entry is JsonObject => isJsonObject(entry) && entry["type"] === "decision");
  const rows = entries.map((entry, index) => ({
    cells: [
      String(index + 1),
      text(entry["decision"]),
      text(entry["action_type"]),
      shorten(visible(subject(entry)), widest),
      visible(ruleIds(entry["rules"])),
    ],
    decision: text(entry["decision"]),
    reason: entry["decision"] === "ALLOW" ? "" : text(entry["reason"]),
  }));
  const widths = headings.map((heading, column) => Math.max(heading.length, ...rows.map(({ cells }) => (cells[column] ?? "").length)));
  const pad = (cells: readonly string[]): readonly string[] => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0));
  const body = rows.flatMap(({ cells, decision, reason }) => {
    const [number = "", answer = "", ...rest] = pad(cells);
    const line = `  ${number}  ${paint(terminal, styles[decision] ?? "bold", answer)}  ${rest.join("  ").trimEnd()}`;
    return reason === "" ? [line] : [line, paint(terminal, "dim", `  ${" ".repeat(number.length)}  ${shorten(reason, reasonWidth)}`)];
  });
  return [`  ${paint(terminal, "dim", pad(headings).join("  ").trimEnd())}`, ...body, ""].join("\n");
}

const headings = ["#", "decision", "action", "what", "rule"];
const widest = 56;
const reasonWidth = 150;

const styles: Readonly<Record<string, Style>> = { ALLOW: "green", REQUIRE_APPROVAL: "yellow", DENY: "red" };

function text(value: JsonValue | undefined): string {
  return visible(typeof value === "string" ? value : JSON.stringify(value ?? null));
}
