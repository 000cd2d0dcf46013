import type { AppendedEntry, EntryBody, ExclusiveAppend, OtherEntry } from "../audit/index.ts";
import { CanopyError } from "../errors.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import type { Severity } from "../policy/format.ts";
import type { ApprovalReference } from "./approval.ts";
import { actionDigest } from "./digest.ts";
import type { Keeper } from "./keeper.ts";
import { isOneOf } from "./names.ts";
import { nearMiss } from "./near-miss.ts";
import type { Standing } from "./standing.ts";
import { openStates } from "./store.ts";
import type { ApprovalStore, StoredApproval, StoredApprovalState } from "./store.ts";

/** An action that policy wants a person to be asked about. */
export interface AskedAction {
  /** `actionText` of it. */
  readonly text: string;
  readonly avid: string;
  /** What the agent calls itself; they do not decide about themselves. */
  readonly agentNames: readonly string[];
  readonly severity: Severity | null;
  /** What the log says of the action and of the rules that ask, as its decisions do. */
  readonly fields: JsonObject;
  /** The decision that the approval is used for. */
  readonly record: (approval: Used) => EntryBody;
}

export interface Used extends ApprovalReference {
  readonly digest: string;
  readonly decidedAt: number;
}

/** What becomes of it. `used`: the decision is on record. `asked`: a person is asked, or was before. `refused` is DENY. */
export type Settled =
  | { readonly kind: "used"; readonly entry: AppendedEntry; readonly approval: Used }
  | { readonly kind: "asked"; readonly id: string; readonly because: string | null }
  | { readonly kind: "refused"; readonly reason: string; readonly id: string | null };

/** Nobody reads more than that before they say yes. */
const largestAction = 1024 * 1024;
/** So many approvals are looked at to tell why none of them covers an action. */
const mostCompared = 50;
/** So many requests that ran out of time are put on record at once. */
const sweptAtOnce = 20;

/**
 * Uses an approval of exactly this action where there is one, or asks for one. What is found out and what is done about it are one step: all of it
 * happens while the log's lock is held.
 */
export async function settle(keeper: Keeper, asked: AskedAction): Promise<Settled> {
  const bytes = Buffer.byteLength(asked.text);
  if (bytes > largestAction) {
    return refused(`a person would have to be asked, and nobody can look through its ${bytes} bytes (at most ${largestAction})`);
  }
  const digest = actionDigest(asked.text);
  const store = await keeper.store();
  const rows = await store.about(keeper.origin, digest);
  await keeper.readAhead(rows.filter((row) => isOpen(row, keeper.now())));
  return (
    (await stillWaiting(keeper, rows)) ??
    (await keeper.exclusive(async (held, append) => await settleAlone({ keeper, asked, digest, store: held, append })))
  );
}

/** The common case, for which nothing changes and nobody else has to wait. */
async function stillWaiting(keeper: Keeper, rows: readonly StoredApproval[]): Promise<Settled | null> {
  const open = rows.filter((row) => isOpen(row, keeper.now()));
  const [row] = open;
  if (row?.state !== "pending" || open.length > 1) return null;
  const [standing] = await keeper.standings([row]).catch(() => []);
  return standing?.state === "pending" && standing.problem === null ? { kind: "asked", id: row.id, because: null } : null;
}

interface Alone {
  readonly keeper: Keeper;
  readonly asked: AskedAction;
  readonly digest: string;
  readonly store: ApprovalStore;
  readonly append: ExclusiveAppend;
}

