import { CanopyError } from "@canopy-runtime/core";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Terminal } from "../../terminal.ts";
import { UsageError } from "../../usage-error.ts";

/** The log that the command line names, else the one that the environment names, else the default. */
export function logPath(positionals: readonly string[], terminal: Pick<Terminal, "env">): string {
  if (positionals.length > 1) throw new UsageError(`one log at a time, not ${positionals.length}`);
  const path = positionals[0] ?? terminal.env["CANOPY_AUDIT_LOG_PATH"] ?? "audit.log";
  if (path === "") throw new UsageError("the name of the log is empty, name one or leave it out");
  return path;
}

/** The log of that name, also where the folder is named that it lies in. */
export function logFile(path: string): string {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? join(path, "audit.log") : path;
}

/** Does the work; a log that cannot be read is told as bad input. */
export async function reading<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CanopyError && error.code === "AUDIT_LOG_UNAVAILABLE") throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** A whole number from 0 on. */
export function readCount(option: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${option} is \`${text}\`, not a count`);
  return Number(text);
}

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time as RFC 3339 has it, a day, or how long ago: `90s`, `15m`, `2h`, `7d`. */
export function readTime(option: string, text: string, now: Date = new Date()): Date {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return new Date(now.getTime() - Number(count) * (unitMs[unit] ?? 0));
  const at = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at))
    throw new UsageError(`${option} is \`${text}\`: write 2026-01-31, 2026-01-31T12:00:00Z, or how long ago: 90s, 15m, 2h, 7d`);
  return new Date(at);
}
