import { randomBytes } from "node:crypto";
import { resolve } from "node:path";

import { readApprovalOptions } from "../approval/options.ts";
import type { ApprovalOptions, ApprovalSettings } from "../approval/options.ts";
import { defaultStorePath, refuseLogFile, storeFiles } from "../approval/store-path.ts";
import { AuditLog, openAuditLog } from "../audit/index.ts";
import type { AuditLogOptions, AuditSink } from "../audit/index.ts";
import { CanopyError } from "../errors.ts";
import { nearestHint } from "../policy/nearest.ts";
import { defaultPolicyName } from "../policy/policy.ts";
import type { Policy, PolicySource } from "../policy/policy.ts";
import { RuntimeApprovals } from "./ask-person.ts";
import { Canopy } from "./canopy.ts";
import type { Mode } from "./canopy.ts";
import { loadPolicyFrom } from "./policy-file.ts";

export interface CanopyOptions {
  /** A policy file's path, `canopy:default`, or a policy's text with a name for it. `canopy:default` where it is left out. */
  readonly policy?: string | PolicySource;
  /**
   * Where and how the log is kept; `audit.log` in the working directory where it is left out. A string is its path. A sink is used as it is, and
   * closed with the runtime.
   */
  readonly audit?: string | Partial<AuditLogOptions> | AuditSink;
  /** `enforce` unless the host asks to `observe`. */
  readonly mode?: Mode;
  /**
   * Whether the paths of file actions are looked up on this machine's disk, so that a symlink or a hard link is judged as what it leads to.
   * On by default; switch it off where the actions happen on another machine.
   */
  readonly resolvePaths?: boolean;
  /**
   * How the answers of people are kept that REQUIRE_APPROVAL asks for: in an SQLite database beside the log where it is left out. False keeps none, and
   * REQUIRE_APPROVAL stays what it is. A sink that is no file keeps them where they are asked for here, and in memory where no `path` or `store` is given.
   */
  readonly approvals?: ApprovalOptions | false;
}

/** What a runtime that only checks is made with. */
export type CheckerOptions = Pick<CanopyOptions, "policy" | "resolvePaths">;

/** Evaluates requests and records nothing. */
export type Checker = Pick<Canopy, "check" | "explain" | "policy">;

/**
 * Opens a runtime of its own, with its own policy and log. Rejects with `POLICY_INVALID` when the policy does not load, with `AUDIT_LOG_…`
 * when the log cannot be opened or is not in order, and with `INVALID_OPTIONS` for an option that is none.
 */
export async function openCanopy(options: CanopyOptions = {}): Promise<Canopy> {
  checkOptions(options);
  const files = new Set<string>();
  const load = async (): Promise<Policy> => await loadPolicyFrom(options.policy ?? defaultPolicyName, files);
  // Before the log is opened: a host whose policy is broken leaves no log behind.
  let first: Policy | undefined = await load();
  const canopy = await startCanopy(
    options,
    async () => {
      const policy = first ?? (await load());
      first = undefined;
      return policy;
    },
    files,
  );
  await canopy.policy();
  return canopy;
}

/**
 * Tries requests against a policy: what would be decided, with nothing recorded. The policy is loaded once; while it does not load, `policy()`
 * rejects with `POLICY_INVALID` and every check answers DENY.
 */
export function createChecker(options: CheckerOptions = {}): Checker {
  checkOptions(options);
  const files = new Set<string>();
  const policy = loadPolicyFrom(options.policy ?? defaultPolicyName, files);
  // Whoever checks is told; a checker that is never asked anything is no reason to end the process.
  policy.catch(() => undefined);
  return new Canopy({
    policy: async () => await policy,
    log: null,
    approvals: null,
    ownFiles: () => [...files],
    mode: "enforce",
    resolvePaths: options.resolvePaths ?? true,
  });
}

/**
 * Opens the log for a policy that may be loaded later: until it is, every answer is a DENY, and it is on record. `files` has, once the policy is
 * loaded, the absolute path of each file that it was loaded from.
 */
