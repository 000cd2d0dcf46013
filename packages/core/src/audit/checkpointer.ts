import { hash } from "node:crypto";
import { basename, dirname } from "node:path";

import { CanopyError } from "../errors.ts";
import { openOrCreate, openToRead, syncDirectory, writeAll } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { bodyText } from "./entry.ts";
import { readLines } from "./lines.ts";
import { memberOf } from "./members.ts";
import { sealedPath } from "./segments.ts";
import { afterSeal, beginning, broken, isEntryAt } from "./tail.ts";
import type { Position } from "./tail.ts";
import { parseCheckpoint, signCheckpoint, signersOf } from "./tree/checkpoint.ts";
import { formatFrontier, parseFrontier } from "./tree/frontier-file.ts";
import { addLeaf, copyFrontier, emptyFrontier, leafHash, rootOf } from "./tree/merkle.ts";
import type { Frontier } from "./tree/merkle.ts";
import { encodeKey } from "./tree/signed-note.ts";
import type { NoteKey, NoteSigner } from "./tree/signed-note.ts";

export interface CheckpointerOptions {
  readonly disk: Disk;
  /** The log's real path. */
  readonly path: string;
  readonly signer: NoteSigner;
  /** Whose checkpoints the log may have had before. */
  readonly previousKeys: readonly NoteKey[];
  /** A checkpoint is made at the latest after so many entries. */
  readonly every: number;
  readonly durability: "fsync" | "os";
}

/** The tree as it was when the latest checkpoint was signed, and its last entry. */
interface Anchor {
  /** The checkpoint's text. */
  readonly text: string;
  readonly tree: Frontier;
  readonly at: Position;
}

/**
 * Makes the checkpoints of a log, under the log's lock. What is signed was read back from the disk and hashed since the last checkpoint; what came
 * before is the tree that was signed then.
 *
 * INVARIANT: no two checkpoints contradict each other: each goes on from the one that stands beside the log, and none is made while that one does
 * not fit the log.
 */