async function settleAlone(alone: Alone): Promise<Settled> {
  const { keeper, store, digest, append } = alone;
  const rows = await store.about(keeper.origin, digest);
  const open = rows.filter((row) => isOpen(row, keeper.now()));
  const standings = await keeper.standings(open);
  const because: string[] = [];
  let pending: string | null = null;
  for (const [index, row] of open.entries()) {
    const standing = standings[index];
    if (standing === undefined) continue;
    const { problem, state, decided, requested } = standing;
    if (problem !== null) {
      return refused(
        `the approval \`${row.id}\` cannot be relied on: ${problem}; a person can clear it with canopy approvals cancel`,
        row.id,
      );
    }
    await keeper.mend(store, row, standing);
    if (state === "pending") pending ??= row.id;
    else if (state === "denied" && decided !== null && keeper.now() < (requested?.decideBy ?? Infinity))
      return refused(denial(row.id, standing), row.id);
    else if (state === "approved" && decided !== null) {
      const use = await usable(keeper, row, standing, alone.asked);
      if (typeof use !== "string") return await useIt(alone, row, use, standing.useBy ?? 0);
      because.push(use);
    } else {
      if (state === "expired") await expire(keeper, store, append, row, standing);
      because.push(ended(row.id, standing, state));
    }
  }
  // How the last one ended is said as well as it is known: nothing rests on it, and the log may have to be read from far back.
  for (const row of rows.filter((each) => !open.includes(each))) because.push(ended(row.id, await keeper.recalled(row), row.state));
  const why = because[0] ?? null;
  if (pending !== null) return { kind: "asked", id: pending, because: why };
  return await request(alone, why);
}

/** What the approval says in the log where it may be used, or why it may not. */
async function usable(keeper: Keeper, row: StoredApproval, { decided }: Standing, asked: AskedAction): Promise<Used | string> {
  if (decided?.decision !== "approve") return `the approval \`${row.id}\` was not given`;
  const { approvers } = keeper.settings;
  const { by, decidedAt, signature, key } = decided;
  if ([by, key ?? by].some((each) => isOneOf(each, asked.agentNames)))
    return `the approval \`${row.id}\` was given by \`${by}\`, who asks for it`;
  const base = { id: row.id, digest: row.digest, decidedAt };
  if (decided.assurance === "key" && approvers.length > 0) {
    const { verifyDecision } = await import("./signature.ts");
    const signed = { id: row.id, digest: row.digest, decision: decided.decision, by, at: decidedAt };
    const approver = verifyDecision(signed, signature ?? "", approvers);
    if (approver === null) {
      return `the approval \`${row.id}\` is signed in the name of \`${by}\` by a key that the host does not list for them`;
    }
    return { ...base, decidedBy: approver.name, assurance: "key" };
  }
  if (approvers.length > 0 && wantsKey(asked.severity)) {
    return `the approval \`${row.id}\` was given by \`${by}\` without a key, which a rule of severity ${String(asked.severity)} wants`;
  }
  // A signature that cannot be checked is worth as much as none.
  return { ...base, decidedBy: by, assurance: "same_user" };
}

/** Rules of these severities want a signature, where the host lists anybody who could give one. */
export function wantsKey(severity: Severity | null): boolean {
  return severity === "high" || severity === "critical";
}

/**
 * Reserves it, records the decision, and notes that it is used. The decision's entry is what uses it up: whoever dies before it is written has used
 * nothing, and whoever dies after it has used it.
 */
async function useIt({ keeper, asked, store, append }: Alone, row: StoredApproval, approval: Used, useBy: number): Promise<Settled> {
  const token = Buffer.from(keeper.randomBytes(16)).toString("hex");
  if (!(await store.change(row.id, { from: ["approved", "reserved"], to: "reserved", reserve: token }))) {
    return refused(`the approval \`${row.id}\` was changed while it was about to be used`, row.id);
  }
  // The lock keeps others out, unless somebody took its file away meanwhile: then whoever reserved it last may use it.
  const entry = await append(asked.record(approval), () => {
    if (!store.isReserved(row.id, token))
      throw new CanopyError("APPROVAL_REFUSED", `the approval \`${row.id}\` was taken by another process`);
    if (keeper.now() >= useBy) throw new CanopyError("APPROVAL_REFUSED", `the approval \`${row.id}\` ran out of time`);
  });
  await keeper.mark(store, row.id, ["reserved"], "used");
  return { kind: "used", entry, approval };
}

