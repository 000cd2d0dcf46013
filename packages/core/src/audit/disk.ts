import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsync,
  ftruncateSync,
  openSync,
  readSync,
  readdirSync,
  renameSync,
  statSync,
  statfsSync,
  unlinkSync,
  write,
  writeSync,
} from "node:fs";
import type { BigIntStats } from "node:fs";

import { CanopyError } from "../errors.ts";

/** What tells one file from another, whatever its name. */
export interface FileStatus {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: number;
  readonly regular: boolean;
}

/**
 * The file operations that the log is made of, so that tests can make each of them fail. What waits for the device is asynchronous; the
 * rest is answered from the kernel's memory, and faster than a thread could be asked.
 */
export interface Disk {
  /** Creates files with mode 0600, and follows no symlink. */
  readonly open: (path: string, flags: number) => number;
  readonly close: (fd: number) => void;
  /** Null where there is no such file. */
  readonly status: (path: string) => FileStatus | null;
  readonly fdStatus: (fd: number) => FileStatus;
  /** Fewer bytes than fit only at the end of the file. */
  readonly read: (fd: number, into: Buffer, position: number) => number;
  /** Answers how many bytes were written, which may be fewer; at the end of the file where `position` is null. */
  readonly write: (fd: number, bytes: Buffer, position: number | null) => Promise<number>;
  readonly writeNow: (fd: number, bytes: Buffer, position: number) => number;
  readonly truncate: (fd: number, size: number) => void;
  /** The data, and of the metadata what reading it back needs. */
  readonly dataSync: (fd: number) => Promise<void>;
  readonly sync: (fd: number) => Promise<void>;
  readonly remove: (path: string) => void;
  /** Puts the file in the place of whatever has the new name. */
  readonly rename: (from: string, to: string) => void;
  /** The names in a directory, in no order. */
  readonly list: (directory: string) => readonly string[];
  /** Bytes that this process may still write to the file system; Infinity where the platform does not say. */
  readonly freeBytes: (directory: string) => number;
  /** The kind of the file system as its number in `statfs`, or 0 where the platform has none. */
  readonly fileSystem: (directory: string) => number;
}

/** Up to here, a copy into the kernel's memory is over before a thread could have been asked for it. */
const smallBytes = 1024 * 1024;

// The waiting is for the sync that follows; where a large write waits too, it does so on a thread.
async function writeSome(fd: number, bytes: Buffer, position: number | null): Promise<number> {
  if (bytes.length <= smallBytes) return writeSync(fd, bytes, 0, bytes.length, position);
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, position, (error, written) => (error === null ? resolve(written) : reject(error)));
  });
}

// `promisify` would be shorter, and importing `node:util` for it costs milliseconds.
function settled(start: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => start((error) => (error === null ? resolve() : reject(error))));
}

export const localDisk: Disk = {
  open: (path, flags) => openSync(path, flags | noFollow, 0o600),
  close: closeSync,
  status: (path) => {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? null : fileStatus(found);
  },
  fdStatus: (fd) => fileStatus(fstatSync(fd, { bigint: true })),
  read: (fd, into, position) => {
    let got = 0;
    while (got < into.length) {
      const count = readSync(fd, into, got, into.length - got, position + got);
      if (count === 0) break;
      got += count;
    }
    return got;
  },
  write: writeSome,
  writeNow: (fd, bytes, position) => writeSync(fd, bytes, 0, bytes.length, position),
  truncate: ftruncateSync,
  dataSync: (fd) => settled((done) => fdatasync(fd, done)),
  sync: (fd) => settled((done) => fsync(fd, done)),
  remove: unlinkSync,
  rename: renameSync,
  list: (directory) => readdirSync(directory),
  freeBytes: (directory) => {
    const { bavail, bsize } = statfsSync(directory);
    return bsize === 0 ? Infinity : bavail * bsize;
  },
  fileSystem: (directory) => (process.platform === "linux" ? statfsSync(directory).type : 0),
};

// Windows has neither flag.
const noFollow = (constants.O_NOFOLLOW as number | undefined) ?? 0;

export const openForAppend: number = constants.O_RDWR | constants.O_APPEND;
export const openForUpdate: number = constants.O_RDWR;
export const openOrCreate: number = constants.O_RDWR | constants.O_CREAT;
export const createNew: number = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
/** Not blocking, because opening a pipe that somebody put in the place of a file would wait for a writer, and all of the process with it. */
export const openToRead: number = constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0);

function fileStatus(found: BigIntStats): FileStatus {
  return { dev: found.dev, ino: found.ino, size: Number(found.size), regular: found.isFile() };
}

export function sameFile(a: FileStatus, b: FileStatus): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

/** Writes all of `bytes`, in as many calls as the system makes of it. `onProgress` hears how many bytes are written so far. */
export async function writeAll(
  disk: Disk,
  fd: number,
  bytes: Buffer,
  position: number | null,
  onProgress?: (written: number) => void,
): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const count = await disk.write(fd, bytes.subarray(written), position === null ? null : position + written);
    if (count <= 0) throw new Error("the system wrote nothing and named no error");
    written += count;
    onProgress?.(written);
  }
}

/** Makes new names in `directory` durable. */
export async function syncDirectory(disk: Disk, directory: string): Promise<void> {
  // Windows cannot sync a directory; NTFS keeps names in its own journal.
  if (process.platform === "win32") return;
  const fd = disk.open(directory, openToRead);
  try {
    await disk.sync(fd);
  } finally {
    disk.close(fd);
  }
}

/** An error of the system as ours: what was tried, on what, and the system's short word for what came of it. */
export function unavailable(tried: string, cause: unknown): CanopyError {
  if (cause instanceof CanopyError) return cause;
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "";
  const why = systemErrors[code] ?? (cause instanceof Error ? cause.message.split("\n", 1)[0] : "an unknown error");
  return new CanopyError("AUDIT_LOG_UNAVAILABLE", `cannot ${tried}: ${why}${code === "" ? "" : ` (${code})`}`, { cause });
}

const systemErrors: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file has reached the largest size that is allowed",
  EIO: "the device reports an error",
  EISDIR: "it is a directory",
  ELOOP: "it is a symbolic link",
  EMFILE: "this process has too many open files",
  ENOENT: "there is no such file or directory",
  ENOSPC: "no space is left on the device",
  ENOTDIR: "a part of the path is not a directory",
  EPERM: "the operation is not permitted",
  EROFS: "the file system is read-only",
};