export class Checkpointer {
  readonly #options: CheckpointerOptions;
  readonly #name: string;
  #anchor: Anchor | null = null;
  #isOpen = false;
  /** The key has changed, and nothing bears its signature yet. */
  #isOwed = false;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#name = basename(options.path);
  }

  /** The public half of the key that signs, in the form that is handed out. */
  get publicKey(): string {
    return encodeKey(this.#options.signer.key);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** For a log that is about to be created, whose first entry names the key. */
  openNew(): readonly string[] {
    if (readSmall(this.#options.disk, checkpointPath(this.#options.path)) !== null) {
      throw broken(
        this.#name,
        1,
        `is missing, and \`${this.#name}.checkpoint\` says that there was a log; restore it, or set that aside too to begin a new one`,
      );
    }
    this.#isOpen = true;
    return [];
  }

  /**
   * Checks that the log holds what its latest checkpoint says, and answers the entries that a change of keys makes necessary. Throws
   * `AUDIT_LOG_BROKEN` where it does not, or where there is no checkpoint although there must have been one.
   */
  async open(origin: string, last: Position): Promise<readonly string[]> {
    const { disk, path, previousKeys, signer } = this.#options;
    const text = readSmall(disk, checkpointPath(path));
    if (text === null) return await this.#adopt(origin, last);
    const previous = this.#signerOf(text, [signer.key, ...previousKeys]);
    this.#anchor = await this.#read(origin, text, last);
    this.#isOpen = true;
    this.#isOwed = previous !== signer.key;
    return this.#isOwed ? [this.#rotated(previous)] : [];
  }

  /** Makes a checkpoint where enough entries have come since the last. What keeps it from being made is no reason to refuse entries, unless the log is broken. */
  async makeIfDue(origin: string, last: Position): Promise<void> {
    const since = last.seq + 1 - (this.#anchor?.tree.size ?? 0);
    // The first entry is signed at once: from then on a log of this key without a checkpoint has lost it.
    if (since < this.#options.every && this.#anchor !== null && !this.#isOwed) return;
    try {
      await this.make(origin, last);
    } catch (error) {
      if (error instanceof CanopyError && error.code === "AUDIT_LOG_BROKEN") throw error;
    }
  }

  /** Signs the log up to `last`, the entry that was made durable last. */
  async make(origin: string, last: Position): Promise<void> {
    const { path, signer } = this.#options;
    const anchor = await this.#current(origin, last);
    if (anchor !== null && anchor.tree.size === last.seq + 1) return;
    const tree = anchor === null ? emptyFrontier() : copyFrontier(anchor.tree);
    const at = await this.#grow(tree, anchor?.at ?? beginning, last.seq + 1, last);
    if (at.hash !== last.hash) throw broken(this.#name, last.seq - last.first + 1, "is not the entry that was written there");
    const text = signCheckpoint({ origin, size: tree.size, root: rootOf(tree) }, signer);
    await this.#replace(`${path}.tree`, formatFrontier({ origin, tree, at }));
    await this.#replace(checkpointPath(path), text);
    this.#anchor = { text, tree, at };
    this.#isOwed = false;
  }

  /** The checkpoint that stands beside the log now, which another process may have made. */
  async #current(origin: string, last: Position): Promise<Anchor | null> {
    const { disk, path, signer, previousKeys } = this.#options;
    const text = readSmall(disk, checkpointPath(path));
    if (text === null) {
      if (this.#anchor === null) return null;
      throw broken(this.#name, 1, `has lost its checkpoint: \`${this.#name}.checkpoint\` was removed while it was in use`);
    }
    if (text === this.#anchor?.text) return this.#anchor;
    this.#signerOf(text, [signer.key, ...previousKeys]);
    const known = this.#anchor;
    const found = await this.#read(origin, text, last);
    if (known !== null && found.tree.size < known.tree.size) {
      throw broken(this.#name, 1, `has an older checkpoint than before: \`${this.#name}.checkpoint\` was rolled back while it was in use`);
    }
    return found;
  }

  /** A log without a checkpoint: one that has had no key so far, or whose writer died right after its first entry. */
  async #adopt(origin: string, last: Position): Promise<readonly string[]> {
    const { path, disk } = this.#options;
    const tree = emptyFrontier();
    let named: string | null = null;
    const at = await this.#grow(tree, beginning, last.seq + 1, last, (line) => {
      named ??=
        /^\{"v":\d+,"seq":\d+,"ts":"[^"]*","type":"(?:log\.opened|log\.continued|key\.rotated)",.*"public_key":"([^"]+)"/.exec(line)?.[1] ??
        null;
    });
    if (named !== null && tree.size > 1) {
      throw broken(
        this.#name,
        1,
        `names the key \`${String(named)}\`, so there was a checkpoint, and \`${basename(checkpointPath(path))}\` is missing: the end of the log may have been cut; restore the file`,
      );
    }
    const text = signCheckpoint({ origin, size: tree.size, root: rootOf(tree) }, this.#options.signer);
    if (named === null) {
      await this.#replace(`${path}.tree`, formatFrontier({ origin, tree, at }));
      await this.#replace(checkpointPath(path), text);
      this.#anchor = { text, tree, at };
    } else if (disk.status(`${path}.tree`) !== null) {
      throw broken(this.#name, 1, `has lost its checkpoint: \`${this.#name}.tree\` is there, \`${this.#name}.checkpoint\` is not`);
    }
    this.#isOpen = true;
    return named === this.publicKey ? [] : [this.#rotated(null)];
  }

  #rotated(previous: NoteKey | null): string {
    return bodyText("key.rotated", [
      memberOf("public_key", this.publicKey),
      memberOf("previous", previous === null ? null : encodeKey(previous)),
    ]);
  }

  #signerOf(text: string, keys: readonly NoteKey[]): NoteKey {
    const checkpoint = parseCheckpoint(text);
    const file = `${this.#name}.checkpoint`;
    if (checkpoint === null) throw broken(this.#name, 1, `has a damaged checkpoint: \`${file}\` is none; restore it`);
    const [key] = signersOf(checkpoint, keys);
    if (key !== undefined) return key;
    const names = checkpoint.note.signatures.map(({ name, id }) => `${name}+${id.toString("hex")}`);
    throw broken(
      this.#name,
      1,
      `has a checkpoint that this key did not sign: \`${file}\` bears ${names.map((name) => `\`${name}\``).join(", ")}; name the public half of an earlier key in \`previousKeys\``,
    );
  }

  /** The checkpoint of this text, with the tree that belongs to it: from beside the log, or computed again. */
  async #read(origin: string, text: string, last: Position): Promise<Anchor> {
    const { disk, path } = this.#options;
    const checkpoint = parseCheckpoint(text);
    if (checkpoint === null || checkpoint.origin !== origin) {
      throw broken(this.#name, 1, `begins another log than the one that \`${this.#name}.checkpoint\` belongs to`);
    }
    if (checkpoint.size > last.seq + 1) {
      throw broken(
        this.#name,
        last.seq - last.first + 2,
        `is missing: the log has ${last.seq + 1} entries, and its checkpoint is signed over ${checkpoint.size}; restore what was cut`,
      );
    }
    const cached = parseFrontier(readSmall(disk, `${path}.tree`) ?? "");
    if (cached?.origin === origin && cached.tree.size === checkpoint.size && rootOf(cached.tree).equals(checkpoint.root)) {
      if (this.#isThere(cached.at, last)) return { text, tree: cached.tree, at: cached.at };
    }
    const tree = emptyFrontier();
    const at = await this.#grow(tree, beginning, checkpoint.size, last);
    if (rootOf(tree).equals(checkpoint.root)) return { text, tree, at };
    throw broken(
      this.#name,
      1,
      `is not the log that \`${this.#name}.checkpoint\` is signed over: entries were changed; canopy verify says more`,
    );
  }

  #isThere(at: Position, last: Position): boolean {
    const { disk } = this.#options;
    const fd = this.#openSegment(at.first, last);
    try {
      return disk.fdStatus(fd).size >= at.end && isEntryAt(disk, fd, at);
    } finally {
      disk.close(fd);
    }
  }

  /** Reads the lines after `from` back from the disk until the tree has `size` leaves; answers where the last of them stands. */
  async #grow(
    tree: Frontier,
    from: Position,
    size: number,
    last: Position,
    onLine: (line: string) => void = () => undefined,
  ): Promise<Position> {
    const { disk } = this.#options;
    let at = from;
    while (tree.size < size) {
      if (at.isSeal) at = afterSeal(at);
      const before = at;
      const fd = this.#openSegment(at.first, last);
      try {
        for await (const lines of readLines((into, position) => disk.read(fd, into, position), at.end)) {
          for (const { bytes, end } of lines) {
            if (tree.size >= size) break;
            const entryHash = chainedHash(bytes, at.hash);
            if (entryHash === null)
              throw broken(this.#segmentName(at.first, last), at.seq - at.first + 2, "was changed after it was written");
            addLeaf(tree, leafHash(bytes));
            onLine(bytes.toString("latin1", 0, 2048));
            at = { first: at.first, seq: at.seq + 1, hash: entryHash, start: end - bytes.length - 1, end, isSeal: isSeal(bytes) };
          }
          if (tree.size >= size) break;
        }
      } finally {
        disk.close(fd);
      }
      if (at === before) throw broken(this.#segmentName(at.first, last), at.seq - at.first + 2, "is missing");
      if (tree.size < size && !at.isSeal) throw broken(this.#segmentName(at.first, last), at.seq - at.first + 2, "is missing");
    }
    return at;
  }

  #segmentPath(first: number, last: Position): string {
    return first === last.first ? this.#options.path : sealedPath(this.#options.path, first);
  }

  #segmentName(first: number, last: Position): string {
    return basename(this.#segmentPath(first, last));
  }

  #openSegment(first: number, last: Position): number {
    try {
      return this.#options.disk.open(this.#segmentPath(first, last), openToRead);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "ENOENT") throw error;
      throw broken(this.#segmentName(first, last), 1, "is missing: a segment of the log was removed");
    }
  }

  /** The new text under the name, or the old one: never a part of either. */
  async #replace(path: string, text: string): Promise<void> {
    const { disk, durability } = this.#options;
    const fresh = `${path}.new`;
    const fd = disk.open(fresh, openOrCreate);
    try {
      disk.truncate(fd, 0);
      await writeAll(disk, fd, Buffer.from(text), 0);
      if (durability === "fsync") await disk.sync(fd);
    } finally {
      disk.close(fd);
    }
    disk.rename(fresh, path);
    if (durability === "fsync") await syncDirectory(disk, dirname(path));
  }
}

export function checkpointPath(logPath: string): string {
  return `${logPath}.checkpoint`;
}

const smallBytes = 1024 * 1024;

/** The text of a file beside the log; null where there is none. More than a file of ours holds is cut off, and is then none of ours. */
function readSmall(disk: Disk, path: string): string | null {
  let fd: number;
  try {
    fd = disk.open(path, openToRead);
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return null;
    throw error;
  }
  try {
    if (!disk.fdStatus(fd).regular) return "";
    const bytes = Buffer.alloc(Math.min(smallBytes, disk.fdStatus(fd).size));
    return bytes.subarray(0, disk.read(fd, bytes, 0)).toString();
  } finally {
    disk.close(fd);
  }
}

const entryHashBytes = 81;
const ending = /,"prev_hash":"([0-9a-f]{64})","entry_hash":"([0-9a-f]{64})"\}$/;

/** The line's own hash, where it is right and the line goes on from `prevHash`; else null. */
function chainedHash(line: Buffer, prevHash: string): string | null {
  const [, named, own] = ending.exec(line.toString("latin1", Math.max(0, line.length - 161))) ?? [];
  if (own === undefined || named !== prevHash) return null;
  return hash("sha256", line.subarray(0, line.length - entryHashBytes)) === own ? own : null;
}

function isSeal(line: Buffer): boolean {
  return /^\{"v":\d+,"seq":\d+,"ts":"[^"]*","type":"log\.sealed"/.test(line.toString("latin1", 0, 256));
}
