import { createHash } from "node:crypto";

/** A SHA-256 value, 32 bytes. */
export type Hash = Buffer;

export const hashBytes = 32;

/** The hash of one entry of the tree (RFC 6962 §2.1). */
export function leafHash(entry: Uint8Array): Hash {
  return createHash("sha256").update(leafPrefix).update(entry).digest();
}

/** The hash over two subtrees (RFC 6962 §2.1). */
export function nodeHash(left: Hash, right: Hash): Hash {
  return createHash("sha256").update(nodePrefix).update(left).update(right).digest();
}

const leafPrefix = Buffer.from([0]);
const nodePrefix = Buffer.from([1]);

/**
 * A tree that only grows, kept as the roots of its largest whole subtrees from left to right: one for each bit that is set in its size. These few
 * hashes are all that is needed to add leaves, and to tell the root.
 */
export interface Frontier {
  size: number;
  readonly roots: Hash[];
}

export function emptyFrontier(): Frontier {
  return { size: 0, roots: [] };
}

export function copyFrontier({ size, roots }: Frontier): Frontier {
  return { size, roots: [...roots] };
}

/** Makes the hash of the next entry a part of the tree. */
export function addLeaf(tree: Frontier, leaf: Hash): void {
  let hash = leaf;
  // As many whole subtrees of growing size stand at the end as the size has trailing ones.
  for (let rest = tree.size; rest % 2 === 1; rest = (rest - 1) / 2) {
    const left = tree.roots.pop();
    if (left === undefined) throw new Error("the frontier has fewer roots than its size says");
    hash = nodeHash(left, hash);
  }
  tree.roots.push(hash);
  tree.size += 1;
}

/** The hash of the whole tree, that of an empty one included (RFC 6962 §2.1). */
export function rootOf({ roots }: Frontier): Hash {
  const last = roots.at(-1);
  if (last === undefined) return createHash("sha256").digest();
  return roots.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
}

/** Whether it has as many roots as its size asks for, each of the right length. */
export function isFrontier({ size, roots }: Frontier): boolean {
  if (!Number.isSafeInteger(size) || size < 0) return false;
  let ones = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return roots.length === ones && roots.every((root) => root.length === hashBytes);
}
