import { CanopyError } from "../errors.ts";
import { nearestHint } from "../policy/nearest.ts";
import type { Approver, KnownApprover } from "./signature.ts";
import type { ApprovalStore } from "./store.ts";

export interface ApprovalOptions {
  /** The store's file; the log's path and `.approvals.db` where it is left out. Its directory must exist. */
  readonly path?: string;
  /** A store of your own, which is closed with the runtime. */
  readonly store?: ApprovalStore;
  /**
   * Names of fields of the agent context that change from one attempt to the next and mean nothing, such as a session's number: an approval holds
   * whatever they are. No policy should read them, and nobody who decides is shown them.
   */
  readonly volatile?: readonly string[];
  /** Whose signatures count. Where there is any, a rule of severity `high` or `critical` wants one. */
  readonly approvers?: readonly Approver[];
  /** How long a request waits for a decision: 24 hours where it is left out. */
  readonly decideWithinMs?: number;
  /** How long a yes may be used: one hour where it is left out. */
  readonly useWithinMs?: number;
  /** More requests than so many do not wait at once, of all agents (1,000 where it is left out) and of one (100); what comes then is DENY. */
  readonly maxPending?: number;
  readonly maxPendingPerAgent?: number;
}

/** `ApprovalOptions`, checked and complete. */
export interface ApprovalSettings {
  readonly volatile: ReadonlySet<string>;
  readonly approvers: readonly KnownApprover[];
  readonly decideWithinMs: number;
  readonly useWithinMs: number;
  readonly maxPending: number;
  readonly maxPendingPerAgent: number;
}

const names = [
  "path",
  "store",
  "volatile",
  "approvers",
  "decideWithinMs",
  "useWithinMs",
  "maxPending",
  "maxPendingPerAgent",
] as const satisfies readonly (keyof ApprovalOptions)[];

const day = 24 * 60 * 60 * 1000;

/** The identity of an agent, or where it works, is never without meaning. */
const neverVolatile: readonly string[] = ["agent_id", "id", "public_key", "name", "env", "role", "cwd", "home", "safe_paths", "safe_hosts"];

/** Throws `INVALID_OPTIONS`: a misspelt option must not quietly mean the default. */
export async function readApprovalOptions(options: ApprovalOptions): Promise<ApprovalSettings> {
  if (typeof options !== "object" || options === null) throw invalid("`approvals` is an object of options, or false");
  for (const name of Object.keys(options)) {
    if (!(names as readonly string[]).includes(name)) throw invalid(`unknown option \`approvals.${name}\`${nearestHint(name, names)}`);
  }
  const { path, store, volatile = [], approvers = [] } = options;
  if (path !== undefined && (typeof path !== "string" || path === "" || path.includes("\0")))
    throw invalid("`approvals.path` is not the name of a file");
  if (path !== undefined && store !== undefined) throw invalid("`approvals.path` and `approvals.store` are both given; choose one");
  if (store !== undefined && (typeof store !== "object" || store === null || typeof store.change !== "function"))
    throw invalid("`approvals.store` is no store of approvals");
  if (!Array.isArray(volatile) || !volatile.every((each) => typeof each === "string" && each !== ""))
    throw invalid("`approvals.volatile` is not a list of names");
  const lasting = volatile.find((each: string) => neverVolatile.includes(each));
  if (lasting !== undefined) throw invalid(`\`approvals.volatile\` holds \`${lasting}\`, which says who acts or where`);
  return {
    volatile: new Set(volatile),
    approvers: Array.isArray(approvers) && approvers.length === 0 ? [] : (await import("./signature.ts")).readApprovers(approvers),
    decideWithinMs: time(options, "decideWithinMs", day),
    useWithinMs: time(options, "useWithinMs", day / 24),
    maxPending: count(options, "maxPending", 1000),
    maxPendingPerAgent: count(options, "maxPendingPerAgent", 100),
  };
}

function time(options: ApprovalOptions, name: "decideWithinMs" | "useWithinMs", otherwise: number): number {
  const value: unknown = options[name] ?? otherwise;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= 366 * day) return value;
  throw invalid(`\`approvals.${name}\` is \`${String(value)}\`, not a time in milliseconds, up to a year`);
}

function count(options: ApprovalOptions, name: "maxPending" | "maxPendingPerAgent", otherwise: number): number {
  const value: unknown = options[name] ?? otherwise;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  throw invalid(`\`approvals.${name}\` is \`${String(value)}\`, not a count from 1 on`);
}

function invalid(message: string): CanopyError {
  return new CanopyError("INVALID_OPTIONS", message);
}
