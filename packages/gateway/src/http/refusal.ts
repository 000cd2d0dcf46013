/** An answer that is no answer to the question: a status from 400 on, a code for programs, one line for people. Thrown by whatever finds it out. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: RefusalStatus;
  readonly code: RefusalCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: RefusalStatus, code: RefusalCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 408 | 409 | 413 | 415 | 421 | 422 | 500 | 503;

/** What went wrong, for programs. New ones may come; none changes its meaning. */
export type RefusalCode =
  | "invalid_request"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "policy_invalid"
  | "too_large"
  | "too_slow"
  | "unsupported_media_type"
  | "wrong_host"
  | "overloaded"
  | "shutting_down"
  | "unavailable"
  | "internal";

/** Too much to do: the same request may be sent again after so many seconds. */
export function overloaded(message: string, retryAfter = 1): Refusal {
  return new Refusal(503, "overloaded", message, { "retry-after": String(retryAfter) });
}
