import { hashBytes } from "./merkle.ts";
import type { Hash } from "./merkle.ts";
import { decodeBase64, parseNote, signNote, verifyNote } from "./signed-note.ts";
import type { NoteKey, NoteSigner, SignedNote } from "./signed-note.ts";

/** What a log says of itself: so many entries, with this root. */
export interface TreeHead {
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
}

/** A tree head as somebody signed it (C2SP tlog-checkpoint); not checked yet. */
export interface Checkpoint extends TreeHead {
  readonly note: SignedNote;
}

/** The head as a signed note, to be kept where the log's writer cannot reach it. */
export function signCheckpoint({ origin, size, root }: TreeHead, signer: NoteSigner): string {
  return signNote(`${origin}\n${size}\n${root.toString("base64")}\n`, signer);
}

/** Null where the text is no checkpoint. Extension lines are passed over: nobody can audit them. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const note = parseNote(text);
  if (note === null) return null;
  const [origin = "", size = "", encoded = "", ...extensions] = note.text.slice(0, -1).split("\n");
  const root = decodeBase64(encoded);
  if (origin === "" || !/^(0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(Number(size))) return null;
  if (root?.length !== hashBytes || extensions.includes("")) return null;
  return { origin, size: Number(size), root, note };
}

/** Which of the keys vouch for the checkpoint; none where a signature in a known key's name is false. */
export function signersOf({ note }: Checkpoint, keys: readonly NoteKey[]): readonly NoteKey[] {
  return verifyNote(note, keys);
}
