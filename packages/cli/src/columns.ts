import { visible } from "./terminal.ts";

/** Rows as columns, two blanks apart: numbers to the right, words to the left, control characters spelt out. */
export function columns(rows: readonly (readonly (string | number)[])[], indent = "  "): string {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === "number" ? cell.toLocaleString("en") : visible(cell))));
  const widths: number[] = [];
  for (const row of cells) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  const isNumber = (row: number, column: number): boolean => typeof rows[row]?.[column] === "number";
  return cells
    .map((row, index) => {
      const padded = row.map((cell, column) => {
        const width = widths[column] ?? 0;
        // A heading stands where its numbers stand.
        return isNumber(index, column) || (index === 0 && isNumber(1, column)) ? cell.padStart(width) : cell.padEnd(width);
      });
      return `${indent}${padded.join("  ").trimEnd()}\n`;
    })
    .join("");
}
