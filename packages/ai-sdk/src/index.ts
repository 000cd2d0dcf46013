export { ActionDeniedError, ApprovalRequiredError, isGuarded } from "@canopy-runtime/core";
export { type GuardToolsOptions, guardTools } from "./guard-tools.ts";
