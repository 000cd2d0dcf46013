/** `reserved` is approved and about to be used: whether it was, the log says. */
export type StoredApprovalState = "pending" | "approved" | "reserved" | "denied" | "expired" | "cancelled" | "used";

/**
 * A request as the store has it. The store is an index of the audit log: it says where to look, and holds the action in full, which the log does not.
 * What it says is believed only as far as the log bears it out.
 */
export interface StoredApproval {
  readonly id: string;
  /** The log that it belongs to, by the name that the log gave itself. */
  readonly origin: string;
  readonly digest: string;
  /** What is asked about, as canonical JSON: the bytes that the digest is over. */
  readonly action: string;
  readonly avid: string;
  readonly state: StoredApprovalState;
  /** Where the log says that it was requested. */
  readonly requestedSeq: number;
  readonly requestedHash: string;
  /** Milliseconds since the epoch. */
  readonly decideBy: number;
}

export interface ApprovalStateChange {
  /** Changed only where it is in one of these. */
  readonly from: readonly StoredApprovalState[];
  /** Changed only where it was reserved with this. */
  readonly token?: string;
  readonly to: StoredApprovalState;
  /** What reserves it. */
  readonly reserve?: string;
}

/**
 * Where requests wait for a person. Every change is made under the lock of the audit log, so a store need not order its writers; it must only be
 * durable when a promise resolves. Rejects where it cannot be read or written, and the runtime then answers DENY.
 */
export interface ApprovalStore {
  readonly insert: (approval: StoredApproval) => Promise<void>;
  readonly get: (id: string) => Promise<StoredApproval | null>;
  /** Those for this action that may still matter, and the last that does not, newest first. */
  readonly about: (origin: string, digest: string) => Promise<readonly StoredApproval[]>;
  /** Those that were requested after entry `after` of the log, oldest first. */
  readonly list: (origin: string, after: number, limit: number) => Promise<readonly StoredApproval[]>;
  /** Those that wait although they could only be decided until then, in milliseconds since the epoch, the longest first. */
  readonly overdue: (origin: string, now: number, limit: number) => Promise<readonly StoredApproval[]>;
  /** Those that were approved and not used, newest first. */
  readonly approved: (origin: string, limit: number) => Promise<readonly StoredApproval[]>;
  /** How many are pending and not past their time, of all agents and of this one. */
  readonly countPending: (origin: string, avid: string, now: number) => Promise<{ readonly all: number; readonly agent: number }>;
  /** Whether it was changed. */
  readonly change: (id: string, change: ApprovalStateChange) => Promise<boolean>;
  /** Whether it is reserved with this token. Answers at once: it is asked when the decision is about to be written. */
  readonly isReserved: (id: string, token: string) => boolean;
  /** Forgets what could be decided until before then, in milliseconds since the epoch, and is not approved. */
  readonly prune: (decidableBefore: number) => Promise<void>;
  /** Absolute paths of its own files, which no agent may touch. */
  readonly ownFiles: () => readonly string[];
  readonly close: () => Promise<void>;
}

/** States that something may still come of. */
export const openStates: readonly StoredApprovalState[] = ["pending", "approved", "reserved", "denied"];
