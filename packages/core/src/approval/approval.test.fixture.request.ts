import type { AuthorizationRequest } from "../runtime/authorizer.ts";

export const policy = {
  name: "refunds.yaml",
  text: `
version: 1
default: DENY
rules:
  - { id: refund, action_type: refund, require_approval: true, reason: "A refund of {payload.amount}" }
  - { id: dangerous, action_type: transfer, require_approval: true, severity: high }
  - { id: read, action_type: read, allow: true }
  - { id: frozen, action_type: refund, deny: true, when_all: ['has(agent_ctx.frozen)'] }
  - { id: free, action_type: [refund, gift], allow: true, when_all: ['has(agent_ctx.free)'] }
`,
};

/** The refund that the tests are about; `changes` go into the request. */
export function refund(changes: Partial<AuthorizationRequest> = {}): AuthorizationRequest {
  return {
    agentCtx: { agent_id: "clerk", env: "production" },
    actions: [{ actionType: "refund", payload: { payment: "p-1", amount: 20 } }],
    tool: { name: "refund", args: { payment: "p-1", amount: 20, comment: "late" } },
    ...changes,
  };
}
