import { hash } from "node:crypto";

/** The files that count as Canopy's own, and what the log calls the list; null where there are none. */
export interface OwnFiles {
  readonly files: readonly string[];
  readonly digest: string | null;
}

/** Names the list by its content: the first 32 hex digits of the SHA-256 over its JSON. */
export function ownFilesDigest(files: readonly string[]): string | null {
  return files.length === 0 ? null : hash("sha256", JSON.stringify(files)).slice(0, 32);
}

/** Digests lists that rarely change: the last one is kept. */
export function createOwnFiles(list: () => readonly string[]): () => OwnFiles {
  let last: OwnFiles = { files: [], digest: null };
  return () => {
    const files = list();
    const isSame = files.length === last.files.length && files.every((file, index) => file === last.files[index]);
    if (!isSame) last = { files: [...files], digest: ownFilesDigest(files) };
    return last;
  };
}
