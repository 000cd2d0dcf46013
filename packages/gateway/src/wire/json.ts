import type { JsonObject, JsonValue } from "@canopy-runtime/core";
import { z } from "zod";

/** Any JSON, passed on as the very value that was parsed: nothing is copied, stripped or read twice. */
export const jsonValue: z.ZodType<JsonValue> = z.custom<JsonValue>((value) => value !== undefined).meta({ description: "Any JSON value." });

/** Any JSON object, passed on as it is. */
export const jsonObject: z.ZodType<JsonObject> = z
  .custom<JsonObject>((value) => typeof value === "object" && value !== null && !Array.isArray(value), "expected an object")
  .meta({ type: "object" });
