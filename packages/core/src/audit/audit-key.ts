import { randomBytes } from "node:crypto";
import { closeSync, constants, fstatSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";

import { CanopyError } from "../errors.ts";
import { unavailable } from "./disk.ts";
import { decodeSigner, encodeKey, encodeSigner, generateSigner, isKeyName } from "./tree/signed-note.ts";
import type { NoteSigner } from "./tree/signed-note.ts";

/**
 * Makes a key that signs checkpoints, in a new file that only its owner may read, and answers the public half to hand out: `NAME+ID+KEY` (C2SP
 * signed-note). `name` tells keys apart for people and must hold no space and no plus; it is made up where it is left out. Throws
 * `AUDIT_LOG_UNAVAILABLE` where there is such a file already, or it cannot be written.
 */
export function createAuditKey(path: string, name: string = `canopy-audit-key/${randomBytes(4).toString("hex")}`): string {
  if (!isKeyName(name))
    throw new CanopyError("INVALID_OPTIONS", `\`${name}\` is no name for a key: 1 to 255 characters, no space and no plus`);
  const signer = generateSigner(name);
  try {
    const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      writeSync(fd, `${encodeSigner(signer)}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if ((error as { code?: unknown }).code === "EEXIST")
      throw new CanopyError("AUDIT_LOG_UNAVAILABLE", `\`${path}\` exists already, and a key is never overwritten`, { cause: error });
    throw unavailable(`write the key \`${path}\``, error);
  }
  return encodeKey(signer.key);
}

/** Reads a key file. Throws `AUDIT_LOG_UNAVAILABLE` where it cannot be read, is none, or where others than its owner can get at it. */
export function readAuditKey(path: string): NoteSigner {
  let text: string;
  try {
    const fd = openSync(path, constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0));
    try {
      const status = fstatSync(fd);
      if (!status.isFile()) throw new CanopyError("AUDIT_LOG_UNAVAILABLE", `the key \`${path}\` is not a regular file`);
      // Windows has no such bits; what protects a file there is not in its mode.
      if (process.platform !== "win32" && (status.mode & 0o077) !== 0) {
        throw new CanopyError(
          "AUDIT_LOG_UNAVAILABLE",
          `the key \`${path}\` can be read or written by others than its owner (mode ${(status.mode & 0o777).toString(8)}): chmod 600 it, or make a new one`,
        );
      }
      text = status.size > 4096 ? "" : readFileSync(fd, "utf8");
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw unavailable(`read the key \`${path}\``, error);
  }
  const signer = decodeSigner(text);
  if (signer !== null) return signer;
  throw new CanopyError(
    "AUDIT_LOG_UNAVAILABLE",
    `\`${path}\` holds no key of Canopy's; canopy init --audit-key makes one for a log, canopy approvals keygen one for an approver`,
  );
}
