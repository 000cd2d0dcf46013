import type { Canopy } from "@canopy-runtime/core";

/** How many requests wait for a person. Counting reads them all, so it is not done more often than this. */
const staleMs = 5000;

export interface Waiting {
  /** Counts anew, where the last count is old. */
  look(): Promise<void>;
  last(): { readonly approvalsWaiting?: number };
}

export function watchWaiting(approvals: Canopy["approvals"] | null): Waiting {
  let count: number | undefined;
  let lastLook = -staleMs;
  return {
    async look() {
      if (approvals === null || performance.now() - lastLook < staleMs) return;
      lastLook = performance.now();
      try {
        count = (await approvals.list({ state: "pending" })).length;
      } catch {
        // No number is better than an old one.
        count = undefined;
      }
    },
    last: () => (count === undefined ? {} : { approvalsWaiting: count }),
  };
}
