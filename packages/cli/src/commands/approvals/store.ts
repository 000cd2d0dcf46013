import { CanopyError, openApprovals } from "@canopy-runtime/core";
import type { Approval, OpenedApprovals } from "@canopy-runtime/core";
import { userInfo } from "node:os";
import type { Terminal } from "../../terminal.ts";
import { UsageError } from "../../usage-error.ts";
import { logPath } from "../audit/log-path.ts";

/** What every command about approvals takes. */
export const storeOptions = {
  log: { type: "string" },
  approvals: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

interface StoreValues {
  readonly log?: string | undefined;
  readonly approvals?: string | undefined;
}

/** Opens the approvals for `work`. What is wrong with them, with the log or with a decision is told as bad input. */
export async function withApprovals<T>(
  values: StoreValues,
  terminal: Pick<Terminal, "env">,
  work: (approvals: OpenedApprovals) => Promise<T>,
): Promise<T> {
  const log = logPath(values.log === undefined ? [] : [values.log], terminal);
  const path = named("--approvals", values.approvals) ?? named("CANOPY_APPROVALS_PATH", terminal.env["CANOPY_APPROVALS_PATH"]);
  const auditKeyPath = named("CANOPY_AUDIT_KEY_PATH", terminal.env["CANOPY_AUDIT_KEY_PATH"]);
  try {
    await using approvals = await openApprovals({
      log,
      ...(path === undefined ? {} : { path }),
      ...(auditKeyPath === undefined ? {} : { auditKeyPath }),
    });
    return await work(approvals);
  } catch (error) {
    if (error instanceof CanopyError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** The one id that the command line names. */
export function idOf(positionals: readonly string[]): string {
  const [id, ...others] = positionals;
  if (id === undefined)
    throw new UsageError("the id of the request is missing: APR- and 32 hex digits, as canopy approvals list prints it");
  if (others.length > 0) throw new UsageError(`one request at a time, not ${positionals.length}`);
  return id;
}

export function nobody(id: string): UsageError {
  return new UsageError(`there is no request \`${id}\``);
}

/** The name that the account has on this machine. */
export function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    throw new UsageError("this account has no name; say who you are with --by");
  }
}

/** In the words of the wire and of the log. */
export function wire({ agent, decision, use, ...approval }: Approval): object {
  return {
    id: approval.id,
    state: approval.state,
    problem: approval.problem,
    digest: approval.digest,
    avid: approval.avid,
    agent,
    action_types: approval.actionTypes,
    reason: approval.reason,
    rules: approval.rules,
    severity: approval.severity,
    wants: approval.wants,
    requested_at: approval.requestedAt.toISOString(),
    decide_by: approval.decideBy.toISOString(),
    decision:
      decision === null
        ? null
        : {
            decision: decision.decision,
            decided_by: decision.by,
            decided_at: decision.at.toISOString(),
            assurance: decision.assurance,
            note: decision.note,
          },
    use_by: approval.useBy?.toISOString() ?? null,
    use: use === null ? null : { authorization_id: use.authorizationId, at: use.at.toISOString(), outcome: use.outcome },
  };
}

function named(what: string, path: string | undefined): string | undefined {
  if (path === "") throw new UsageError(`${what} is empty, name a file or leave it out`);
  return path;
}
