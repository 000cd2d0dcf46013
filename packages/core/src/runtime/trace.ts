import { randomUUID } from "node:crypto";
import type { AuthorizationRequest } from "./authorizer.ts";

/** The caller's trace id where it is a string that can be recorded, else a new one. */
export function readTraceId(request: AuthorizationRequest): string {
  try {
    const { traceId } = request;
    if (typeof traceId === "string" && traceId !== "" && traceId.length <= 256 && traceId.isWellFormed()) return traceId;
  } catch {
    // A request that cannot even be read is refused elsewhere; it gets a trace id like any other.
  }
  // Node draws many of these at once; sixteen bytes on their own are a call of the system each time.
  return randomUUID().replaceAll("-", "");
}

/** Who asked, where that is a name that can be recorded. */
export function via(from: { readonly via?: string }): { readonly via?: string } {
  try {
    const { via: name } = from;
    return typeof name === "string" && name !== "" && name.length <= 256 && name.isWellFormed() ? { via: name } : {};
  } catch {
    return {};
  }
}
