export { CanopyError, type CanopyErrorCode } from "./errors.ts";
export { type Decision } from "./policy/decision.ts";
