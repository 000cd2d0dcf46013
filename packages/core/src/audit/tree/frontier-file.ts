import { isJsonObject } from "../../json.ts";
import type { JsonValue } from "../../json.ts";
import type { Position } from "../tail.ts";
import { isFrontier } from "./merkle.ts";
import type { Frontier } from "./merkle.ts";
import { decodeBase64 } from "./signed-note.ts";

/** The tree of a log up to an entry, kept so that nobody has to read the log again to go on from there. */
export interface KeptFrontier {
  readonly origin: string;
  readonly tree: Frontier;
  /** The last entry of the tree. */
  readonly at: Position;
}

export function formatFrontier({ origin, tree, at }: KeptFrontier): string {
  const { first, seq, hash, start, end, isSeal } = at;
  const roots = tree.roots.map((root) => root.toString("base64"));
  return `${JSON.stringify({ v: 1, origin, size: tree.size, roots, first, seq, entry_hash: hash, start, end, is_seal: isSeal })}\n`;
}

/** Null where the text is none. It is a cache: whoever uses it checks its root against a signature. */
export function parseFrontier(text: string): KeptFrontier | null {
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
  if (!isJsonObject(value) || value["v"] !== 1) return null;
  const { origin, size, roots, first, seq, entry_hash: hash, start, end, is_seal: isSeal } = value;
  if (typeof origin !== "string" || typeof hash !== "string" || !/^[0-9a-f]{64}$/.test(hash) || typeof isSeal !== "boolean") return null;
  if (!isCount(size) || !isCount(first) || !isCount(seq) || !isCount(start) || !isCount(end)) return null;
  if (seq !== size - 1 || first > seq || start >= end || !Array.isArray(roots)) return null;
  const decoded = roots.flatMap((root: JsonValue) => (typeof root === "string" ? (decodeBase64(root) ?? []) : []));
  const tree = { size, roots: decoded };
  return decoded.length === roots.length && isFrontier(tree) ? { origin, tree, at: { first, seq, hash, start, end, isSeal } } : null;
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
