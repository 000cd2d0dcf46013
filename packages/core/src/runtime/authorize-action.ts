import { defaultAuthorizer } from "./default-authorizer.ts";
import type { ActionType, PayloadOf } from "./action-payloads.ts";
import type { AgentContext } from "./agent-context.ts";
import type { AuthorizationResult } from "./authorizer.ts";

/**
 * Whether the agent may take this action: proceed only on `ALLOW`. The answer is in the audit log when the promise resolves. Never rejects:
 * whatever goes wrong, a broken policy or a log that cannot be written included, is a DENY whose reason says so.
 *
 * The runtime behind it is opened by the first call: the policy that `CANOPY_POLICY_FILE` names, else `canopy:default`; the log at
 * `CANOPY_AUDIT_LOG_PATH`, else `audit.log` in the working directory. Use `openCanopy` for a runtime of your own.
 */
export async function authorizeAction<T extends ActionType>(
  agentCtx: AgentContext,
  actionType: T,
  actionPayload: PayloadOf<T>,
): Promise<AuthorizationResult> {
  return await defaultAuthorizer().authorize({ agentCtx, actions: [{ actionType, payload: actionPayload }] });
}
