// What an adapter for an agent framework is built from: translate the call, ask, enforce, report. Those who only use Canopy need none of it.
export type { ToolBindings } from "./binding.ts";
export { readActions, readUnguarded } from "./by-tool.ts";
export { oneLine, refusalError } from "./denial.ts";
export {
  type Call,
  type Refused,
  type Ticket,
  askAhead,
  authorizeCall,
  guardCall,
  guardStream,
  reportStream,
  settle,
} from "./guard-call.ts";
export { isGeneratorFunction } from "./guard-tool.ts";
export { type Guard, type GuardOptions, checkKeys, guardOptionKeys, prepareGuard } from "./guard.ts";
export { copyProperties, guardOf, isGuardedBy, markGuarded } from "./guarded.ts";
export { isSignal } from "./signal.ts";
export { nearestHint } from "../policy/nearest.ts";
