import type { z } from "zod";

import { Refusal } from "../http/refusal.ts";

/** `value` as the schema has it. Throws a `Refusal` that names the first thing that is not. */
export function validate<T>(schema: z.ZodType<T>, value: unknown): T {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  throw new Refusal(400, "invalid_request", issueText(read.error));
}

/** What is wrong first, and where, in one line of bounded length. */
export function issueText({ issues }: z.ZodError): string {
  const [issue] = issues;
  if (issue === undefined) return "it is not what it must be";
  const where = issue.path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key).slice(0, 64)}`)).join("");
  const text = `${where === "" ? "" : `\`${where.replace(/^\./, "")}\`: `}${issue.message}`;
  return visible(text.charAt(0).toLowerCase() + text.slice(1)).slice(0, 300);
}

function visible(text: string): string {
  return text.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u{fffd}");
}
