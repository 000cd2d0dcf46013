import type { z } from "zod";

import { validate } from "../wire/validate.ts";
import { Refusal } from "./refusal.ts";

/** What stands after the `?`, as the schema reads it. Throws a `Refusal` for a name that stands twice, and for any where the route asks for none. */
export function readQuery(target: string, schema: z.ZodType | undefined): unknown {
  const at = target.indexOf("?");
  if (at < 0 && schema === undefined) return undefined;
  const values: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(at < 0 ? "" : target.slice(at))) {
    if (Object.hasOwn(values, name)) throw new Refusal(400, "invalid_request", "a parameter of the address stands twice");
    Object.defineProperty(values, name, { value, enumerable: true });
  }
  if (schema !== undefined) return validate(schema, values);
  if (Object.keys(values).length > 0) throw new Refusal(400, "invalid_request", "this address takes no parameters");
  return undefined;
}
