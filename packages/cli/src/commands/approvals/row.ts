import type { Approval } from "@canopy-runtime/core";
import { shorten } from "../../entry-row.ts";
import { paint, visible } from "../../terminal.ts";
import type { Style, Terminal } from "../../terminal.ts";

/** A request in one line: id, state, severity, what is asked, who asks, and until when something can be done about it. */
export function approvalRow(approval: Approval, terminal: Pick<Terminal, "interactive">): string {
  const { id, problem, severity, actionTypes, agent, reason } = approval;
  const [word, style] = problem === null ? wordOf(approval) : (["NOT TO BE TRUSTED", "red"] as const);
  const cells = [
    id,
    paint(terminal, style, word.padEnd(17)),
    (severity ?? "-").padEnd(8),
    shorten(visible(actionTypes.join(", ")), 24).padEnd(24),
    shorten(visible(agent ?? "-"), 16).padEnd(16),
    shorten(visible(problem ?? `${until(approval)}${reason}`), 80),
  ];
  return `${cells.join("  ").trimEnd()}\n`;
}

function wordOf({ state, use }: Approval): readonly [string, Style] {
  if (state === "used") return use?.outcome === null ? ["used, no outcome", "red"] : [`used, ${use?.outcome ?? ""}`, "dim"];
  return [state, styles[state] ?? "dim"];
}

function until({ state, decideBy, useBy }: Approval): string {
  if (state === "pending") return `decide by ${time(decideBy)}: `;
  return state === "approved" && useBy !== null ? `to be used by ${time(useBy)}: ` : "";
}

function time(at: Date): string {
  return `${at.toISOString().slice(0, 16)}Z`;
}

const styles: Readonly<Record<string, Style>> = { pending: "yellow", approved: "green", denied: "red" };
