export {
  createToolDispatcher,
  type DispatchExtras,
  type Dispatched,
  type DispatcherOptions,
  type PendingCall,
  type ToolDispatcher,
} from "./dispatcher.ts";
export { type GuardToolsOptions, guardTools } from "./guard-tools.ts";
export type { HostWords } from "./guard-each.ts";
export type { ChatCallItem, ChatToolOutput, ResponsesCallItem, ResponsesToolOutput } from "./tool-call.ts";
