import { actionDigest } from "./digest.ts";
import type { ApprovalState } from "./approval.ts";
import type { ApprovalEvent, Decided, Requested, Used } from "./history.ts";
import type { StoredApproval, StoredApprovalState } from "./store.ts";

/** What became of a request, by the log. */
export interface Standing {
  readonly state: ApprovalState;
  /** Null where the log does not hold it; then there is a problem. */
  readonly requested: Requested | null;
  readonly decided: Decided | null;
  readonly used: Used | null;
  readonly cancelledBy: string | null;
  /** Until when a yes may be used, in milliseconds; null while there is none. */
  readonly useBy: number | null;
  /** Why none of it may be relied on, as a clause. */
  readonly problem: string | null;
}

/**
 * What the log makes of a row of the store. The row is believed in what it holds of the action, if that has the digest which the log names; its state
 * counts only against the action.
 */
export function standingOf(row: StoredApproval, events: readonly ApprovalEvent[], now: number, useWithinMs: number): Standing {
  const requested = events.find((each): each is Requested => each.kind === "requested") ?? null;
  const decided = events.find((each): each is Decided => each.kind === "decided") ?? null;
  const used = events.find((each): each is Used => each.kind === "used") ?? null;
  const ended = events.find((each) => each.kind === "expired" || each.kind === "cancelled");
  const useBy =
    decided === null || requested === null ? null : Math.min(decided.at, decided.decidedAt) + Math.min(requested.useWithinMs, useWithinMs);
  const state = stateOf();
  return {
    state,
    requested,
    decided,
    used,
    cancelledBy: ended?.kind === "cancelled" ? ended.by : null,
    useBy,
    problem: problemOf(row, state, { requested, decided, events }, now),
  };

  function stateOf(): ApprovalState {
    if (used !== null) return "used";
    if (ended !== undefined && (ended.kind === "expired" || ended.kind === "cancelled")) return ended.kind;
    if (decided?.decision === "deny") return "denied";
    if (decided !== null) return useBy === null || now >= useBy ? "expired" : "approved";
    return now >= (requested?.decideBy ?? 0) ? "expired" : "pending";
  }
}

/** A clock that is a little off is no forgery. */
const clockSkewMs = 60_000;

const fromOutside = "the store or the log was changed from outside";

function problemOf(
  row: StoredApproval,
  state: ApprovalState,
  { requested, decided, events }: { requested: Requested | null; decided: Decided | null; events: readonly ApprovalEvent[] },
  now: number,
): string | null {
  if (requested === null || requested.seq !== row.requestedSeq || requested.hash !== row.requestedHash || requested.avid !== row.avid) {
    return `the log holds no such request: ${fromOutside}`;
  }
  if (actionDigest(row.action) !== row.digest) return `the action that is stored is not the one that was asked about: ${fromOutside}`;
  if (requested.digest !== row.digest) return `the log holds this request for another action: ${fromOutside}`;
  if (events.some(({ kind }) => kind === "unreadable")) return "what the log holds of it cannot be read";
  if (decided !== null && decided.digest !== row.digest) return "the decision on record is about another action";
  if (decided !== null && Math.min(decided.at, decided.decidedAt) > now + clockSkewMs)
    return "it was decided in the future: a clock is wrong";
  if (decided?.decision === "approve" && decided.at > requested.decideBy + clockSkewMs)
    return "the yes was put on record when there was no more time for one";
  // Where the log is ahead of the store, Canopy died before it could say so there; the other way round nobody of ours wrote it.
  return isAhead(row.state, state, decided) ? `the store says that it is ${row.state}, and the log does not: ${fromOutside}` : null;
}

function isAhead(stored: StoredApprovalState, state: ApprovalState, decided: Decided | null): boolean {
  if (stored === "pending") return false;
  if (stored === "approved" || stored === "reserved") return decided?.decision !== "approve";
  return stored === "used" ? state !== "used" : state === "pending" || state === "approved";
}
