import { randomBytes } from "node:crypto";
import { existsSync, lstatSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import { CanopyError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import type { Checkpointer } from "./checkpointer.ts";
import type { RandomBytes } from "./commitment.ts";
import { localDisk, openToRead, unavailable } from "./disk.ts";
import type { Disk } from "./disk.ts";
import type { AppendedEntry, EntryBody } from "./entry.ts";
import { holdsFiles, holdsPolicy } from "./holds-policy.ts";
import { isLockMechanism, loadLock, lockMechanisms } from "./lock.ts";
import type { LoadLock, Lock, LockMechanism, OpenLock } from "./lock.ts";
import { prepareEntry } from "./prepare.ts";
import { redactionRules, refuseUnknown } from "./redact.ts";
import type { RedactionOptions, RedactionRules } from "./redact.ts";
import { sealedGenesis } from "./sealed.ts";
import { scanLog } from "./scan.ts";
import type { OnEntry, ScanFrom, ScanPlace } from "./scan.ts";
import type { AuditSink, ExclusiveAppend } from "./sink.ts";
import { readGenesis } from "./tail.ts";
import type { Genesis } from "./tail.ts";
import type { NoteKey, NoteSigner } from "./tree/signed-note.ts";
import { voidedBodies } from "./voided.ts";
import { Writer } from "./writer.ts";

export interface AuditLogOptions {
  /** The log; it is created where it is missing, its directory is not. `.lock` and `.head` stand beside it. */
  readonly path: string;
  /**
   * When an entry counts as recorded: once it is on the device (`fsync`, the default), or once the operating system has it (`os`), which
   * survives the death of the process but not of the machine. A log keeps the durability that it was created with.
   */
  readonly durability?: "fsync" | "os";
  readonly redact?: RedactionOptions;
  /** A file with the key that signs checkpoints, as `createAuditKey` makes it. Without one the log is a chain alone, and says so. */
  readonly keyPath?: string;
  /** Public halves of the keys that signed this log's checkpoints before, where the key was changed. */
  readonly previousKeys?: readonly string[];
  /** A checkpoint is made at the latest after so many entries (1,000 where left out), so many milliseconds (60,000), and when the log is closed. */
  readonly checkpointEvery?: number;
  readonly checkpointMs?: number;
  /** A segment that is as long (256 MiB where left out), or as old (never), is sealed, and the log goes on in a new one. */
  readonly segmentBytes?: number;
  readonly segmentMs?: number;
  /**
   * While the file system has less room left than that, 16 MiB where left out, nothing is recorded but that it is so, and every append rejects.
   * 0 records until the device is full.
   */
  readonly reserveBytes?: number;
  readonly now?: () => Date;
  readonly randomBytes?: RandomBytes;
}

/** What the log finds on this machine, so that tests can give it another. */
export interface Machine {
  readonly disk: Disk;
  readonly loadLock: LoadLock;
  readonly lockTimeoutMs: number;
}

export const thisMachine: Machine = { disk: localDisk, loadLock, lockTimeoutMs: 10_000 };

/**
 * Opens the log for writing, alone or beside other processes and threads. Throws `AUDIT_LOG_BROKEN` where the log is not what it was when
 * it was last written, and `AUDIT_LOG_UNAVAILABLE` where it cannot be written, locked or made durable.
 */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  return openAuditLogOn(thisMachine, options);
}

/** `follows` is what a log that is new says of the one whose place it takes. */
export async function openAuditLogOn(machine: Machine, options: AuditLogOptions, follows: JsonObject | null = null): Promise<AuditLog> {
  refuseUnknown("the audit log", options, optionNames);
  const { durability, redact = {}, now = () => new Date(), randomBytes: random = randomBytes } = options;
  if (durability !== undefined && durability !== "fsync" && durability !== "os") {
    throw new CanopyError("INVALID_OPTIONS", `\`durability\` is \`${String(durability)}\`, not \`fsync\` or \`os\``);
  }
  const rules = redactionRules(redact);
  const limits = readLimits(options);
  const previousKeys = await readKeys(options.previousKeys ?? []);
  try {
    const signer = options.keyPath === undefined ? null : (await import("./audit-key.ts")).readAuditKey(options.keyPath);
    const path = realPath(options.path);
    refuseNetworkFileSystem(machine.disk, path);
    const writer = await openWriter(machine, path, {
      durability: durability ?? "fsync",
      now,
      random,
      signer,
      previousKeys,
      follows,
      ...limits,
    });
    const { genesis } = writer;
    if (genesis === null) throw new Error("the log has no first entry");
    if (durability !== undefined && durability !== genesis.durability) {
      await writer.close();
      throw new CanopyError(
        "INVALID_OPTIONS",
        `\`${basename(path)}\` was created with durability \`${genesis.durability}\`, which does not change; begin a new log for \`${durability}\``,
      );
    }
    const keyFiles = options.keyPath === undefined ? [] : [resolve(options.keyPath)];
    return new AuditLog(writer, genesis, { path, rules, random, keyFiles });
  } catch (error) {
    const tried = `open the audit log \`${options.path}\``;
    if (error instanceof CanopyError || existsSync(dirname(resolve(options.path)))) throw unavailable(tried, error);
    const advice = "its folder does not exist; make it, or name another place";
    throw new CanopyError("AUDIT_LOG_UNAVAILABLE", `cannot ${tried}: ${advice}`, { cause: error });
  }
}

/** An open log. Entries are appended in the order of the calls, and interleave with those of other writers. */
export class AuditLog implements AuditSink, AsyncDisposable {
  /** The real path of the file. */
  readonly path: string;
  /** The random name that the log gave itself; no two logs share it. */
  readonly origin: string;
  readonly durability: "fsync" | "os";
  readonly #writer: Writer;
  readonly #rules: RedactionRules;
  readonly #random: RandomBytes;
  readonly #keyFiles: readonly string[];
  #closing: Promise<void> | null = null;

  constructor(writer: Writer, genesis: Genesis, options: LogSettings) {
    this.#writer = writer;
    this.#rules = options.rules;
    this.#random = options.random;
    this.#keyFiles = options.keyFiles;
    this.path = options.path;
    this.origin = genesis.origin;
    this.durability = genesis.durability;
  }

  /**
   * Puts an entry on record. Resolves when it is durable, and only then. Rejects with `AUDIT_LOG_UNAVAILABLE`, `AUDIT_LOG_BROKEN` or
   * `AUDIT_LOG_CLOSED` where it is not, or may not be; with `NOT_JSON` or `INVALID_OPTIONS` where `body` is no entry. After a failure each
   * later call tries anew, from the last entry that is known to be good. `body` is read before this returns; it is redacted, and what is too
   * long for a line becomes a commitment.
   */
  append(body: EntryBody): Promise<AppendedEntry> {
    // Not an async function, which would cost every caller a promise more.
    try {
      return this.#writer.append(prepareEntry(body, this.#rules, this.#random));
    } catch (error) {
      return Promise.reject(unavailable("read an entry", error));
    }
  }

  async markVoided(entries: readonly AppendedEntry[], why: string): Promise<void> {
    const rejected = entries.map(({ seq, entryHash }) => ({ seq, hash: entryHash }));
    await Promise.all(voidedBodies(rejected, why).map(async (body) => await this.#writer.append(body)));
  }

  /**
   * Runs `work` while no other writer of the log writes, after what was appended before. What `scan` answers meanwhile is all that is on record.
   * Within, append with what `work` is given: waiting there for `append` of the log never ends. Rejects as `append` does, and with what `work` throws.
   */
  exclusive<T>(work: (append: ExclusiveAppend) => Promise<T>): Promise<T> {
    return this.#writer.exclusive(
      async (append) => await work(async (body, stillHolds) => await append(prepareEntry(body, this.#rules, this.#random), stillHolds)),
    );
  }

  /** The entries from the place on, in their order, each checked to follow the one before; answers the place after the last. */
  scan(from: ScanFrom, onEntry: OnEntry): Promise<ScanPlace> {
    return scanLog(localDisk, this.path, from, onEntry);
  }

  async holdsPolicy(policyDigest: string, entries: number): Promise<boolean> {
    return await holdsPolicy(this.path, policyDigest, entries);
  }

  async holdsFiles(digest: string): Promise<boolean> {
    return await holdsFiles(this.path, digest);
  }

  /** The number of the first entry of the segment that was written last. */
  segment(): number {
    return this.#writer.genesis?.first ?? 0;
  }

  ownFiles(): readonly string[] {
    // What stands beside the log has names that begin with its own.
    return [this.path, ...this.#keyFiles];
  }

  /**
   * Writes what was appended before, makes the last checkpoint where the log has a key, and lets go of the files. Later appends reject. Rejects where
   * the checkpoint could not be made; the entries are durable all the same.
   */
  close(): Promise<void> {
    this.#closing ??= this.#writer.close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

interface LogSettings {
  readonly path: string;
  readonly rules: RedactionRules;
  readonly random: RandomBytes;
  readonly keyFiles: readonly string[];
}

const limitDefaults = {
  checkpointEvery: 1000,
  checkpointMs: 60_000,
  segmentBytes: 256 * 1024 * 1024,
  segmentMs: Infinity,
  reserveBytes: 16 * 1024 * 1024,
} as const;

type Limits = Readonly<Record<keyof typeof limitDefaults, number>>;

const optionNames = ["path", "durability", "redact", "keyPath", "previousKeys", ...Object.keys(limitDefaults), "now", "randomBytes"];

function readLimits(options: Partial<Limits>): Limits {
  const read = (name: keyof Limits, least: number): number => {
    const value: unknown = options[name] ?? limitDefaults[name];
    if (typeof value === "number" && value >= least && (value === limitDefaults[name] || Number.isSafeInteger(value))) return value;
    throw new CanopyError("INVALID_OPTIONS", `\`${name}\` is \`${String(value)}\`, not a whole number from ${least} on`);
  };
  return {
    checkpointEvery: read("checkpointEvery", 1),
    // A timer holds no longer time.
    checkpointMs: Math.min(2 ** 31 - 1, read("checkpointMs", 1)),
    segmentBytes: read("segmentBytes", 4096),
    segmentMs: read("segmentMs", 1000),
    reserveBytes: read("reserveBytes", 0),
  };
}

async function readKeys(texts: readonly string[]): Promise<readonly NoteKey[]> {
  if (!Array.isArray(texts)) throw new CanopyError("INVALID_OPTIONS", "`previousKeys` is not a list of public keys");
  if (texts.length === 0) return [];
  const { decodeKey } = await import("./tree/signed-note.ts");
  return texts.map((text: unknown) => {
    const key = typeof text === "string" ? decodeKey(text) : null;
    if (key === null) throw new CanopyError("INVALID_OPTIONS", `\`previousKeys\` holds \`${String(text)}\`, which is no public key`);
    return key;
  });
}

interface WriterSettings extends Limits {
  readonly durability: "fsync" | "os";
  readonly now: () => Date;
  readonly random: RandomBytes;
  readonly signer: NoteSigner | null;
  readonly previousKeys: readonly NoteKey[];
  readonly follows: JsonObject | null;
}

async function openWriter(machine: Machine, path: string, settings: WriterSettings): Promise<Writer> {
  const wanted = peekGenesis(machine.disk, path)?.lock;
  const { mechanism, open } = await chooseLock(machine.loadLock, wanted, basename(path));
  const { disk, lockTimeoutMs } = machine;
  const { signer, follows, durability, now, segmentBytes, segmentMs, reserveBytes, checkpointMs } = settings;
  const writer = new Writer({
    path,
    disk,
    lock: open(`${path}.lock`),
    lockTimeoutMs,
    mechanism,
    durability,
    origin: `canopy-audit/${Buffer.from(settings.random(16)).toString("hex")}`,
    now,
    segmentBytes,
    segmentMs,
    reserveBytes,
    checkpointMs,
    follows,
    checkpointer: signer === null ? null : await makeCheckpointer(disk, path, signer, settings),
  });
  try {
    await writer.open();
    return writer;
  } catch (error) {
    // Closing says less than what went wrong first.
    await writer.close().catch(() => undefined);
    throw error;
  }
}

/** A log without a key needs none of what signs. */
async function makeCheckpointer(disk: Disk, path: string, signer: NoteSigner, settings: WriterSettings): Promise<Checkpointer> {
  const { Checkpointer: Signing } = await import("./checkpointer.ts");
  const { previousKeys, checkpointEvery, durability } = settings;
  return new Signing({ disk, path, signer, previousKeys, every: checkpointEvery, durability });
}

/** The lock that excludes every other writer of the log at `path`, not yet taken. Throws `AUDIT_LOG_UNAVAILABLE`. */
export async function openLogLock(machine: Machine, path: string): Promise<Lock> {
  let wanted: string | undefined;
  try {
    wanted = peekGenesis(machine.disk, path)?.lock;
  } catch {
    // What the log says of itself cannot be read; the best lock that there is has to do.
  }
  const { open } = await chooseLock(machine.loadLock, wanted, basename(path));
  return open(`${path}.lock`);
}

async function chooseLock(
  load: LoadLock,
  wanted: string | undefined,
  name: string,
): Promise<{ readonly mechanism: LockMechanism; readonly open: OpenLock }> {
  const candidates = wanted === undefined ? lockMechanisms : lockMechanisms.filter((mechanism) => mechanism === wanted);
  for (const mechanism of candidates) {
    const open = await load(mechanism);
    if (open !== null) return { mechanism, open };
  }
  if (wanted === undefined)
    throw new CanopyError("AUDIT_LOG_UNAVAILABLE", "neither `fs-native-extensions` nor `node:sqlite` can be loaded to lock the log");
  const why = isLockMechanism(wanted) ? "which does not load here" : "which this version of Canopy does not know";
  throw new CanopyError(
    "AUDIT_LOG_UNAVAILABLE",
    `\`${name}\` is written under the lock of \`${wanted}\`, ${why}; other locks do not exclude its writers`,
  );
}

/** The name that the log at `path` gave itself. Throws where there is no log, or it is none. */
export function originOf(path: string): string {
  const genesis = peekGenesis(localDisk, path) ?? sealedGenesis(localDisk, path);
  return genesis.origin;
}

/** The first entry, read without the lock: it never changes once it is whole, and names the lock to take. */
function peekGenesis(disk: Disk, path: string): Genesis | null {
  const status = disk.status(path);
  if (status === null) return null;
  if (!status.regular)
    throw new CanopyError("AUDIT_LOG_UNAVAILABLE", `\`${path}\` is not a regular file, so nothing can be recorded in it`);
  const fd = disk.open(path, openToRead);
  try {
    return readGenesis(disk, fd, basename(path));
  } finally {
    disk.close(fd);
  }
}

/** One name for the log, whatever name it is called by: the lock stands beside it, and two locks would exclude nobody. */
export function realPath(path: string): string {
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw new CanopyError("INVALID_OPTIONS", "`path` is not the name of a file");
  }
  const absolute = resolve(path);
  const named = join(realpathSync.native(dirname(absolute)), basename(absolute));
  const status = lstatSync(named, { throwIfNoEntry: false });
  // A symlink to nothing is refused here: the file that it would create has another name than this one.
  return status === undefined ? named : realpathSync.native(named);
}

/** NFS, SMB, AFS, Coda, Ceph: their locks come loose when the network does. */
const networkFileSystems: ReadonlySet<number> = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f, 0x73757245, 0x00c36400]);

function refuseNetworkFileSystem(disk: Disk, path: string): void {
  // Some platforms answer a signed number.
  if (networkFileSystems.has(disk.fileSystem(dirname(path)) >>> 0)) {
    throw new CanopyError(
      "AUDIT_LOG_UNAVAILABLE",
      `\`${path}\` is on a network file system, where locks cannot be relied on; choose a local path`,
    );
  }
}
