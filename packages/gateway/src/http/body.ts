import type { IncomingMessage } from "node:http";

import { CanopyError, parseJson } from "@canopy-runtime/core";
import type { JsonValue } from "@canopy-runtime/core";

import type { Capacity } from "./capacity.ts";
import { Refusal } from "./refusal.ts";

/** How many bytes one body may have, and how long a client may take over it. */
export interface BodyLimits {
  readonly bodyBytes: number;
  readonly bodyMs: number;
}

/**
 * The JSON that the request carries, under the strict reading of core's `parseJson`: a key that stands twice and an integer that readers round are refused.
 * Throws a `Refusal` for whatever it is not. Bytes are taken from the capacity as they come, and given back when this settles.
 */
export async function readJsonBody(request: IncomingMessage, limits: BodyLimits, capacity: Capacity, caller: string): Promise<JsonValue> {
  const type = request.headers["content-type"] ?? "";
  if (!/^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i.test(type)) {
    throw new Refusal(415, "unsupported_media_type", "the body must be declared as `application/json`");
  }
  if (Number(request.headers["content-length"] ?? 0) > limits.bodyBytes) throw tooLarge(limits);
  const text = await readText(request, limits, capacity, caller);
  if (text.trim() === "") throw new Refusal(400, "invalid_request", "the body is empty");
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof CanopyError) throw new Refusal(400, "invalid_request", error.message);
    throw error;
  }
}

async function readText(request: IncomingMessage, limits: BodyLimits, capacity: Capacity, caller: string): Promise<string> {
  const bytes = await readBytes(request, limits, capacity, caller);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal(400, "invalid_request", "the body is not UTF-8");
  }
}

/** Not an iteration over the stream: leaving one early closes the connection, and the client would not learn why. */
async function readBytes(request: IncomingMessage, limits: BodyLimits, capacity: Capacity, caller: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let bytes = 0;
  const take = (part: Buffer): void => {
    try {
      if (bytes + part.length > limits.bodyBytes) throw tooLarge(limits);
      capacity.holdBytes(caller, part.length);
      bytes += part.length;
      parts.push(part);
    } catch (error) {
      reject(error);
    }
  };
  const breakOff = (): void => {
    // A body that was read to its end is closed too.
    if (!request.readableEnded) reject(new Refusal(400, "invalid_request", "the body broke off"));
  };
  const timer = setTimeout(() => {
    reject(new Refusal(408, "too_slow", `the body did not arrive within ${limits.bodyMs} ms`, { connection: "close" }));
  }, limits.bodyMs);
  request.on("data", take).on("end", resolve).on("error", breakOff).on("close", breakOff);
  try {
    await promise;
    return Buffer.concat(parts);
  } finally {
    clearTimeout(timer);
    request.off("data", take).off("end", resolve).off("error", breakOff).off("close", breakOff);
    capacity.releaseBytes(caller, bytes);
  }
}

function tooLarge({ bodyBytes }: BodyLimits): Refusal {
  return new Refusal(413, "too_large", `the body is longer than ${bodyBytes} bytes`, { connection: "close" });
}
