export { ActionDeniedError, ApprovalRequiredError, isGuarded } from "@canopy-runtime/core";
export { type GuardToolsOptions, guardTools } from "./guard-tools.ts";
export { canopyToolApproval } from "./tool-approval.ts";
