/** What went wrong, for programs. New codes may be added in minor versions; none changes its meaning. */
export type CanopyErrorCode =
  | "ACTION_DENIED"
  | "APPROVALS_UNAVAILABLE"
  | "APPROVAL_REFUSED"
  | "APPROVAL_REQUIRED"
  | "AUDIT_LOG_BROKEN"
  | "AUDIT_LOG_CLOSED"
  | "AUDIT_LOG_UNAVAILABLE"
  | "INVALID_OPTIONS"
  | "NOT_JSON"
  | "POLICY_INVALID"
  | "TOOL_NOT_GUARDABLE";

const brand = Symbol.for("@canopy-runtime/core/error");

/**
 * The base of every error that Canopy throws. A decision is never an error; an error means that the job could not be done, and a
 * caller that catches nothing ends up denied. Branch on `code`. `instanceof` holds also where two copies of Canopy are loaded.
 */
export class CanopyError extends Error {
  readonly code: CanopyErrorCode;

  constructor(code: CanopyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== CanopyError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && Object.hasOwn(value, brand);
  }
}
