import type { Terminal } from "./terminal.ts";

export interface ProgressBar {
  /** Hears how much of how much is done; shows it now and then. */
  readonly update: (done: number, of: number) => void;
  /** Wipes the bar away. */
  readonly clear: () => void;
}

/** On a terminal, and for work that takes a while: a bar on standard error. Null where nobody looks. */
export function progressBar(
  terminal: Pick<Terminal, "interactive" | "stderr">,
  now: () => number = () => performance.now(),
): ProgressBar | null {
  if (!terminal.interactive) return null;
  const started = now();
  let shown = started;
  let isShown = false;
  return {
    update: (done, of) => {
      const at = now();
      if (at - started < quietMs || at - shown < betweenMs) return;
      shown = at;
      isShown = true;
      const share = of > 0 ? Math.min(done / of, 1) : 0;
      const full = Math.round(share * width);
      terminal.stderr.write(`\r[${"█".repeat(full)}${" ".repeat(width - full)}] ${String(Math.round(share * 100)).padStart(3)} %`);
    },
    clear: () => {
      if (isShown) terminal.stderr.write(`\r${" ".repeat(width + 8)}\r`);
    },
  };
}

const width = 30;
const quietMs = 500;
const betweenMs = 100;
