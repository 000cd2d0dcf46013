import { createHash } from "node:crypto";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { addLeaf, emptyFrontier, isFrontier, leafHash, nodeHash, rootOf } from "./merkle.ts";
import type { Frontier } from "./merkle.ts";
import { consistencyProof, inclusionProof, verifyConsistency, verifyInclusion } from "./proof.ts";

const largest = 300;
const entries = Array.from({ length: largest }, (_, index) => Buffer.from(`entry ${index}`));
const leaves = entries.map((entry) => leafHash(entry));
const leafAt = (index: number): Buffer => leaves[index] ?? Buffer.alloc(0);

const sha = (...parts: readonly Uint8Array[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();
const known = new Map<string, Buffer>();

/** MTH of RFC 6962 §2.1 over entries `from` to `to`, as the definition reads. */
function MTH(from: number, to: number): Buffer {
  const name = `${from} ${to}`;
  const found = known.get(name);
  if (found !== undefined) return found;
  const n = to - from;
  const k = 2 ** Math.ceil(Math.log2(n) - 1);
  const hash =
    n === 0
      ? sha()
      : n === 1
        ? sha(Buffer.of(0), entries[from] ?? Buffer.alloc(0))
        : sha(Buffer.of(1), MTH(from, from + k), MTH(from + k, to));
  known.set(name, hash);
  return hash;
}

/** PATH of RFC 6962 §2.1.1. */
function PATH(m: number, from: number, to: number): readonly Buffer[] {
  const n = to - from;
  if (n === 1) return [];
  const k = 2 ** Math.ceil(Math.log2(n) - 1);
  return m < k ? [...PATH(m, from, from + k), MTH(from + k, to)] : [...PATH(m - k, from + k, to), MTH(from, from + k)];
}

/** SUBPROOF of RFC 6962 §2.1.2. */
function SUBPROOF(m: number, from: number, to: number, b: boolean): readonly Buffer[] {
  const n = to - from;
  if (m === n) return b ? [] : [MTH(from, to)];
  const k = 2 ** Math.ceil(Math.log2(n) - 1);
  return m <= k ? [...SUBPROOF(m, from, from + k, b), MTH(from + k, to)] : [...SUBPROOF(m - k, from + k, to, false), MTH(from, from + k)];
}

/** Every index of a small tree; of a larger one its ends, what stands at powers of two, and some between. */
function indices(size: number): readonly number[] {
  const all = Array.from({ length: size }, (_, index) => index);
  return size <= 70
    ? all
    : all.filter((index) => index < 3 || index > size - 4 || index % 37 === 0 || [63, 64, 127, 128, 255, 256].includes(index));
}

function grown(size: number): Frontier {
  const tree = emptyFrontier();
  for (let index = 0; index < size; index += 1) addLeaf(tree, leafAt(index));
  return tree;
}

const sizes = Array.from({ length: largest + 1 }, (_, size) => size);
const flipped = (hash: Buffer): Buffer => Buffer.from(hash.map((byte, index) => (index === 7 ? byte ^ 1 : byte)));

describe("the tree", () => {
  it("has the root that RFC 6962 defines, for every size up to 300, however it grows", () => {
    const tree = emptyFrontier();
    for (const size of sizes) {
      expect(rootOf(tree)).toEqual(MTH(0, size));
      expect(isFrontier(tree)).toBe(true);
      expect(tree.size).toBe(size);
      if (size < largest) addLeaf(tree, leafAt(size));
    }
  });

  it("has the roots of the empty tree and of one empty entry that are known from Certificate Transparency", () => {
    expect(rootOf(emptyFrontier()).toString("hex")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(leafHash(Buffer.alloc(0)).toString("hex")).toBe("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  });

  it("knows a frontier that cannot be one", () => {
    const { size, roots } = grown(5);
    expect(isFrontier({ size: size + 1, roots })).toBe(true);
    expect(isFrontier({ size: size + 2, roots })).toBe(false);
    expect(isFrontier({ size, roots: [...roots, Buffer.alloc(32)] })).toBe(false);
    expect(isFrontier({ size, roots: roots.map((root) => root.subarray(1)) })).toBe(false);
    for (const wrong of [-1, 0.5, Number.NaN, 2 ** 60]) expect(isFrontier({ size: wrong, roots })).toBe(false);
  });
});

describe("an inclusion proof", () => {
  it("is the path that RFC 6962 defines, and verifies, for every size up to 300", () => {
    for (const size of sizes.slice(1)) {
      for (const index of indices(size)) {
        const proof = inclusionProof(leafAt, index, size);
        expect(proof).toEqual(PATH(index, 0, size));
        expect(verifyInclusion(leafAt(index), index, size, proof, MTH(0, size))).toBe(true);
      }
    }
  });

  it("verifies for nothing else: another index, size, root, leaf or sibling, a node more, a node less", () => {
    for (const size of sizes.slice(1)) {
      const root = MTH(0, size);
      for (const index of indices(size).filter((_, count) => size < 20 || count % 3 === 0)) {
        const leaf = leafAt(index);
        const proof = inclusionProof(leafAt, index, size);
        const wrong: boolean[] = [
          verifyInclusion(flipped(leaf), index, size, proof, root),
          verifyInclusion(leaf, index, size, proof, flipped(root)),
          verifyInclusion(leaf, index, size, [...proof, root], root),
          verifyInclusion(leaf, index, size, [leaf, ...proof], root),
          verifyInclusion(leaf, index + 1, size, proof, root),
          verifyInclusion(leaf, index - 1, size, proof, root),
          verifyInclusion(leaf, index, 0, proof, root),
          verifyInclusion(leaf, index, size, proof, root.subarray(1)),
          ...proof.flatMap((hash, at) => [
            verifyInclusion(leaf, index, size, proof.with(at, flipped(hash)), root),
            verifyInclusion(leaf, index, size, proof.toSpliced(at, 1), root),
            verifyInclusion(leaf, index, size, proof.toSpliced(at, 0, hash), root),
            verifyInclusion(leaf, index, size, proof.with(at, hash.subarray(1)), root),
          ]),
        ];
        expect(wrong).toEqual(wrong.map(() => false));
      }
    }
  });

  it("is for a tree of another size only where the path is the same", () => {
    for (let size = 1; size <= 40; size += 1) {
      for (let index = 0; index < size; index += 1) {
        const proof = inclusionProof(leafAt, index, size);
        // The root differs with the size, so nothing but the right size may verify against it.
        for (let other = index + 1; other <= 40; other += 1) {
          expect(other === size || !verifyInclusion(leafAt(index), index, other, proof, MTH(0, other))).toBe(true);
        }
      }
    }
  });

  it("is refused for what is not in the tree", () => {
    for (const [index, size] of [
      [0, 0],
      [3, 3],
      [-1, 3],
      [0.5, 3],
      [0, Number.NaN],
    ] as const)
      expect(() => inclusionProof(leafAt, index, size)).toThrow(RangeError);
  });
});

describe("a consistency proof", () => {
  it("is the proof that RFC 6962 defines, and verifies, for every size up to 300", () => {
    for (const size of sizes) {
      for (const oldSize of [...indices(size), size]) {
        const proof = consistencyProof(leafAt, oldSize, size);
        expect(proof).toEqual(oldSize === 0 ? [] : SUBPROOF(oldSize, 0, size, true));
        expect(verifyConsistency(oldSize, size, MTH(0, oldSize), MTH(0, size), proof)).toBe(true);
      }
    }
  });

  it("verifies for nothing else: other sizes, roots or hashes, a node more, a node less", () => {
    for (const size of sizes.slice(2)) {
      for (const oldSize of indices(size).filter((old, count) => old > 0 && (size < 20 || count % 3 === 0))) {
        const [oldRoot, root] = [MTH(0, oldSize), MTH(0, size)];
        const proof = consistencyProof(leafAt, oldSize, size);
        const wrong: boolean[] = [
          verifyConsistency(oldSize, size, flipped(oldRoot), root, proof),
          verifyConsistency(oldSize, size, oldRoot, flipped(root), proof),
          verifyConsistency(oldSize, size, root, oldRoot, proof),
          verifyConsistency(oldSize - 1, size, oldRoot, root, proof),
          verifyConsistency(size, oldSize, root, oldRoot, proof),
          verifyConsistency(size, size, oldRoot, root, proof),
          verifyConsistency(oldSize, size, oldRoot, root, [...proof, root]),
          verifyConsistency(oldSize, size, oldRoot, root, [oldRoot, ...proof]),
          ...proof.flatMap((hash, at) => [
            verifyConsistency(oldSize, size, oldRoot, root, proof.with(at, flipped(hash))),
            verifyConsistency(oldSize, size, oldRoot, root, proof.toSpliced(at, 1)),
            verifyConsistency(oldSize, size, oldRoot, root, proof.with(at, hash.subarray(1))),
          ]),
        ];
        expect(wrong).toEqual(wrong.map(() => false));
      }
    }
  });

  it("of equal sizes holds for equal roots alone, and of nothing for the empty root alone", () => {
    expect(verifyConsistency(5, 5, MTH(0, 5), MTH(0, 5), [])).toBe(true);
    expect(verifyConsistency(5, 5, MTH(0, 5), MTH(1, 6), [])).toBe(false);
    expect(verifyConsistency(0, 5, MTH(0, 0), MTH(0, 5), [])).toBe(true);
    expect(verifyConsistency(0, 5, MTH(0, 1), MTH(0, 5), [])).toBe(false);
    expect(() => consistencyProof(leafAt, 6, 5)).toThrow(RangeError);
  });
});

it("no proof made of arbitrary hashes verifies, and none makes the verifier throw", () => {
  const hash = fc.oneof(
    fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
    fc.nat(largest - 1).map(leafAt),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  );
  const number = fc.oneof(fc.nat(400), fc.double(), fc.constantFrom(-1, 2 ** 53, 2 ** 31, Number.NaN));
  fc.assert(
    fc.property(number, number, fc.array(hash, { maxLength: 70 }), hash, hash, (a, b, proof, one, other) => {
      const isOneLeaf = a === 0 && b === 1 && proof.length === 0 && one.equals(other) && one.length === 32;
      expect(verifyInclusion(one, a, b, proof, other) && !isOneLeaf).toBe(false);
      const isSame = a === b && proof.length === 0 && one.equals(other);
      expect(verifyConsistency(a, b, one, other, proof) && !isSame).toBe(false);
    }),
    { numRuns: 2000 },
  );
});

it("a pair of leaves is not the leaf of a pair", () => {
  const [left, right] = [leafAt(0), leafAt(1)];
  expect(leafHash(Buffer.concat([left, right]))).not.toEqual(nodeHash(left, right));
});
