import { markJsonCopy } from "../json.ts";
import type { JsonValue } from "../json.ts";
import { isCommitment, holdsCommitment } from "./recorded-decision.ts";

/**
 * The value as the engine may judge it although parts of it are committed: whoever reads one of these parts, or asks for it in any way, is noticed.
 * Where nobody was, the answer would have been the same whatever stood there. Takes what `cloneJson` made, and no commitment by itself.
 */
export function withhold(value: JsonValue, onRead: () => void): JsonValue {
  if (typeof value !== "object" || value === null || isCommitment(value) || !holdsCommitment(value)) return value;
  // Rebuilt from the inside, because a frozen object may not show other members than its own.
  const inner = Array.isArray(value)
    ? value.map((item: JsonValue) => withhold(item, onRead))
    : Object.fromEntries(Object.entries(value).map(([key, item]: [string, JsonValue]) => [key, withhold(item, onRead)]));
  const isWithheld = (key: string | symbol): boolean => {
    const descriptor = Reflect.getOwnPropertyDescriptor(inner, key);
    return descriptor !== undefined && "value" in descriptor && isCommitment(descriptor.value as JsonValue);
  };
  const watched = new Proxy(Object.freeze(inner), {
    get: (target, key, receiver): unknown => {
      if (isWithheld(key)) onRead();
      return Reflect.get(target, key, receiver) as unknown;
    },
    getOwnPropertyDescriptor: (target, key) => {
      if (isWithheld(key)) onRead();
      return Reflect.getOwnPropertyDescriptor(target, key);
    },
  }) as JsonValue & object;
  // Copying it would read all of it.
  return markJsonCopy(watched);
}
