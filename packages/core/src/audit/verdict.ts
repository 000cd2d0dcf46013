import type { Anchor } from "./anchors.ts";

/** What a log shows to whoever reads it. Lines are counted from 1 in the file that is named, entries from 0. */
export type AuditVerdict =
  | ValidLog
  /** The line named is the first that is not what was written: changed, missing, repeated, inserted or out of place. */
  | {
      readonly kind: "tampered";
      readonly file: string;
      readonly line: number;
      readonly seq: number | null;
      readonly why: string;
      readonly sound: SoundPart | null;
    }
  /** Entries at the end are missing: `headSeq` is the last that is known to have been durable. */
  | {
      readonly kind: "truncated";
      readonly file: string;
      readonly line: number;
      readonly headSeq: number;
      readonly why: string;
      readonly sound: SoundPart | null;
    }
  /** The log is sound in itself, and not the one that the checkpoint was signed over: one of them was written anew. */
  | { readonly kind: "forked"; readonly checkpoint: string; readonly size: number; readonly why: string; readonly sound: SoundPart }
  /** A checkpoint that was to be believed is none, is of another log, or bears no signature that counts. */
  | { readonly kind: "bad_checkpoint"; readonly checkpoint: string; readonly why: string; readonly sound: SoundPart }
  /** The last line was not finished, as when a writer dies; it was never acknowledged. The next writer cuts it and says so. */
  | { readonly kind: "torn_tail"; readonly file: string; readonly line: number; readonly bytes: number; readonly sound: SoundPart | null }
  /** A file without a byte, and no head file that says otherwise. */
  | { readonly kind: "empty" }
  /** Nothing can be said about the contents. */
  | { readonly kind: "unreadable"; readonly why: string };

/** The entries from the first on that are chained soundly. */
export interface SoundPart {
  readonly entries: number;
  readonly lastSeq: number;
  readonly headHash: string;
}

export interface ValidLog extends SoundPart {
  readonly kind: "valid";
  /** The name that the log gave itself. */
  readonly origin: string;
  readonly bytes: number;
  readonly segments: number;
  /** The entries that a signed checkpoint covers, by the largest of them; null where there is none. */
  readonly anchored: Anchor | null;
  /** The entries that only the chain covers, first and last `seq`: whoever can write the files can write them all anew. */
  readonly unanchored: { readonly from: number; readonly to: number } | null;
  /** Whether a head file stands beside the log. Without a good one, entries missing after the last checkpoint cannot be seen. */
  readonly head: "matches" | "missing" | "damaged";
}
