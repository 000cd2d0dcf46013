import { Refusal } from "../http/refusal.ts";

/** As many are remembered; of older ones nothing is known, as after a restart. */
const mostRemembered = 100_000;

/** Who was allowed what, so that an outcome comes from whoever was allowed to act, and once. */
export interface Authorizations {
  decided(authorizationId: string, principal: string, isAllowed: boolean): void;
  /**
   * Claims the right to report the outcome; `undo` gives it back where it could not be recorded. Throws a `Refusal` where another caller asked, where the
   * answer was no, or the outcome is known. An authorization that is not remembered may be reported by whoever knows its id, which holds 128 bits of a hash.
   */
  claim(authorizationId: string, principal: string): { undo(): void };
}

export function rememberAuthorizations(): Authorizations {
  const ours = new Map<string, Known>();
  /** Those that were reported and not remembered: whoever makes up ids pushes out no more than what others have made up. */
  const strangers = new Map<string, Known>();

  function remember(known: Map<string, Known>, id: string, entry: Known): void {
    known.set(id, entry);
    if (known.size <= mostRemembered) return;
    const [oldest] = known.keys();
    if (oldest !== undefined) known.delete(oldest);
  }

  return {
    decided: (id, principal, isAllowed) => remember(ours, id, { principal, state: isAllowed ? "allowed" : "refused" }),
    claim(id, principal) {
      const known = ours.has(id) ? ours : strangers;
      const found = known.get(id);
      if (found !== undefined && found.principal !== principal)
        throw new Refusal(403, "forbidden", "this action was asked for by another caller");
      if (found?.state === "refused") throw new Refusal(409, "conflict", "this action was not allowed");
      if (found?.state === "settled") throw new Refusal(409, "conflict", "the outcome of this action is on record already");
      remember(known, id, { principal, state: "settled" });
      return {
        undo: () => {
          if (found === undefined) known.delete(id);
          else known.set(id, found);
        },
      };
    },
  };
}

interface Known {
  readonly principal: string;
  readonly state: "allowed" | "refused" | "settled";
}
