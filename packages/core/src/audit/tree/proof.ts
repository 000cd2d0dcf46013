import { addLeaf, emptyFrontier, hashBytes, nodeHash, rootOf } from "./merkle.ts";
import type { Hash } from "./merkle.ts";

/** The hashes of a log's entries, in order, so far as they are at hand. */
export type LeafAt = (index: number) => Hash;

/**
 * What shows that entry `index` stands in the tree of the first `size` entries: the siblings on the way from the leaf to the root
 * (RFC 6962 §2.1.1). Reads every leaf once. Throws `RangeError` unless `0 <= index < size`.
 */
export function inclusionProof(leafAt: LeafAt, index: number, size: number): readonly Hash[] {
  if (!isCount(size) || !isCount(index) || index >= size) throw new RangeError(`no entry ${index} in a tree of ${size}`);
  const path: Hash[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + largestPowerBelow(to - from);
    if (index < middle) {
      path.push(subtreeRoot(leafAt, middle, to));
      to = middle;
    } else {
      path.push(subtreeRoot(leafAt, from, middle));
      from = middle;
    }
  }
  return path.toReversed();
}

/**
 * What shows that the tree of the first `size` entries goes on the tree of the first `oldSize` (RFC 6962 §2.1.2). Empty where nothing was added
 * or nothing was there. Throws `RangeError` unless `0 <= oldSize <= size`.
 */
export function consistencyProof(leafAt: LeafAt, oldSize: number, size: number): readonly Hash[] {
  if (!isCount(oldSize) || !isCount(size) || oldSize > size) throw new RangeError(`a tree of ${size} does not go on one of ${oldSize}`);
  if (oldSize === 0 || oldSize === size) return [];
  const path: Hash[] = [];
  let [from, to] = [0, size];
  // Whether the old tree is a whole subtree so far, whose root the verifier has.
  let isWhole = true;
  while (oldSize < to) {
    const middle = from + largestPowerBelow(to - from);
    if (oldSize <= middle) {
      path.push(subtreeRoot(leafAt, middle, to));
      to = middle;
    } else {
      path.push(subtreeRoot(leafAt, from, middle));
      from = middle;
      isWhole = false;
    }
  }
  if (!isWhole) path.push(subtreeRoot(leafAt, from, to));
  return path.toReversed();
}

/** Whether the proof leads from the leaf to the root (RFC 9162 §2.1.3.2). Total: whatever does not, is false. */
export function verifyInclusion(leaf: Hash, index: number, size: number, proof: readonly Hash[], root: Hash): boolean {
  if (!isCount(size) || !isCount(index) || index >= size || !areHashes([leaf, root, ...proof])) return false;
  let at = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(sibling, hash);
      // A right edge without a sibling at this level goes up as it is.
      for (; at % 2 === 0 && at !== 0; last = half(last)) at = half(at);
    } else {
      hash = nodeHash(hash, sibling);
    }
    at = half(at);
    last = half(last);
  }
  return last === 0 && hash.equals(root);
}

/** Whether the proof leads from the old root to the new one (RFC 9162 §2.1.4.2). Total: whatever does not, is false. */
export function verifyConsistency(oldSize: number, size: number, oldRoot: Hash, root: Hash, proof: readonly Hash[]): boolean {
  if (!isCount(oldSize) || !isCount(size) || oldSize > size || !areHashes([oldRoot, root, ...proof])) return false;
  // Every tree goes on the empty one.
  if (oldSize === 0) return proof.length === 0 && oldRoot.equals(rootOf(emptyFrontier()));
  if (oldSize === size) return proof.length === 0 && oldRoot.equals(root);
  let at = oldSize - 1;
  let last = size - 1;
  for (; at % 2 === 1; last = half(last)) at = half(at);
  // Where the old tree is one whole subtree, its root is not sent along.
  const [first, ...rest] = at === 0 ? [oldRoot, ...proof] : proof;
  if (first === undefined) return false;
  let oldHash = first;
  let hash = first;
  for (const sibling of rest) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      oldHash = nodeHash(sibling, oldHash);
      hash = nodeHash(sibling, hash);
      for (; at % 2 === 0 && at !== 0; last = half(last)) at = half(at);
    } else {
      hash = nodeHash(hash, sibling);
    }
    at = half(at);
    last = half(last);
  }
  return last === 0 && oldHash.equals(oldRoot) && hash.equals(root);
}

function subtreeRoot(leafAt: LeafAt, from: number, to: number): Hash {
  const tree = emptyFrontier();
  for (let index = from; index < to; index += 1) addLeaf(tree, leafAt(index));
  return rootOf(tree);
}

/** The largest power of two below `count`, which is at least 2. */
function largestPowerBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}

/** Not a shift, which would cut it to 32 bits. */
function half(value: number): number {
  return Math.floor(value / 2);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function areHashes(values: readonly Hash[]): boolean {
  return values.every((value) => Buffer.isBuffer(value) && value.length === hashBytes);
}
