/**
 * The trace id of a W3C `traceparent` header (Trace Context level 2): 32 hex digits; undefined where it is none. A later version of the header may go on
 * after what is known today.
 */
export function traceIdOf(header: string | readonly string[] | undefined): string | undefined {
  const [, version, traceId, parentId, rest] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/.exec(typeof header === "string" ? header : "") ?? [];
  if (version === undefined || version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  return /^0+$/.test(traceId ?? "") || /^0+$/.test(parentId ?? "") ? undefined : traceId;
}
