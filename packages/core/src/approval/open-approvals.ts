import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";

import { localDisk, unavailable } from "../audit/disk.ts";
import { openAuditLog, originOf, realPath } from "../audit/audit-log.ts";
import type { AuditLog } from "../audit/index.ts";
import { scanLog } from "../audit/scan.ts";
import { approvalsOf } from "./approvals.ts";
import type { Approvals } from "./approvals.ts";
import { Keeper } from "./keeper.ts";
import { readApprovalOptions } from "./options.ts";
import type { ApprovalOptions } from "./options.ts";
import { defaultStorePath, refuseLogFile } from "./store-path.ts";
import type { ApprovalStore } from "./store.ts";

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
  const file = options.path === undefined ? defaultStorePath(path) : resolve(options.path);
  refuseLogFile(file, path);
  let writing: Promise<AuditLog> | undefined;
  const open = async (): Promise<AuditLog> => {
    // Whoever decides may have another account than the log's writer, to whom a segment that is begun here would be closed: it is left to the writer.
    writing ??= openAuditLog({
      path,
      segmentBytes: Number.MAX_SAFE_INTEGER,
      ...(auditKeyPath === undefined ? {} : { keyPath: auditKeyPath }),
    });
    return await writing;
  };
  const keeper = new Keeper({
    log: {
      origin,
      append: async (body) => await (await open()).append(body),
      exclusive: async (work) => await (await open()).exclusive(work),
      scan: async (from, onEntry) => await scanLog(localDisk, path, from, onEntry),
    },
    openStore: async () => await openWhenThere(file),
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

/** The store, once there is one: it is the runtime's to create, for the account that it has. Until then nothing waits. */
async function openWhenThere(path: string): Promise<ApprovalStore> {
  const [{ openSqliteStore }, { createMemoryApprovalStore }] = await Promise.all([
    import("./sqlite-store.ts"),
    import("./memory-store.ts"),
  ]);
  const nothing = createMemoryApprovalStore();
  let found: ApprovalStore | null = null;
  const current = async (): Promise<ApprovalStore> => {
    if (found === null && existsSync(path)) found = await openSqliteStore(path);
    return found ?? nothing;
  };
  return {
    insert: async (approval) => await (await current()).insert(approval),
    get: async (id) => await (await current()).get(id),
    about: async (origin, digest) => await (await current()).about(origin, digest),
    list: async (origin, after, limit) => await (await current()).list(origin, after, limit),
    overdue: async (origin, now, limit) => await (await current()).overdue(origin, now, limit),
    approved: async (origin, limit) => await (await current()).approved(origin, limit),
    countPending: async (origin, avid, now) => await (await current()).countPending(origin, avid, now),
    change: async (id, change) => await (await current()).change(id, change),
    prune: async (before) => await (await current()).prune(before),
    isReserved: (id, token) => (found ?? nothing).isReserved(id, token),
    ownFiles: () => (found ?? nothing).ownFiles(),
    close: async () => await (await current()).close(),
  };
}
