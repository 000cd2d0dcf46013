export {
  createToolDispatcher,
  type DispatchExtras,
  type Dispatched,
  type DispatcherOptions,
  type PendingCall,
  type ToolDispatcher,
} from "./dispatcher.ts";
export { type GuardToolsOptions, guardTools } from "./guard-tools.ts";
export { type HostWords } from "./guard-each.ts";
export { type ChatCallItem, type ChatToolOutput, type ResponsesCallItem, type ResponsesToolOutput } from "./tool-call.ts";
