import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";

/** Who signs notes: an Ed25519 key under a name. */
export interface NoteSigner {
  readonly key: NoteKey;
  readonly privateKey: KeyObject;
}

/** By whose signature a note is believed. */
export interface NoteKey {
  readonly name: string;
  /** The first four bytes of a hash over name and key: tells keys apart, and proves nothing. */
  readonly id: Buffer;
  /** 32 bytes (RFC 8032). */
  readonly publicKey: Buffer;
}

export interface SignatureLine {
  readonly name: string;
  readonly id: Buffer;
  readonly signature: Buffer;
}

/** A text and the signatures under it, none of them checked yet. */
export interface SignedNote {
  /** With its last newline. */
  readonly text: string;
  readonly signatures: readonly SignatureLine[];
}

/** More than the 16 that every verifier must take, and room for post-quantum ones. */
const mostSignatures = 100;
const mostBytes = 1024 * 1024;
const ed25519 = 0x01;
const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");

/** The note with one signature (C2SP signed-note). `text` ends with a newline. */
export function signNote(text: string, { key, privateKey }: NoteSigner): string {
  const signature = Buffer.concat([key.id, sign(null, Buffer.from(text), privateKey)]);
  return `${text}\n— ${key.name} ${signature.toString("base64")}\n`;
}

/** Reads a note; null where it is none (C2SP signed-note). Nothing that it says is to be believed before `verifyNote`. */
export function parseNote(note: string): SignedNote | null {
  // oxlint-disable-next-line no-control-regex -- the format forbids exactly these.
  if (note.length > mostBytes || !note.isWellFormed() || /[\u0000-\u0009\u000b-\u001f]/.test(note)) return null;
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n")) return null;
  const lines = note.slice(split + 2, -1).split("\n");
  if (lines.length > mostSignatures) return null;
  const signatures: SignatureLine[] = [];
  for (const line of lines) {
    const [, name, encoded] = /^— ([^ ]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
    const bytes = decodeBase64(encoded ?? "");
    if (name === undefined || !isKeyName(name) || bytes === null || bytes.length < 5) return null;
    signatures.push({ name, id: bytes.subarray(0, 4), signature: bytes.subarray(4) });
  }
  return { text: note.slice(0, split + 1), signatures };
}

/**
 * Which of the keys have signed the note. Signatures of other keys are passed over; where one that bears the name and the id of a known key does not
 * verify, nobody has signed it.
 */
export function verifyNote({ text, signatures }: SignedNote, keys: readonly NoteKey[]): readonly NoteKey[] {
  const signed = new Set<NoteKey>();
  for (const { name, id, signature } of signatures) {
    const key = keys.find((each) => each.name === name && each.id.equals(id));
    if (key === undefined) continue;
    if (!verify(null, Buffer.from(text), keyObject(key), signature)) return [];
    signed.add(key);
  }
  return [...signed];
}

/** A new key pair. Throws `RangeError` for a name that a note cannot hold. */
export function generateSigner(name: string): NoteSigner {
  if (!isKeyName(name)) throw new RangeError(`\`${name}\` is no name for a key: no spaces and no plus`);
  const { privateKey } = generateKeyPairSync("ed25519");
  return signerOf(name, privateKey);
}

/** The public half, to hand out: `NAME+ID+KEY`, as the Go checksum database and the tools for C2SP logs read it. */
export function encodeKey({ name, id, publicKey }: NoteKey): string {
  return `${name}+${id.toString("hex")}+${Buffer.concat([Buffer.from([ed25519]), publicKey]).toString("base64")}`;
}

/** Null where the text is no public key, or its parts do not belong together. */
export function decodeKey(text: string): NoteKey | null {
  const [, name, id, encoded] = /^([^+]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44}=?=?)$/.exec(text.trim()) ?? [];
  const bytes = decodeBase64(encoded ?? "");
  if (name === undefined || !isKeyName(name) || bytes?.length !== 33 || bytes[0] !== ed25519) return null;
  const key = noteKey(name, Buffer.from(bytes.subarray(1)));
  if (key.id.toString("hex") !== id) return null;
  try {
    keyObject(key);
    return key;
  } catch {
    return null;
  }
}

/** The private half: `PRIVATE+KEY+NAME+ID+SEED`, the form of the same tools. */
export function encodeSigner({ key, privateKey }: NoteSigner): string {
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(pkcs8Prefix.length);
  return `PRIVATE+KEY+${key.name}+${key.id.toString("hex")}+${Buffer.concat([Buffer.from([ed25519]), seed]).toString("base64")}`;
}

/** Null where the text is no private key, or its parts do not belong together. */
export function decodeSigner(text: string): NoteSigner | null {
  const [, name, id, encoded] = /^PRIVATE\+KEY\+([^+]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44}=?=?)$/.exec(text.trim()) ?? [];
  const bytes = decodeBase64(encoded ?? "");
  if (name === undefined || !isKeyName(name) || bytes?.length !== 33 || bytes[0] !== ed25519) return null;
  try {
    const der = Buffer.concat([pkcs8Prefix, bytes.subarray(1)]);
    const signer = signerOf(name, createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
    return signer.key.id.toString("hex") === id ? signer : null;
  } catch {
    return null;
  }
}

/** What a note can hold as a name: not empty, no space of any kind, no plus. */
export function isKeyName(name: string): boolean {
  return name.length > 0 && name.length <= 255 && name.isWellFormed() && !/[\s+\p{Cc}\p{Z}]/u.test(name);
}

/** Standard base64 with padding, in its one spelling; null for any other. */
export function decodeBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : null;
}

function signerOf(name: string, privateKey: KeyObject): NoteSigner {
  const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(spkiPrefix.length);
  return { key: noteKey(name, publicKey), privateKey };
}

function noteKey(name: string, publicKey: Buffer): NoteKey {
  const id = createHash("sha256")
    .update(`${name}\n`)
    .update(Buffer.from([ed25519]))
    .update(publicKey)
    .digest()
    .subarray(0, 4);
  return { name, id, publicKey };
}

function keyObject({ publicKey }: NoteKey): KeyObject {
  return createPublicKey({ key: Buffer.concat([spkiPrefix, publicKey]), format: "der", type: "spki" });
}
