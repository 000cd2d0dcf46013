import { isJsonObject } from "../json.ts";
import type { JsonValue } from "../json.ts";
import type { Decision } from "../policy/decision.ts";
import { appendedEntry } from "./entry.ts";
import type { AuditEntry } from "./read.ts";

/** What an entry must be to be wanted; whatever is left out is not asked. */
export interface EntryFilter {
  /** Written at or after. */
  readonly since?: Date;
  /** Written before. */
  readonly until?: Date;
  readonly type?: string;
  readonly avid?: string;
  /** Of one of the actions. */
  readonly actionType?: string;
  /** What was answered, or what policy said by itself where the runtime only observed or a person was asked. */
  readonly decision?: Decision;
  /** The id of a rule that took part in the decision. */
  readonly rule?: string;
  readonly traceId?: string;
}

/** Whether the entry is what the filter asks for. An entry without a member that is asked about is not. */
export function matchesFilter({ ts, type, members }: AuditEntry, filter: EntryFilter): boolean {
  const { since, until, actionType, rule } = filter;
  if (filter.type !== undefined && type !== filter.type) return false;
  if (filter.avid !== undefined && members["avid"] !== filter.avid) return false;
  if (filter.decision !== undefined && ![members["decision"], members["would"], members["judged"]].includes(filter.decision)) return false;
  if (filter.traceId !== undefined && members["trace_id"] !== filter.traceId) return false;
  if (actionType !== undefined && members["action_type"] !== actionType && !has(members["actions"], "action_type", actionType))
    return false;
  if (rule !== undefined && !has(members["rules"], "id", rule)) return false;
  if (since === undefined && until === undefined) return true;
  const at = Date.parse(ts);
  // Comparing with NaN is false: an entry whose time cannot be read is at no time.
  return (since === undefined || at >= since.getTime()) && (until === undefined || at < until.getTime());
}

function has(list: JsonValue | undefined, key: string, value: string): boolean {
  return Array.isArray(list) && list.some((item: JsonValue) => isJsonObject(item) && item[key] === value);
}

/** The `authorizationId` by which outcomes and approvals name the entry; null where it has no hash. */
export function entryId({ seq, members }: AuditEntry): string | null {
  const hash = members["entry_hash"];
  return typeof hash === "string" ? appendedEntry(seq, hash).id : null;
}
