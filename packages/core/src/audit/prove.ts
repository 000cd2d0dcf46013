import { closeSync } from "node:fs";

import { CanopyError } from "../errors.ts";
import { checkpointPath } from "./checkpointer.ts";
import { localDisk, openToRead, unavailable } from "./disk.ts";
import { readLines } from "./lines.ts";
import { parseEntry } from "./read.ts";
import { entryId } from "./query.ts";
import { segmentPaths } from "./segments.ts";
import { parseCheckpoint, signersOf } from "./tree/checkpoint.ts";
import type { Checkpoint } from "./tree/checkpoint.ts";
import { addLeaf, emptyFrontier, hashBytes, leafHash, rootOf } from "./tree/merkle.ts";
import type { Hash } from "./tree/merkle.ts";
import { consistencyProof, inclusionProof, verifyConsistency, verifyInclusion } from "./tree/proof.ts";
import { decodeBase64, decodeKey, encodeKey } from "./tree/signed-note.ts";

/** An entry with what shows that it stands in a log. */
export interface EntryProof {
  /** C2SP tlog-proof: the entry's number, the hashes on the way to the root, and the checkpoint. */
  readonly proof: string;
  /** The entry's line without its newline: what is proven are exactly its bytes. */
  readonly line: string;
}

/** What a proof shows to whoever trusts the keys. */
export type ProofVerdict =
  | {
      readonly kind: "proven";
      readonly origin: string;
      /** The number of the entry; null for a proof that one log goes on from another. */
      readonly index: number | null;
      /** How many entries the checkpoint covers. */
      readonly size: number;
      /** Whose signature counts, `NAME+ID+KEY`. */
      readonly key: string;
    }
  | { readonly kind: "not_proven"; readonly why: string };

const mostHashes = 64;

/**
 * Proves that an entry is in the log at `path`, against its latest checkpoint. `entry` is its number, or its id, whose hash is then compared. Reads
 * the log once; 32 bytes of memory an entry. Throws `AUDIT_LOG_UNAVAILABLE` where there is no checkpoint that covers the entry, `AUDIT_LOG_BROKEN`
 * where the log is not what was signed, `INVALID_OPTIONS` for an entry that is not there.
 */
export function proveEntry(path: string, entry: number | string): Promise<EntryProof> {
  return prove(path, async (text, checkpoint) => {
    const [, digits = ""] = /^(\d{1,15})(?:-[0-9a-f]{32})?$/.exec(String(entry)) ?? [];
    if (digits === "") throw new CanopyError("INVALID_OPTIONS", `\`${String(entry)}\` is neither the number nor the id of an entry`);
    const index = Number(digits);
    if (index >= checkpoint.size) {
      throw new CanopyError(
        "AUDIT_LOG_UNAVAILABLE",
        `the checkpoint covers ${checkpoint.size} entries, and entry ${index} is not one of them yet`,
      );
    }
    const { leafAt, line } = await readLeaves(path, checkpoint, index);
    const found = parseEntry(line);
    if (typeof entry === "string" && entry.includes("-") && (found === null || entryId(found) !== entry)) {
      throw new CanopyError("INVALID_OPTIONS", `entry ${index} is not \`${entry}\`: the log holds another there`);
    }
    const hashes = inclusionProof(leafAt, index, checkpoint.size).map((hash) => `${hash.toString("base64")}\n`);
    return { proof: `c2sp.org/tlog-proof@v1\nindex ${index}\n${hashes.join("")}\n${text}`, line };
  });
}

/**
 * Proves that the log at `path` goes on from an older checkpoint of it: nothing that was signed then was changed since. Answers the older size, the
 * hashes and the latest checkpoint, in the form in which C2SP witnesses take them. Throws as `proveEntry` does.
 */
export function proveGrowth(path: string, olderCheckpoint: string): Promise<string> {
  return prove(path, async (text, checkpoint) => {
    const older = parseCheckpoint(olderCheckpoint);
    if (older === null) throw new CanopyError("INVALID_OPTIONS", "the older checkpoint is none");
    if (older.origin !== checkpoint.origin || older.size > checkpoint.size) {
      throw new CanopyError(
        "AUDIT_LOG_BROKEN",
        `the log, with ${checkpoint.size} entries, does not go on from a checkpoint of \`${older.origin}\` over ${older.size}`,
      );
    }
    const { leafAt } = await readLeaves(path, checkpoint, -1);
    const proof = consistencyProof(leafAt, older.size, checkpoint.size);
    if (!verifyConsistency(older.size, checkpoint.size, older.root, checkpoint.root, proof)) {
      throw new CanopyError(
        "AUDIT_LOG_BROKEN",
        `the first ${older.size} entries are not those of the older checkpoint: the log was written anew`,
      );
    }
    return `old ${older.size}\n${proof.map((hash) => `${hash.toString("base64")}\n`).join("")}\n${text}`;
  });
}

/** Whether the proof shows that the line is in a log of one of these keys. Needs neither the log nor a disk. Total, save for keys that are none. */
export function verifyEntryProof(proof: string, line: string, publicKeys: readonly string[]): ProofVerdict {
  const parts = splitProof(proof, /^c2sp\.org\/tlog-proof@v1\n(?:extra [A-Za-z0-9+/]+=*\n)?index (0|[1-9]\d{0,14})\n/);
  if (parts === null) return { kind: "not_proven", why: "it is no proof in the form of C2SP tlog-proof" };
  const { checkpoint, hashes, number: index } = parts;
  const key = trustedSigner(checkpoint, publicKeys);
  if (key === null) return { kind: "not_proven", why: "none of the trusted keys has signed its checkpoint" };
  if (!verifyInclusion(leafHash(Buffer.from(line)), index, checkpoint.size, hashes, checkpoint.root)) {
    return { kind: "not_proven", why: `the line is not entry ${index} of the log that was signed` };
  }
  return { kind: "proven", origin: checkpoint.origin, index, size: checkpoint.size, key };
}

