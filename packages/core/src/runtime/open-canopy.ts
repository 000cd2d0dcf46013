import { openAuditLog } from "../audit/index.ts";
import type { AuditLogOptions, AuditSink } from "../audit/index.ts";
import { CanopyError } from "../errors.ts";
import { nearestHint } from "../policy/nearest.ts";
import { defaultPolicyName } from "../policy/policy.ts";
import type { Policy, PolicySource } from "../policy/policy.ts";
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
  const log = await openSink(options.audit ?? {});
  const ownFiles = (): readonly string[] => [...(log.ownFiles?.() ?? []), ...files];
  return new Canopy({ policy, log, ownFiles, mode: options.mode ?? "enforce", resolvePaths: options.resolvePaths ?? true });
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

const optionNames = ["policy", "audit", "mode", "resolvePaths"] as const satisfies readonly (keyof CanopyOptions)[];

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
