// What decides about approvals, and what keeps them, is imported when it is first asked for: a program that only authorizes starts without it.
import type { OpenApprovalsOptions, OpenedApprovals } from "./open-approvals.ts";

export type { Approval, ApprovalDecision, ApprovalDetails, ApprovalReference, ApprovalState, ApprovalUse, Assurance } from "./approval.ts";
export type { Approvals, ListApprovalsOptions, WaitForApprovalOptions, ApprovalWaitResult } from "./approvals.ts";
export type { CancelOptions, DecideOptions } from "./decide.ts";
export type { OpenApprovalsOptions, OpenedApprovals } from "./open-approvals.ts";
export type { ApprovalOptions } from "./options.ts";
export type { Approver } from "./signature.ts";
export type { ApprovalStore, ApprovalStateChange, StoredApproval, StoredApprovalState } from "./store.ts";

/**
 * Opens the approvals of the log that a runtime writes, in this process or another, for whoever decides about them. Reading needs no lock; a decision
 * takes the log's. Rejects with `AUDIT_LOG_…` where there is no log or it is not in order, with `INVALID_OPTIONS`; the store is opened when it is first
 * needed.
 */
export async function openApprovals(options: OpenApprovalsOptions): Promise<OpenedApprovals> {
  return await (await import("./open-approvals.ts")).openApprovals(options);
}

/**
 * Makes an approver's key in a new file that its owner alone may read, and answers the public half for the host's list of approvers. Rejects with
 * `APPROVALS_UNAVAILABLE` where there is such a file already or it cannot be written, with `INVALID_OPTIONS` for a name with a space or a plus.
 */
export async function createApproverKey(path: string, name: string): Promise<string> {
  return (await import("./signature.ts")).createApproverKey(path, name);
}