/** Whether the proof shows that a log of one of these keys goes on from the older checkpoint, which one of them has signed too. */
export function verifyGrowthProof(proof: string, olderCheckpoint: string, publicKeys: readonly string[]): ProofVerdict {
  const parts = splitProof(proof, /^old (0|[1-9]\d{0,14})\n/);
  if (parts === null) return { kind: "not_proven", why: "it is no proof that a log has grown" };
  const older = parseCheckpoint(olderCheckpoint);
  if (older === null) return { kind: "not_proven", why: "the older checkpoint is none" };
  const { checkpoint, hashes, number: size } = parts;
  const key = trustedSigner(checkpoint, publicKeys);
  if (key === null || trustedSigner(older, publicKeys) === null) {
    return { kind: "not_proven", why: "none of the trusted keys has signed both checkpoints" };
  }
  if (older.origin !== checkpoint.origin)
    return { kind: "not_proven", why: `the checkpoints are of two logs, \`${older.origin}\` and \`${checkpoint.origin}\`` };
  if (size !== older.size || !verifyConsistency(older.size, checkpoint.size, older.root, checkpoint.root, hashes)) {
    return { kind: "not_proven", why: "the log that was signed last does not go on from the older one" };
  }
  return { kind: "proven", origin: checkpoint.origin, index: null, size: checkpoint.size, key };
}

async function prove<T>(path: string, work: (text: string, checkpoint: Checkpoint) => Promise<T>): Promise<T> {
  try {
    const text = readWhole(checkpointPath(path));
    const checkpoint = parseCheckpoint(text);
    if (checkpoint === null) throw new CanopyError("AUDIT_LOG_BROKEN", `\`${checkpointPath(path)}\` is no checkpoint`);
    return await work(text, checkpoint);
  } catch (error) {
    throw unavailable(`prove anything about \`${path}\`, which takes a signed checkpoint`, error);
  }
}

/** The hashes of all entries that the checkpoint covers, and one of their lines. */
async function readLeaves(
  path: string,
  { size, root }: Checkpoint,
  wanted: number,
): Promise<{ leafAt: (index: number) => Hash; line: string }> {
  let line = "";
  let count = 0;
  let leaves = Buffer.alloc(Math.min(size, 65_536) * hashBytes);
  const tree = emptyFrontier();
  for (const file of segmentPaths(localDisk, path)) {
    const fd = localDisk.open(file, openToRead);
    try {
      for await (const lines of readLines((into, at) => localDisk.read(fd, into, at), 0)) {
        for (const { bytes } of lines) {
          if (count >= size) break;
          const leaf = leafHash(bytes);
          addLeaf(tree, leaf);
          if (count === wanted) line = bytes.toString();
          if ((count + 1) * hashBytes > leaves.length) leaves = Buffer.concat([leaves], leaves.length * 2);
          leaf.copy(leaves, count * hashBytes);
          count += 1;
        }
        if (count >= size) break;
      }
    } finally {
      closeSync(fd);
    }
    if (count >= size) break;
  }
  if (!rootOf(tree).equals(root))
    throw new CanopyError("AUDIT_LOG_BROKEN", "the log is not the one that its checkpoint was signed over; canopy verify says more");
  return { leafAt: (index) => leaves.subarray(index * hashBytes, (index + 1) * hashBytes), line };
}

function splitProof(
  text: string,
  heading: RegExp,
): { readonly number: number; readonly hashes: readonly Hash[]; readonly checkpoint: Checkpoint } | null {
  const start = heading.exec(text);
  if (start === null) return null;
  const rest = text.slice(start[0].length);
  // Hash lines are never empty, so the first empty line ends them.
  const stop = rest.startsWith("\n") ? 0 : rest.indexOf("\n\n") + 1;
  if (stop === 0 && !rest.startsWith("\n")) return null;
  const lines = rest.slice(0, stop).split("\n").slice(0, -1);
  const hashes = lines.map((each) => decodeBase64(each));
  const checkpoint = parseCheckpoint(rest.slice(stop + 1));
  if (checkpoint === null || lines.length > mostHashes) return null;
  const whole = hashes.filter((hash): hash is Hash => hash?.length === hashBytes);
  return whole.length === lines.length ? { number: Number(start[1]), hashes: whole, checkpoint } : null;
}

function trustedSigner(checkpoint: Checkpoint, publicKeys: readonly string[]): string | null {
  const keys = publicKeys.map((text) => {
    const key = decodeKey(text);
    if (key === null) throw new CanopyError("INVALID_OPTIONS", `\`${text.slice(0, 200)}\` is no public key, which reads NAME+ID+KEY`);
    return key;
  });
  const [signer] = signersOf(checkpoint, keys);
  return signer === undefined ? null : encodeKey(signer);
}

function readWhole(path: string): string {
  const fd = localDisk.open(path, openToRead);
  try {
    const bytes = Buffer.alloc(Math.min(1024 * 1024, localDisk.fdStatus(fd).size));
    return bytes.subarray(0, localDisk.read(fd, bytes, 0)).toString();
  } finally {
    closeSync(fd);
  }
}
