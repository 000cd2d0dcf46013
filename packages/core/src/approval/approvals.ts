import { setTimeout as sleep } from "node:timers/promises";

import { CanopyError } from "../errors.ts";
import type { Approval, ApprovalDetails, ApprovalState } from "./approval.ts";
import { decideOn, cancel } from "./decide.ts";
import type { DecideOptions, CancelOptions } from "./decide.ts";
import { actionDigest } from "./digest.ts";
import type { Keeper } from "./keeper.ts";
import type { Standing } from "./standing.ts";
import type { StoredApproval } from "./store.ts";

export interface ListApprovalsOptions {
  /** Only those in this state. */
  readonly state?: ApprovalState;
  /** Only those that were used, and of which nobody knows how the call ended. */
  readonly withoutOutcome?: boolean;
}

export interface WaitForApprovalOptions {
  readonly signal?: AbortSignal;
  /** Until the request's own time is over, where it is left out. */
  readonly timeoutMs?: number;
}

/** How waiting ended. `timed_out` means DENY, as does everything but `approved`: and that means, ask again and be told. */
export type ApprovalWaitResult = Exclude<ApprovalState, "pending"> | "timed_out";

/** The requests of one log, for whoever decides about them. What is not as the log has it is told as a `problem`. */
export interface Approvals {
  /** Newest first. */
  list(options?: ListApprovalsOptions): Promise<readonly Approval[]>;
  /** Null where there is none of this id. */
  get(id: string): Promise<ApprovalDetails | null>;
  /** Puts a person's yes or no on record. Rejects with `APPROVAL_REFUSED` where it does not count, and says why. */
  decide(id: string, decision: DecideOptions): Promise<Approval>;
  /** Takes a request back, or a decision that was not used yet: the action can then be asked about anew. Rejects with `APPROVAL_REFUSED`. */
  cancel(id: string, by: CancelOptions): Promise<Approval>;
  /** Resolves when there is a decision, or time is up; rejects with the signal's reason. The same action has to be authorized again in any case. */
  wait(id: string, options?: WaitForApprovalOptions): Promise<ApprovalWaitResult>;
}

const pollMs = 150;
const pageSize = 64;

export function approvalsOf(keeper: Keeper): Approvals {
  async function find(id: string): Promise<{ readonly row: StoredApproval; readonly standing: Standing } | null> {
    const row = await (await keeper.store()).get(checkedId(id));
    if (row === null || row.origin !== keeper.origin) return null;
    const [standing] = await keeper.standings([row]);
    return standing === undefined ? null : { row, standing };
  }

  async function present(id: string): Promise<Approval> {
    const found = await find(id);
    if (found === null) throw new CanopyError("APPROVAL_REFUSED", `there is no request \`${id}\``);
    return view(found.row, found.standing);
  }

  return {
    list: async ({ state, withoutOutcome = false } = {}) => {
      const store = await keeper.store();
      const all: Approval[] = [];
      // The oldest first, so that the log is read once; a few at a time, because each may hold a large action.
      for (let after = -1; ;) {
        const rows = await store.list(keeper.origin, after, pageSize);
        const standings = await keeper.standings(rows);
        for (const [index, row] of rows.entries()) {
          const standing = standings[index];
          if (standing !== undefined) all.unshift(view(row, standing));
        }
        const last = rows.at(-1);
        if (last === undefined || rows.length < pageSize) break;
        after = last.requestedSeq;
      }
      return all.filter((each) => (state === undefined || each.state === state) && (!withoutOutcome || each.use?.outcome === null));
    },
    get: async (id) => {
      const found = await find(id);
      if (found === null) return null;
      const { preview } = await import("./preview.ts");
      const approval = view(found.row, found.standing);
      const action = actionDigest(found.row.action) === found.row.digest ? found.row.action : null;
      return { ...approval, action, preview: await preview(approval, action) };
    },
    decide: async (id, decision) => {
      await decideOn(keeper, checkedId(id), decision);
      return await present(id);
    },
    cancel: async (id, by) => {
      await cancel(keeper, checkedId(id), by);
      return await present(id);
    },
    wait: async (id, { signal, timeoutMs = Infinity } = {}) => {
      if (!(timeoutMs >= 0)) throw new CanopyError("INVALID_OPTIONS", "`timeoutMs` is no time in milliseconds");
      const end = performance.now() + timeoutMs;
      for (;;) {
        signal?.throwIfAborted();
        const { state } = await present(id);
        if (state !== "pending") return state;
        const left = end - performance.now();
        if (left <= 0) return "timed_out";
        try {
          await sleep(Math.min(pollMs, left), undefined, signal === undefined ? {} : { signal });
        } catch (error) {
          signal?.throwIfAborted();
          throw error;
        }
      }
    },
  };
}

function checkedId(id: unknown): string {
  if (typeof id === "string" && /^APR-[0-9a-f]{32}$/.test(id)) return id;
  throw new CanopyError("APPROVAL_REFUSED", `\`${String(id).slice(0, 64)}\` is no approval's id: \`APR-\` and 32 hex digits`);
}

/** What the log says of it, as plain data. */
function view(row: StoredApproval, standing: Standing): Approval {
  const { state, problem, requested, decided, used, useBy } = standing;
  return {
    id: row.id,
    digest: row.digest,
    state,
    problem,
    avid: row.avid,
    agent: requested?.agent ?? null,
    actionTypes: requested?.actionTypes ?? [],
    reason: requested?.reason ?? "",
    rules: requested?.rules ?? [],
    severity: requested?.severity ?? null,
    wants: requested?.wants ?? "key",
    requestedAt: new Date(requested?.at ?? 0),
    decideBy: new Date(requested?.decideBy ?? 0),
    decision:
      decided === null
        ? null
        : {
            decision: decided.decision,
            by: decided.by,
            at: new Date(decided.decidedAt),
            assurance: decided.assurance,
            note: decided.note,
          },
    useBy: decided?.decision === "approve" && useBy !== null ? new Date(useBy) : null,
    use: used === null ? null : { authorizationId: used.authorizationId, at: new Date(used.at), outcome: used.outcome },
  };
}