export async function startCanopy(options: CanopyOptions, policy: CanopyParts["policy"], files: ReadonlySet<string>): Promise<Canopy> {
  const settings = await readApprovalOptions(options.approvals === false || options.approvals === undefined ? {} : options.approvals);
  const log = await openSink(options.audit ?? {});
  try {
    const approvals = runtimeApprovals(options, log, settings);
    const approvalFiles = approvals?.ownFiles ?? [];
    const ownFiles = (): readonly string[] => [...(log.ownFiles?.() ?? []), ...approvalFiles, ...files];
    return new Canopy({ policy, log, approvals, ownFiles, mode: options.mode ?? "enforce", resolvePaths: options.resolvePaths ?? true });
  } catch (error) {
    await log.close();
    throw error;
  }
}

function runtimeApprovals({ approvals, audit }: CanopyOptions, log: AuditSink, settings: ApprovalSettings): RuntimeApprovals | null {
  if (approvals === false || (approvals === undefined && !(log instanceof AuditLog))) return null;
  if (!canBeHeld(log)) {
    throw new CanopyError(
      "INVALID_OPTIONS",
      "this audit sink keeps no approvals: it cannot be held alone and read back; set `approvals: false`",
    );
  }
  const { store, path } = approvals ?? {};
  const beside = log instanceof AuditLog ? log.path : null;
  const file = path === undefined ? (beside === null ? null : defaultStorePath(beside)) : resolve(path);
  if (file !== null && beside !== null) refuseLogFile(file, beside);
  const clock = typeof audit === "object" && "now" in audit ? audit.now : undefined;
  return new RuntimeApprovals({
    log,
    openStore: async () => {
      if (store !== undefined) return store;
      if (file === null) return (await import("../approval/memory-store.ts")).createMemoryApprovalStore();
      return await (await import("../approval/sqlite-store.ts")).openSqliteStore(file);
    },
    // What stands beside the log under its name is the log's already.
    ownFiles: store !== undefined ? store.ownFiles() : file === null || file.startsWith(`${beside ?? file}.`) ? [] : storeFiles(file),
    settings,
    now: () => (clock === undefined ? Date.now() : clock().getTime()),
    randomBytes,
  });
}

function canBeHeld(log: AuditSink): log is AuditSink & Required<Pick<AuditSink, "exclusive" | "scan" | "origin">> {
  return log.exclusive !== undefined && log.scan !== undefined && log.origin !== undefined;
}

async function openSink(audit: string | Partial<AuditLogOptions> | AuditSink): Promise<AuditSink> {
  if (typeof audit === "string") return await openAuditLog({ path: audit });
  if (isSink(audit)) return audit;
  return await openAuditLog({ ...audit, path: audit.path === undefined ? "audit.log" : audit.path });
}

function isSink(audit: Partial<AuditLogOptions> | AuditSink): audit is AuditSink {
  return "append" in audit && typeof audit.append === "function" && typeof audit.close === "function";
}

type CanopyParts = ConstructorParameters<typeof Canopy>[0];

const optionNames = ["policy", "audit", "mode", "resolvePaths", "approvals"] as const satisfies readonly (keyof CanopyOptions)[];

/** JavaScript callers have no compiler: a misspelt option must not quietly mean the default. */
function checkOptions(options: CanopyOptions): void {
  if (typeof options !== "object" || options === null) throw new CanopyError("INVALID_OPTIONS", "the options are not an object");
  for (const name of Object.keys(options)) {
    if ((optionNames as readonly string[]).includes(name)) continue;
    throw new CanopyError("INVALID_OPTIONS", `unknown option \`${name}\`${nearestHint(name, optionNames)}`);
  }
  if (options.policy !== undefined && !isText(options.policy) && !isSource(options.policy)) {
    throw new CanopyError("INVALID_OPTIONS", "`policy` is not a file's path, `canopy:default`, or an object with `name` and `text`");
  }
  if (options.audit !== undefined && !isText(options.audit) && (typeof options.audit !== "object" || options.audit === null)) {
    throw new CanopyError("INVALID_OPTIONS", "`audit` is not a file's path, an object of options, or a sink");
  }
  if (options.mode !== undefined && options.mode !== "enforce" && options.mode !== "observe") {
    throw new CanopyError("INVALID_OPTIONS", `unknown mode \`${String(options.mode)}\`, it is \`enforce\` or \`observe\``);
  }
  if (options.resolvePaths !== undefined && typeof options.resolvePaths !== "boolean") {
    throw new CanopyError("INVALID_OPTIONS", "`resolvePaths` is true or false");
  }
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isSource(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { name, text } = value as Partial<PolicySource>;
  return typeof name === "string" && typeof text === "string";
}
