/** Whether `value` says when a call is aborted: also a signal of another realm, or of a polyfill. */
export function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== "object" || value === null) return false;
  const { addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return typeof addEventListener === "function" && typeof removeEventListener === "function";
}
