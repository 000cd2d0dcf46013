import { open } from "node:fs/promises";
import { basename } from "node:path";

import { CanopyError } from "../errors.ts";
import type { JsonValue } from "../json.ts";
import { checkpointPath } from "./checkpointer.ts";
import { openToRead } from "./disk.ts";
import { parseCheckpoint, signersOf } from "./tree/checkpoint.ts";
import type { Checkpoint } from "./tree/checkpoint.ts";
import { addLeaf, emptyFrontier, leafHash, rootOf } from "./tree/merkle.ts";
import type { Hash } from "./tree/merkle.ts";
import { decodeKey, encodeKey } from "./tree/signed-note.ts";
import type { NoteKey } from "./tree/signed-note.ts";

/** A checkpoint that somebody kept. */
export interface GivenCheckpoint {
  /** For the verdict: where it comes from, such as a file's name. */
  readonly name: string;
  readonly text: string;
}

/** By whose word which entries are what they were. */
export interface Anchor {
  readonly from: number;
  /** The `seq` of the last entry that is covered. */
  readonly to: number;
  /** The checkpoint, as it was given, or the name of the file beside the log. */
  readonly checkpoint: string;
  /** The public key that signed it, `NAME+ID+KEY`. */
  readonly key: string;
  /** `given`: a key that the verifier was told to trust. `named_by_log`: the log says itself that this is its key. */
  readonly trust: "given" | "named_by_log";
}

/** What is held against a log while it is read. */
export interface Anchors {
  readonly checkpoints: readonly { readonly name: string; readonly parsed: Checkpoint | null }[];
  /** Empty where nobody was named. */
  readonly trusted: readonly NoteKey[];
  readonly named: NoteKey[];
  /** The root at each size that a checkpoint speaks of. */
  readonly roots: Map<number, Hash>;
  /** Hears of each line, in order. */
  readonly addLine: (line: Buffer) => void;
  /** Hears of each key that the log says is its own. */
  readonly nameKey: (key: JsonValue | undefined) => void;
}

const mostBytes = 1024 * 1024;

/** Throws `INVALID_OPTIONS` for a public key that is none. */
export async function readAnchors(path: string, given: readonly GivenCheckpoint[], publicKeys: readonly string[]): Promise<Anchors> {
  const trusted = publicKeys.map((text) => {
    const key = decodeKey(text);
    if (key === null) throw new CanopyError("INVALID_OPTIONS", `\`${text.slice(0, 200)}\` is no public key, which reads NAME+ID+KEY`);
    return key;
  });
  const beside = await readBeside(checkpointPath(path));
  const all = beside === null ? given : [...given, { name: basename(checkpointPath(path)), text: beside }];
  const checkpoints = all.map(({ name, text }) => ({ name, parsed: parseCheckpoint(text) }));
  const sizes = new Set(checkpoints.flatMap(({ parsed }) => (parsed === null ? [] : [parsed.size])));
  const named: NoteKey[] = [];
  const tree = emptyFrontier();
  const roots = new Map<number, Hash>(sizes.has(0) ? [[0, rootOf(tree)]] : []);
  return {
    checkpoints,
    trusted,
    named,
    roots,
    addLine: (line) => {
      if (sizes.size === 0) return;
      addLeaf(tree, leafHash(line));
      if (sizes.has(tree.size)) roots.set(tree.size, rootOf(tree));
    },
    nameKey: (text) => {
      const key = typeof text === "string" ? decodeKey(text) : null;
      if (key !== null) named.push(key);
    },
  };
}

type Checked =
  | { readonly kind: "fits"; readonly anchored: Anchor | null }
  | { readonly kind: "short"; readonly checkpoint: string; readonly size: number }
  | { readonly kind: "forked"; readonly checkpoint: string; readonly size: number; readonly why: string }
  | { readonly kind: "bad_checkpoint"; readonly checkpoint: string; readonly why: string };

/** What the checkpoints say of a log that was read to its end, and that is sound in itself. */
export function checkAnchors(anchors: Anchors, log: { readonly origin: string; readonly size: number }): Checked {
  const trust = anchors.trusted.length > 0 ? "given" : "named_by_log";
  let anchored: Anchor | null = null;
  for (const { name, parsed } of anchors.checkpoints) {
    const bad = (why: string): Checked => ({ kind: "bad_checkpoint", checkpoint: name, why });
    if (parsed === null) return bad("it is no signed checkpoint");
    const [key] = signersOf(parsed, trust === "given" ? anchors.trusted : anchors.named);
    if (key === undefined) {
      return bad(
        trust === "given" ? "none of the trusted keys has signed it" : "no key that the log names has signed it; name the key to trust",
      );
    }
    if (parsed.origin !== log.origin) return bad(`it is of the log \`${parsed.origin}\`, and this one is \`${log.origin}\``);
    if (parsed.size > log.size) return { kind: "short", checkpoint: name, size: parsed.size };
    if (anchors.roots.get(parsed.size)?.equals(parsed.root) !== true) {
      const why = `its first ${parsed.size} entries are not those that the checkpoint is signed over: the log, or its history, was written anew`;
      return { kind: "forked", checkpoint: name, size: parsed.size, why };
    }
    if (parsed.size > 0 && (anchored === null || parsed.size - 1 > anchored.to)) {
      anchored = { from: 0, to: parsed.size - 1, checkpoint: name, key: encodeKey(key), trust };
    }
  }
  return { kind: "fits", anchored };
}

async function readBeside(path: string): Promise<string | null> {
  try {
    const file = await open(path, openToRead);
    try {
      const status = await file.stat();
      if (!status.isFile() || status.size > mostBytes) return "";
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (error) {
    // What is there and cannot be read is no checkpoint, and is told so.
    return typeof error === "object" && error !== null && "code" in error && error.code === "ENOENT" ? null : "";
  }
}
