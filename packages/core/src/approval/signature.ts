import canonicalize from "canonicalize";

import { createAuditKey, readAuditKey } from "../audit/audit-key.ts";
import { decodeKey, encodeKey, parseNote, signNote, verifyNote } from "../audit/tree/signed-note.ts";
import type { NoteKey, NoteSigner } from "../audit/tree/signed-note.ts";
import { CanopyError } from "../errors.ts";

/** What an approver signs: this person said this to this one request, then. */
export interface SignedDecision {
  readonly id: string;
  readonly digest: string;
  readonly decision: "approve" | "deny";
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Whose signature counts, by the host's own list. */
export interface Approver {
  /** The person, as decisions and the log name them. */
  readonly name: string;
  /** The public half of their key, as `canopy approvals keygen` prints it. */
  readonly publicKey: string;
}

export interface KnownApprover {
  readonly name: string;
  readonly key: NoteKey;
}

/**
 * Makes an approver's key in a new file that its owner alone may read, and answers the public half for the host's list of approvers. Rejects with
 * `APPROVALS_UNAVAILABLE` where there is such a file already or it cannot be written, with `INVALID_OPTIONS` for a name with a space or a plus.
 */
export function createApproverKey(path: string, name: string): string {
  return ofApprovals(() => createAuditKey(path, name));
}

/** Throws `APPROVALS_UNAVAILABLE` where the file cannot be read, holds no key, or is open to others than its owner. */
export function readApproverKey(path: string): NoteSigner {
  return ofApprovals(() => readAuditKey(path));
}

export function publicKeyOf({ key }: NoteSigner): string {
  return encodeKey(key);
}

/** Throws `INVALID_OPTIONS` for what is no list of approvers with a public key each. */
export function readApprovers(approvers: unknown): readonly KnownApprover[] {
  if (!Array.isArray(approvers)) throw new CanopyError("INVALID_OPTIONS", "`approvals.approvers` is not a list");
  return approvers.map((each: unknown) => {
    const { name, publicKey } = (each ?? {}) as Partial<Approver>;
    const key = typeof publicKey === "string" ? decodeKey(publicKey) : null;
    if (typeof name !== "string" || name === "" || key === null) {
      throw new CanopyError(
        "INVALID_OPTIONS",
        "`approvals.approvers` holds one that has no `name`, or no `publicKey` as canopy approvals keygen prints it",
      );
    }
    return { name, key };
  });
}

/** The Ed25519 signature over the decision, as one line of a signed note. */
export function signDecision(decision: SignedDecision, signer: NoteSigner): string {
  return signNote(textOf(decision), signer).slice(textOf(decision).length + 1);
}

/** The approver of that name whose signature it is; null where it is nobody's of that name, or of another decision. */
export function verifyDecision(decision: SignedDecision, signature: string, approvers: readonly KnownApprover[]): KnownApprover | null {
  const note = parseNote(`${textOf(decision)}\n${signature}`);
  // A "signature" of several lines could move where the text ends.
  if (note?.text !== textOf(decision)) return null;
  const named = approvers.filter(({ name, key }) => name === decision.by || key.name === decision.by);
  const signed = verifyNote(
    note,
    named.map(({ key }) => key),
  );
  return named.find(({ key }) => signed.includes(key)) ?? null;
}

/** Keys of approvers and of logs are kept in the same way; what goes wrong with them is told apart. */
function ofApprovals<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof CanopyError) || error.code !== "AUDIT_LOG_UNAVAILABLE") throw error;
    throw new CanopyError("APPROVALS_UNAVAILABLE", error.message, { cause: error });
  }
}

// The first line is of no other kind of note: no checkpoint, for one, whose second line is a number.
function textOf({ id, digest, decision, by, at }: SignedDecision): string {
  return `canopy/approval-decision/v1\n${String(canonicalize({ id, digest, decision, by, at: new Date(at).toISOString() }))}\n`;
}
