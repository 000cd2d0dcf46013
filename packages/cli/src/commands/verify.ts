import { verifyAuditLog, verifyEntryProof, verifyGrowthProof } from "@canopy-runtime/core";
import type { AuditVerdict } from "@canopy-runtime/core";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Command } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import { paint, print, visible } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError, understood } from "../usage-error.ts";
import { logFile, logPath } from "./audit/log-path.ts";
import { unreachable } from "../unreachable.ts";

export const verify: Command = {
  name: "verify",
  summary: "whether an audit log is whole and untouched, or a proof holds",
  help: `canopy verify: whether an audit log is whole and untouched; also as canopy-verify

Usage: canopy verify [LOG] [--checkpoint FILE]… [--public-key KEY]… [--json]
       canopy verify --proof FILE (--line FILE | --checkpoint FILE) --public-key KEY… [--json]

  LOG                 the log, or its folder; the one that CANOPY_AUDIT_LOG_PATH names, else audit.log, where it is left out
  --checkpoint FILE   a checkpoint that was kept elsewhere; with --proof the older one
  --public-key KEY    whose checkpoints are believed: NAME+ID+KEY, or a file that holds it. Without it the key is taken that the log names
  --proof FILE        checks a proof of canopy prove, without the log
  --line FILE         the line that the proof is about, to the byte, with or without its newline
  --json              one line of JSON instead of text

Every line of every segment is read as raw bytes, in one pass. The first bad line is named, and which entries are vouched for by whom.

Exit codes: 0 valid, 1 tampered with, cut, forked or broken, or not anchored although a key or a checkpoint was named, 2 there is no such file
or it cannot be read.
`,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        json: { type: "boolean", default: false },
        checkpoint: { type: "string", multiple: true, default: [] },
        "public-key": { type: "string", multiple: true, default: [] },
        proof: { type: "string" },
        line: { type: "string" },
      },
      allowPositionals: true,
    });
    const publicKeys = values["public-key"].map((text) => (text.includes("+") ? text : readText(text).trim()));
    const checkpoints = values.checkpoint.map((name) => ({ name, text: readText(name) }));
    if (values.proof !== undefined) {
      if (positionals.length > 0) throw new UsageError("a proof is checked without the log");
      return await verifyProof(values.proof, values.line, checkpoints, publicKeys, values.json, terminal);
    }
    if (values.line !== undefined) throw new UsageError("--line goes with --proof");
    const path = logFile(logPath(positionals, terminal));
    const onProgress = terminal.interactive && !values.json ? { onProgress: progress(terminal) } : {};
    const verdict = await understood(async () => await verifyAuditLog(path, { checkpoints, publicKeys, ...onProgress }));
    if (verdict.kind === "unreadable") throw new UsageError(verdict.why);
    await print(terminal, values.json ? `${JSON.stringify({ file: path, ...verdict })}\n` : describe(path, verdict, terminal));
    if (verdict.kind !== "valid") return exitCodes.finding;
    // Whoever names a key asks for its word.
    return verdict.anchored === null && publicKeys.length > 0 ? exitCodes.finding : exitCodes.ok;
  },
};

async function verifyProof(
  proofFile: string,
  lineFile: string | undefined,
  checkpoints: readonly { readonly text: string }[],
  publicKeys: readonly string[],
  json: boolean,
  terminal: Terminal,
): Promise<ExitCode> {
  if (publicKeys.length === 0) throw new UsageError("--public-key is missing: a proof holds for whoever trusts the key");
  const [older, ...more] = checkpoints;
  if ((lineFile === undefined) === (older === undefined) || more.length > 0) {
    throw new UsageError("name what the proof is about: a line with --line, or one older checkpoint with --checkpoint");
  }
  const proof = readText(proofFile);
  const verdict = await understood(async () =>
    older === undefined
      ? await verifyEntryProof(proof, readText(lineFile ?? "").replace(/\n$/, ""), publicKeys)
      : await verifyGrowthProof(proof, older.text, publicKeys),
  );
  const text =
    verdict.kind === "proven"
      ? `${paint(terminal, ["bold", "green"], "proven")} ${visible(proofFile)}: ${
          verdict.index === null ? "the log has only grown since the older checkpoint" : `the line is entry ${verdict.index}`
        } of ${visible(verdict.origin)}, signed over ${verdict.size} entries by ${visible(verdict.key)}\n`
      : finding(terminal, "not proven", `${visible(proofFile)}: ${visible(verdict.why)}`);
  await print(terminal, json ? `${JSON.stringify(verdict)}\n` : text);
  return verdict.kind === "proven" ? exitCodes.ok : exitCodes.finding;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read \`${path}\`: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

type ValidLog = AuditVerdict & { readonly kind: "valid" };
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
        `  log       ${visible(verdict.origin)}${verdict.segments > 1 ? `, in ${verdict.segments} segments` : ""}`,
        `  last      entry ${verdict.lastSeq}, hash ${verdict.headHash}`,
        ...anchorLines(verdict),
        ...(verdict.head === "matches"
          ? []
          : [`  head      the head file beside it is ${verdict.head}: entries missing at the end would not be seen`]),
      ];
      return `${lines.join("\n")}\n`;
    }
    case "tampered":
      return finding(terminal, "tampered", `${visible(verdict.file)}:${verdict.line}: ${visible(verdict.why)}`);
    case "truncated":
      return finding(terminal, "truncated", `${visible(verdict.file)}:${verdict.line}: ${visible(verdict.why)}`);
    case "forked":
      return finding(terminal, "forked", `${file}: ${visible(verdict.why)} (checkpoint ${visible(verdict.checkpoint)})`);
    case "bad_checkpoint":
      return finding(terminal, "bad checkpoint", `${visible(verdict.checkpoint)}: ${visible(verdict.why)}`);
    case "torn_tail":
      return finding(
        terminal,
        "torn tail",
        `${visible(verdict.file)}:${verdict.line}: the last line was not finished (${verdict.bytes} bytes); the next writer cuts it and says so`,
      );
    case "empty":
      return finding(terminal, "empty", `${file}: not one entry, so not even the first that every log begins with`);
    default:
      return unreachable(verdict);
  }
}

function anchorLines({ anchored, unanchored }: ValidLog): readonly string[] {
  if (anchored === null) {
    return ["  anchored  nothing: whoever can write these files can write them all anew, unless a signed checkpoint is kept elsewhere"];
  }
  const whose =
    anchored.trust === "given"
      ? ""
      : "; the log itself names this key, so this says little: --public-key names the one that you were given";
  return [
    `  anchored  entries ${anchored.from} to ${anchored.to}, by ${visible(anchored.checkpoint)}, signed by ${visible(anchored.key)}${whose}`,
    ...(unanchored === null
      ? []
      : [`  the rest  entries ${unanchored.from} to ${unanchored.to} came after that checkpoint: only the chain covers them`]),
  ];
}

function finding(terminal: Terminal, word: string, text: string): string {
  return `${paint(terminal, ["bold", "red"], word)} ${text}\n`;
}
