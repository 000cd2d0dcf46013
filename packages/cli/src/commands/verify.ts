import { verifyAuditLog } from "@canopy-runtime/core";
import type { AuditVerdict } from "@canopy-runtime/core";
import { parseArgs } from "node:util";
import type { Command } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { paint, print, visible } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";

export const verify: Command = {
  name: "verify",
  summary: "whether an audit log is whole and untouched",
  help: `canopy verify: whether an audit log is whole and untouched; also as canopy-verify

Usage: canopy verify [FILE] [--json]

  FILE     the log; the one that CANOPY_AUDIT_LOG_PATH names, else audit.log, where it is left out
  --json   one line of JSON instead of text

Every line is read as raw bytes, in one pass. The first bad line is named.

Exit codes: 0 valid, 1 tampered with, cut or broken, 2 there is no such file or it cannot be read.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { json: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    if (positionals.length > 1) throw new UsageError(`one log at a time, not ${positionals.length}`);
    const path = positionals[0] ?? terminal.env["CANOPY_AUDIT_LOG_PATH"] ?? "audit.log";
    const verdict = await verifyAuditLog(path, terminal.interactive && !values.json ? { onProgress: progress(terminal) } : {});
    if (verdict.kind === "unreadable") throw new UsageError(verdict.why);
    await print(terminal, values.json ? `${JSON.stringify({ file: path, ...verdict })}\n` : describe(path, verdict, terminal));
    return verdict.kind === "valid" ? exitCodes.ok : exitCodes.finding;
  },
};

type Verdict = Exclude<AuditVerdict, { readonly kind: "unreadable" }>;

/** On a terminal, and for a log that takes a while: how far it is. */
function progress(terminal: Terminal): (bytes: number, entries: number) => void {
  const started = performance.now();
  let shown = started;
  return (bytes, entries) => {
    const now = performance.now();
    if (now - started < 500 || now - shown < 100) return;
    shown = now;
    terminal.stderr.write(`\r${entries} entries, ${(bytes / 1_000_000).toFixed(0)} MB`);
  };
}

function describe(path: string, verdict: Verdict, terminal: Terminal): string {
  const file = visible(path);
  switch (verdict.kind) {
    case "valid": {
      const lines = [
        `${paint(terminal, ["bold", "green"], "valid")} ${file}: ${verdict.entries} entries, chained from the first to the last`,
        `  log       ${verdict.origin}`,
        `  last      entry ${verdict.lastSeq}, hash ${verdict.headHash}`,
        "  anchored  nothing: whoever can write these files can write them all anew, unless a signed checkpoint is kept elsewhere",
        ...(verdict.head === "matches"
          ? []
          : [`  head      the head file beside it is ${verdict.head}: entries missing at the end would not be seen`]),
      ];
      return `${lines.join("\n")}\n`;
    }
    case "tampered":
      return finding(terminal, "tampered", `${file}:${verdict.line}: ${visible(verdict.why)}`);
    case "truncated":
      return finding(terminal, "truncated", `${file}:${verdict.line}: ${visible(verdict.why)}`);
    case "torn_tail":
      return finding(
        terminal,
        "torn tail",
        `${file}:${verdict.line}: the last line was not finished (${verdict.bytes} bytes); the next writer cuts it and says so`,
      );
    case "empty":
      return finding(terminal, "empty", `${file}: not one entry, so not even the first that every log begins with`);
    default:
      return unreachable(verdict);
  }
}

function finding(terminal: Terminal, word: string, text: string): string {
  return `${paint(terminal, ["bold", "red"], word)} ${text}\n`;
}

function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`);
}
