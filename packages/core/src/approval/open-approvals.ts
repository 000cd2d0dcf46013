import { randomBytes } from "node:crypto";

import { localDisk, unavailable } from "../audit/disk.ts";
import { openAuditLog, originOf, realPath } from "../audit/audit-log.ts";
import type { AuditLog } from "../audit/index.ts";
import { scanLog } from "../audit/scan.ts";
import { approvalsOf } from "./approvals.ts";
import type { Approvals } from "./approvals.ts";
import { Keeper } from "./keeper.ts";
import { readApprovalOptions } from "./options.ts";
import type { ApprovalOptions } from "./options.ts";
import { defaultStorePath } from "./store-path.ts";

export interface OpenApprovalsOptions extends Pick<ApprovalOptions, "path" | "approvers"> {
  /** The audit log, which must exist. */
  readonly log: string;
  /** The key that signs the log's checkpoints, where it has one. */
  readonly auditKeyPath?: string;
}

/** The approvals of a log, for whoever decides without a runtime of their own; close them when done. */
export type OpenedApprovals = Approvals & AsyncDisposable & { readonly close: () => Promise<void> };

/**
 * Opens the approvals of the log that a runtime writes, in this process or another. Reading needs no lock; a decision takes the log's. Rejects with
 * `AUDIT_LOG_…` where there is no log or it is not in order, with `INVALID_OPTIONS`; the store is opened when it is first needed.
 */
export async function openApprovals({ log, auditKeyPath, ...options }: OpenApprovalsOptions): Promise<OpenedApprovals> {
  const settings = await readApprovalOptions(options);
  let path: string;
  let origin: string;
  try {
    path = realPath(log);
    origin = originOf(path);
  } catch (error) {
    throw unavailable(`read the audit log \`${log}\``, error);
  }
  let writing: Promise<AuditLog> | undefined;
  const open = async (): Promise<AuditLog> => {
    writing ??= openAuditLog({ path, ...(auditKeyPath === undefined ? {} : { keyPath: auditKeyPath }) });
    return await writing;
  };
  const keeper = new Keeper({
    log: {
      origin,
      append: async (body) => await (await open()).append(body),
      exclusive: async (work) => await (await open()).exclusive(work),
      scan: async (from, onEntry) => await scanLog(localDisk, path, from, onEntry),
    },
    openStore: async () => await (await import("./sqlite-store.ts")).openSqliteStore(options.path ?? defaultStorePath(path)),
    settings,
    now: () => Date.now(),
    randomBytes,
  });
  const close = async (): Promise<void> => {
    await keeper.close();
    await (await writing?.catch(() => undefined))?.close();
  };
  return { ...approvalsOf(keeper), close, [Symbol.asyncDispose]: close };
}
