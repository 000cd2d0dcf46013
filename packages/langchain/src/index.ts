export { ActionDeniedError, ApprovalRequiredError, isGuarded } from "@canopy-runtime/core";
export { type GuardToolOptions, type GuardToolsOptions, guardTool, guardTools } from "./guard-tools.ts";
export type { OnApproval } from "./guard-work.ts";
export type { HostConfig } from "./host.ts";
export type { ArgsOf, LangChainTools, SameTools } from "./langchain-tool.ts";
export type { ApprovalInterrupt } from "./pause.ts";
