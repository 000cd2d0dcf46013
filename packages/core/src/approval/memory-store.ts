import { openStates } from "./store.ts";
import type { ApprovalStore, StoredApproval } from "./store.ts";

interface Row {
  approval: StoredApproval;
  token: string | null;
}

/** A store for tests and trials: requests are gone with the process, and then have to be made anew. */
export function createMemoryApprovalStore(): ApprovalStore {
  const rows = new Map<string, Row>();
  const newestFirst = (origin: string): readonly StoredApproval[] =>
    [...rows.values()]
      .map(({ approval }) => approval)
      .filter((each) => each.origin === origin)
      .toSorted((a, b) => b.requestedSeq - a.requestedSeq);
  return {
    insert: async (approval) => {
      rows.set(approval.id, { approval, token: null });
      await Promise.resolve();
    },
    get: async (id) => await Promise.resolve(rows.get(id)?.approval ?? null),
    about: async (origin, digest) => {
      const all = newestFirst(origin).filter((each) => each.digest === digest);
      const newest = all.find(({ state }) => !openStates.includes(state));
      return await Promise.resolve(all.filter((each) => each === newest || openStates.includes(each.state)));
    },
    list: async (origin, after, limit) => {
      const later = newestFirst(origin).filter(({ requestedSeq }) => requestedSeq > after);
      return await Promise.resolve(later.toReversed().slice(0, limit));
    },
    overdue: async (origin, now, limit) => {
      const past = newestFirst(origin).filter(({ state, decideBy }) => state === "pending" && decideBy <= now);
      return await Promise.resolve(past.toReversed().slice(0, limit));
    },
    approved: async (origin, limit) => {
      const approved = newestFirst(origin).filter(({ state }) => state === "approved" || state === "reserved");
      return await Promise.resolve(approved.slice(0, limit));
    },
    countPending: async (origin, avid, now) => {
      const pending = newestFirst(origin).filter(({ state, decideBy }) => state === "pending" && decideBy > now);
      return await Promise.resolve({ all: pending.length, agent: pending.filter((each) => each.avid === avid).length });
    },
    change: async (id, { from, token, to, reserve }) => {
      const row = rows.get(id);
      const isMeant = row !== undefined && from.includes(row.approval.state) && (token === undefined || row.token === token);
      if (isMeant) rows.set(id, { approval: { ...row.approval, state: to }, token: reserve ?? null });
      return await Promise.resolve(isMeant);
    },
    isReserved: (id, token) => {
      const row = rows.get(id);
      return row?.approval.state === "reserved" && row.token === token;
    },
    prune: async (before) => {
      for (const [id, { approval }] of rows) {
        if (approval.state !== "approved" && approval.state !== "reserved" && approval.decideBy < before) rows.delete(id);
      }
      await Promise.resolve();
    },
    ownFiles: () => [],
    close: async () => await Promise.resolve(),
  };
}