async function request({ keeper, asked, digest, store, append }: Alone, because: string | null): Promise<Settled> {
  const { settings, origin } = keeper;
  const now = keeper.now();
  await sweep(keeper, store, append);
  const { all, agent } = await store.countPending(origin, asked.avid, now);
  if (agent >= settings.maxPendingPerAgent) return refused(`${agent} requests of this agent wait for a person already, and no more may`);
  if (all >= settings.maxPending) return refused(`${all} requests wait for a person already, and no more may`);
  const id = `APR-${Buffer.from(keeper.randomBytes(16)).toString("hex")}`;
  const decideBy = now + settings.decideWithinMs;
  const [agentName] = asked.agentNames;
  const entry = await append({
    ...asked.fields,
    type: "approval.requested",
    approval_id: id,
    digest,
    agent: agentName ?? null,
    severity: asked.severity,
    wants: settings.approvers.length > 0 && wantsKey(asked.severity) ? "key" : "same_user",
    decide_by: new Date(decideBy).toISOString(),
    use_within_ms: settings.useWithinMs,
  } satisfies OtherEntry & Record<string, JsonValue>);
  const { seq: requestedSeq, entryHash: requestedHash } = entry;
  await store.insert({ id, origin, digest, action: asked.text, avid: asked.avid, state: "pending", requestedSeq, requestedHash, decideBy });
  return { kind: "asked", id, because: because ?? nearMiss(asked.text, asked.avid, await store.approved(origin, mostCompared)) };
}

/** Puts on record what nobody decided in time, so that it does not count as waiting. */
async function sweep(keeper: Keeper, store: ApprovalStore, append: ExclusiveAppend): Promise<void> {
  const rows = await store.overdue(keeper.origin, keeper.now(), sweptAtOnce);
  const standings = await keeper.standings(rows);
  for (const [index, row] of rows.entries()) {
    const standing = standings[index];
    if (standing === undefined || standing.problem !== null) continue;
    await keeper.mend(store, row, standing);
    if (standing.state === "expired") await expire(keeper, store, append, row, standing);
  }
}

async function expire(
  keeper: Keeper,
  store: ApprovalStore,
  append: ExclusiveAppend,
  row: StoredApproval,
  standing: Standing,
): Promise<void> {
  if (row.state === "expired") return;
  const { decided, requested } = standing;
  await append({
    type: "approval.expired",
    approval_id: row.id,
    digest: row.digest,
    avid: row.avid,
    why: decided === null ? "nobody decided in time" : "it was not used in time",
    ...(requested === null ? {} : { decide_by: new Date(requested.decideBy).toISOString() }),
  });
  await keeper.mark(store, row.id, ["pending", "approved", "reserved"], "expired");
}

function denial(id: string, { decided }: Standing): string {
  const note = decided?.note ?? null;
  return `\`${String(decided?.by)}\` denied it (\`${id}\`)${note === null ? "" : `: ${note}`}`;
}

function ended(id: string, standing: Standing | null, state: StoredApprovalState): string {
  if (standing !== null && standing.problem !== null) return `the approval \`${id}\` cannot be relied on: ${standing.problem}`;
  switch (state) {
    case "used": {
      const [number] = standing?.used?.authorizationId.split("-", 1) ?? [];
      return `the approval \`${id}\` was used already${number === undefined ? "" : `, for the decision ${number}`}`;
    }
    case "cancelled": {
      const by = standing?.cancelledBy ?? null;
      return `the approval \`${id}\` was cancelled${by === null ? "" : ` by \`${by}\``}`;
    }
    case "denied":
      return `\`${standing?.decided?.by ?? "a person"}\` denied it before (\`${id}\`)`;
    default:
      if (standing?.requested === undefined || standing.requested === null) return `the time of \`${id}\` is over`;
      return standing.decided === null
        ? `nobody decided on \`${id}\` by ${new Date(standing.requested.decideBy).toISOString()}`
        : `the approval \`${id}\` expired at ${new Date(standing.useBy ?? 0).toISOString()}`;
  }
}

/** Whether something may still come of it: a denial stands as long as the question would have. */
function isOpen({ state, decideBy }: StoredApproval, now: number): boolean {
  return openStates.includes(state) && (state !== "denied" || now < decideBy);
}

function refused(reason: string, id: string | null = null): Settled {
  return { kind: "refused", reason, id };
}
